"""Records of what stands above the sessions."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class LastRunRemark:
    """What there is to say of a session's last run: that it failed or was killed, or what its checks found.

    `outcome` is built, failed or died (killed before its end); `at` when a run that failed or died began.
    """

    outcome: str
    at: str | None
    sentences: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PublishedSession:
    """A session of the site. What is null is not known: its files are of another version of the contract.

    `page` and `api` lead to its session page and to its part of the API, both from the top of the site. `last_run`
    is null where there is nothing to say of it.
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
    last_run: LastRunRemark | None


@dataclass(frozen=True, kw_only=True)
class UnfinishedSession:
    """A session that was begun and has no report."""

    session: str
    problems: tuple[str, ...]
    last_run: LastRunRemark | None


@dataclass(frozen=True, kw_only=True)
class Sessions:
    """api/sessions.json: every published session by date and race, the latest of them, and those without a report."""

    latest: str | None
    sessions: tuple[PublishedSession, ...]
    unfinished: tuple[UnfinishedSession, ...]
