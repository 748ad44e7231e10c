"""Records of what stands above the sessions."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class PublishedSession:
    """A session of the site. What is null is not known: its files are of another version of the contract.

    `page` and `api` lead to its session page and to its part of the API, both from the top of the site.
    """

    session: str
    circuit_name: str | None
    race: int | None
    race_date: str | None
    is_simulated: bool | None
    cars: int | None
    laps: int | None
    page: str
    api: str
    problems: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Sessions:
    """api/sessions.json: every published session by date and race, and which one is the latest."""

    latest: str | None
    sessions: tuple[PublishedSession, ...]
