"""Corners of the shared real sessions: against the official maps, between laps, between cars and between races."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from support.real_data import NEEDS_REAL_DATA, RACES, REAL_DATA

from grx_pipeline.ingest.discovery import discover
from grx_pipeline.ingest.hashes import HashCache
from grx_pipeline.ingest.manifest import write_manifest
from grx_pipeline.paths import Paths
from grx_pipeline.settings import Settings
from grx_pipeline.steps import STEPS, run_step
from grx_pipeline.storage.parquet import read_frame
from grx_pipeline.storage.steps import StepContext
from grx_pipeline.track.circuits import Corner, circuit_of
from grx_pipeline.track.corner_points import CornerPoints, corner_points
from grx_pipeline.track.corners import detect_corners
from grx_pipeline.track.field import FieldTraces, read_field
from grx_pipeline.track.line import find_line

pytestmark = NEEDS_REAL_DATA

SETTINGS = Settings()
TOLERANCE_M = 30.0

# Bends of the official maps in lap order, by eye: L and R. Barber's T8 is driven straight over and is left out.
BENDS = {
    "barber": "LRRLRRLRLRRRL",
    "indianapolis": "RLRRLRLRLRRRLR",
    "cota": "LRLRLRLRLLLLRLRLL",
    "sonoma": "LRLRRRLRRRRLRRL",
}


@dataclass(frozen=True, kw_only=True)
class Session:
    """A real session up to its segments, and its clean laps."""

    circuit: str
    context: StepContext
    field: FieldTraces

    def frame(self, table: str) -> pd.DataFrame:
        return read_frame(self.context.paths.table(self.context.session, table))

    def points(self) -> CornerPoints:
        return corner_points(self.field, self.corners(), SETTINGS.corners)

    def corners(self) -> tuple[Corner, ...]:
        table = circuit_of(self.circuit).corner_table
        assert table is not None
        return table.corners


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Session]:
    folder = tmp_path_factory.mktemp("corners")
    paths = Paths(data=folder / "data", reports=folder / "reports")
    return {f"{circuit}-{race}": build(circuit, REAL_DATA / circuit / f"race{race}", paths) for circuit, race in RACES}


def build(circuit: str, raw: Path, paths: Paths) -> Session:
    (manifest,) = discover(raw, hashes=HashCache(paths.hash_cache())).sessions
    write_manifest(paths.manifest(manifest.session), manifest)
    context = StepContext(session=manifest.session, paths=paths, settings=SETTINGS, progress=lambda _: None)
    names = list(STEPS)
    for name in names[: names.index("core_track") + 1]:
        run_step(STEPS[name], context)
    field = read_field(context)
    return Session(circuit=circuit, context=context, field=field.of(field.is_clean))


def test_every_corner_turns_as_the_official_map_draws_it(sessions: dict[str, Session]) -> None:
    for session in sessions.values():
        corners = session.frame("corners")
        assert "".join("L" if turned > 0 else "R" for turned in corners["turn_deg"]) == BENDS[session.circuit]
        assert "".join(corners["direction"].str[0].str.upper()) == BENDS[session.circuit]
        assert corners["apex_m"].is_monotonic_increasing


# How near a drawing has a line to a bend; the maps' own figures are off by up to 70 m.
DRAWN_TO_M = 40.0

# On the maps by eye: the corner before each timing line and the one after it; the same where the line is in it.
LINES_BETWEEN = {
    "barber": {"S1": ("T4", "T5-T6"), "S2": ("T11", "T12")},
    "indianapolis": {
        **{"IM1a": ("T3", "T4"), "S1": ("T6", "T6"), "IM2a": ("T7", "T8"), "S2": ("T11", "T11")},
        "IM3a": ("T12", "T13"),
    },
    "sonoma": {
        **{"IM1a": ("T2", "T3"), "S1": ("T5", "T6"), "IM2a": ("T6", "T7"), "S2": ("T8A", "T8A")},
        "IM3a": ("T10", "T10"),
    },
}


@pytest.mark.parametrize("name", ["barber-1", "indianapolis-1", "sonoma-1"])
def test_timing_lines_lie_between_the_corners_that_the_map_says(sessions: dict[str, Session], name: str) -> None:
    session = sessions[name]
    places = session.frame("timing_lines").set_index("line")["distance_m"]
    corners = {corner.corner: corner for corner in session.corners()}
    for line, (before, behind) in LINES_BETWEEN[session.circuit].items():
        low, high = corners[before].end_m, corners[behind].start_m
        if before == behind:
            low, high = high, low
        assert low - DRAWN_TO_M <= places[line] <= high + DRAWN_TO_M, line


@pytest.mark.parametrize(("name", "least"), [("barber-1", 0.95), ("barber-2", 0.9), ("indianapolis-1", 0.98)])
def test_apexes_are_within_thirty_metres_from_lap_to_lap(sessions: dict[str, Session], name: str, least: float) -> None:
    shares = sessions[name].frame("corners")["apex_share"].dropna()
    assert len(shares) >= 5
    assert shares.mean() >= least
    assert shares.min() >= 0.8


@pytest.mark.parametrize("name", ["barber-1", "indianapolis-1", "sonoma-1", "sonoma-2"])
def test_apexes_of_every_car_are_within_thirty_metres_of_the_fields(sessions: dict[str, Session], name: str) -> None:
    session = sessions[name]
    apexes = pd.DataFrame(session.points().apex_m).groupby(session.field.vehicle_ids).median()
    off = (apexes - session.frame("corners")["apex_m"].to_numpy()).abs().stack().dropna()
    assert (off <= TOLERANCE_M).mean() >= 0.96


def test_apexes_agree_between_the_two_races_of_a_weekend(sessions: dict[str, Session]) -> None:
    for circuit in ("barber", "indianapolis", "sonoma"):
        first, second = (sessions[f"{circuit}-{race}"].frame("corners")["apex_m"] for race in (1, 2))
        assert (first - second).abs().max() <= TOLERANCE_M + 1


def test_brake_onsets_repeat_to_some_metres(sessions: dict[str, Session]) -> None:
    spreads = pd.concat([session.frame("corners")["brake_onset_spread_m"] for session in sessions.values()]).dropna()
    assert len(spreads) > 40
    assert spreads.median() < 5.0
    assert spreads.quantile(0.95) < 12.0


def test_detection_alone_finds_most_turns_with_the_right_direction(sessions: dict[str, Session]) -> None:
    """Each corner of the table has a detected one of its direction whose range shares most of the shorter one."""
    for session in sessions.values():
        field = read_field(session.context)
        found = detect_corners(find_line(session.context, field), field.length_m, SETTINGS.track)
        known = session.corners()
        matched = [any(c.direction == k.direction and _overlap(c, k) > 0.5 for c in found) for k in known]
        assert all(matched), session.context.session


def _overlap(one: Corner, other: Corner) -> float:
    shared = min(one.end_m, other.end_m) - max(one.start_m, other.start_m)
    return shared / min(one.end_m - one.start_m, other.end_m - other.start_m)


def test_segments_tile_every_session_and_stop_at_the_sector_lines(sessions: dict[str, Session]) -> None:
    for session in sessions.values():
        segments, lines = session.frame("segments"), session.frame("timing_lines").set_index("line")["distance_m"]
        assert segments["start_m"].iloc[0] == 0.0
        assert segments["end_m"].iloc[-1] == session.field.length_m
        assert (segments["end_m"].to_numpy()[:-1] == segments["start_m"].to_numpy()[1:]).all()
        assert segments.groupby("sector")["end_m"].max().tolist()[:2] == lines[["S1", "S2"]].tolist()
        assert segments["name"].is_unique
        assert set(segments["corner_index"].dropna()) == set(session.frame("corners")["corner_index"])
