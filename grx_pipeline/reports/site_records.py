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
class DriverTrend:
    """A driver in a session. Percentages are over the class's best clean lap there: 0 is that lap itself.

    Numbers change hands, so a car is its `chassis`: of one whose id has none, the only chassis of its number elsewhere
    in the season. `driver_name` of a car without one is its only driver under that number elsewhere; `path` is its
    page's file name. DPTAD scores are medians over laps: 0 is as always, 100 the most unlike.
    """

    session: str
    race_date: str
    race: int
    circuit_name: str
    is_simulated: bool
    vehicle_id: str
    chassis: str | None
    path: str
    car_number: str
    driver_name: str | None
    vehicle_class: str | None
    position: int | None
    laps: int
    clean_laps: int
    best_clean_ms: int | None
    siwtl_lap_ms: int | None
    class_best_ms: int | None
    best_pct: float | None
    target_pct: float | None
    consistency_score: float | None
    dptad_brake: float | None
    dptad_throttle: float | None
    dptad_steering: float | None
    dptad_speed: float | None


@dataclass(frozen=True, kw_only=True)
class Season:
    """api/season.json: every driver in every published session, by date and race, in the order of the result."""

    drivers: tuple[DriverTrend, ...]


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
class RefusedFiles:
    """Files that were named for a run and not taken in: the `name` of the session or of the folder, and why."""

    name: str
    reason: str
    at: str


@dataclass(frozen=True, kw_only=True)
class Sessions:
    """api/sessions.json: every published session by date and race, the latest of them, and those without a report.

    `refused` is what the last runs were given and did not take in.
    """

    latest: str | None
    sessions: tuple[PublishedSession, ...]
    unfinished: tuple[UnfinishedSession, ...]
    refused: tuple[RefusedFiles, ...] = ()
