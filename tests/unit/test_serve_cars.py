"""Lookups on one car's files, on files of a few rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from grx_pipeline.methods.dptad.kinds import RULES
from grx_pipeline.serve.index import Build
from grx_pipeline.serve.lookups.asked import Asked
from grx_pipeline.serve.lookups.cars import style, target
from grx_pipeline.serve.lookups.laps import near_best, pace, unclean
from grx_pipeline.serve.lookups.moments import moments
from grx_pipeline.serve.lookups.pairs import where_quicker
from grx_pipeline.serve.lookups.places import traffic
from grx_pipeline.serve.lookups.published import Published
from grx_pipeline.settings import NarrativeSettings

A, B = "GR86-002-2", "GR86-004-78"
DRIVERS = tuple({"vehicle_id": car, "car_number": car.split("-")[2], "driver_name": None} for car in (A, B))


@dataclass(frozen=True, kw_only=True)
class Files:
    """A build of these records."""

    records: Mapping[str, Any]
    paths: Mapping[str, str] = field(default_factory=dict)

    def record(self, name: str) -> Any:
        return self.records.get(name)


def published(**records: Any) -> Published:
    """Records of car A by kind, `__` for a slash."""
    files = {f"api/{kind.replace('__', '/')}/{A}.json": record for kind, record in records.items()}
    return Published(build=cast(Build, Files(records=files)), worth=NarrativeSettings(), summary={}, drivers=DRIVERS)


def asked(message: str, *, page: str = A) -> Asked:
    return Asked.of(message, DRIVERS, page_cars=[page] if page else [])


def text(answer: Any) -> str:
    assert answer is not None
    return str(answer.text)


def test_of_a_car_with_clean_laps_only_none_is_named() -> None:
    laps = {"laps": [{"lap_number": number, "is_clean": True, "reasons": []} for number in (1, 2)]}
    assert text(unclean(asked("which laps are not clean"), published(laps=laps))) == (
        "Every lap of your car is clean: 2 laps."
    )


@pytest.mark.parametrize(
    ("limit", "near"),
    [("1 %", "2 of your other 3 clean laps came within 1.000 s"), ("half a second", "1 of your other 3 clean laps")],
)
def test_laps_near_the_best_are_counted_within_what_was_asked_for(limit: str, near: str) -> None:
    laps = {"laps": [{"lap_time_ms": time, "is_clean": True} for time in (100_000, 100_400, 100_900, 101_100)]}
    assert text(near_best(asked(f"how many laps within {limit} of my best"), published(laps=laps))).startswith(near)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("did i lock up", "lock_up_suspected"),
        ("any oversteer", "oversteer_suspected"),
        ("mistakes: did i lift", "lift"),
        ("mistakes: did i brake too early", "early_braking"),
        ("mistakes: did i miss my braking point", "late_braking"),
    ],
)
def test_what_drivers_call_a_moment_finds_the_detectors_type(message: str, kind: str) -> None:
    assert kind in {rule.type for rule in RULES}
    others = sorted({rule.type for rule in RULES} - {kind})
    events = [
        {"id": str(lap), "lap": lap, "corner": None, "type": name, "text": f"{name}.", "time_lost_ms": 50.0}
        for lap, name in enumerate([kind, *others], start=1)
    ]
    judged = {"laps_judged": 6, "reason": None, "events": events}
    answer = text(moments(asked(message), published(ml__dptad__analyze=judged)))
    assert answer.endswith(f"Lap 1, {kind}.")


@pytest.mark.parametrize(("highest", "told"), [(100.0, ""), (49.71, "; 31 laps to compare with give at most 50")])
def test_scores_say_how_high_so_few_laps_can_go(highest: float, told: str) -> None:
    judged = {"scores": {"brake": 12.0}, "laps_judged": 6, "field_laps": 31, "highest_score": highest, "events": []}
    answer = text(style(asked("my driving style"), published(ml__dptad__analyze=judged)))
    assert f"(0 is as always, 100 as unusual as it gets{told}): brake 12." in answer


def test_moments_away_from_corners_have_no_corner_in_common() -> None:
    event = {"corner": None, "type": "lift", "text": "lifted.", "time_lost_ms": 20.0}
    judged = {"laps_judged": 6, "reason": None, "events": [event | {"id": str(n), "lap": n} for n in range(4)]}
    answer = text(moments(asked("my mistakes"), published(ml__dptad__analyze=judged)))
    assert answer.startswith("4 unusual moments of your car, on 6 judged laps; 0.080 s in all. The dearest:")


def test_of_traffic_the_sentence_on_laps_behind_a_car_is_told() -> None:
    reason = (
        "No corner surely costs you 0.05 s a lap or more over 7 clean laps. On 4 of these laps a car was within 1 s "
        "ahead; the sectors where it was do not count. A comparison with the class needs 5 drivers with a free lap."
    )
    site = published(opportunities={"told": [], "reason": reason})
    said = (
        "On 4 of the clean laps with a trusted trace a car was within 1 s ahead; the sectors where it was do not count."
    )
    assert text(traffic(asked("was i in traffic"), site)).startswith(said)
    assert text(traffic(asked("was #002 in traffic", page=""), site)).startswith(f"Its driver is told: “{said}”")


@pytest.mark.parametrize(("scatter_ms", "end"), [(10, "slower towards the end."), (900, "too little to be sure of.")])
def test_a_change_of_pace_is_sure_only_beyond_what_the_scatter_of_the_laps_makes(scatter_ms: int, end: str) -> None:
    times = [100_000 + slower + scatter_ms * (n % 3) for slower in (0, 120) for n in range(6)]
    laps = {"laps": [{"lap_number": n, "lap_time_ms": time, "is_clean": True} for n, time in enumerate(times, start=1)]}
    answer = text(pace(asked("my pace in the second half"), published(laps=laps)))
    assert "0.120 s slower" in answer
    assert answer.endswith(end)


@pytest.mark.parametrize(
    ("gains", "told"),
    [
        ((200, 0, 0), "All of it is in sector 1."),
        ((200, 90, 0), "Most of it, 0.200 s, is in sector 1."),
        ((100, 90, 60), "The largest part, 0.100 s, is in sector 1."),
    ],
)
def test_a_target_says_what_of_it_a_sector_holds(gains: tuple[int, ...], told: str) -> None:
    siwtl = _siwtl(gains, clean_laps=8)
    assert told in text(target(asked("my target"), published(ml__siwtl__calculate=siwtl)))


def test_a_single_clean_lap_has_no_target_to_tell() -> None:
    answer = text(target(asked("my target"), published(ml__siwtl__calculate=_siwtl((0, 0, 0), clean_laps=1))))
    assert answer.endswith("there is no target.")


def _siwtl(gains: tuple[int, ...], *, clean_laps: int) -> dict[str, Any]:
    return {
        "siwtl_lap_ms": 100_000 - sum(gains),
        "best_lap_ms": 100_000,
        "potential_gain_ms": sum(gains),
        "sectors": [{"sector": n, "gain_ms": gain} for n, gain in enumerate(gains, start=1)],
        "jackknife_range_ms": None,
        "confidence": "normal",
        "clean_laps": clean_laps,
    }


def test_corners_are_told_apart_from_the_sectors_that_hold_them() -> None:
    record: dict[str, Any] = {"gap_ms": 180, "best_a": 3, "best_b": 4, "lap_a": 3, "lap_b": 4, "note": None}
    record["sectors"] = [{"name": "S1", "gap_ms": 200}, {"name": "S2", "gap_ms": -20}]
    record["corners"] = [{"name": "T3", "gap_ms": 90.0}, {"name": "T5", "gap_ms": None}]
    files = Files(records={f"api/compare/{A}/{B}.json": record})
    site = Published(build=cast(Build, files), worth=NarrativeSettings(), summary={}, drivers=DRIVERS)
    assert "is quicker than #78 in S1 by 0.200 s; of corners in T3 by 0.090 s, on the" in text(
        where_quicker(site, (A, B), A)
    )
    assert "in S2 by 0.020 s, on the" in text(where_quicker(site, (A, B), B))


def test_two_cars_without_compared_laps_are_not_set_against_each_other() -> None:
    laps = dict.fromkeys(("gap_ms", "best_a", "best_b", "lap_a", "lap_b"))
    record = laps | {"sectors": [], "corners": [], "note": "#002: no clean lap."}
    files = Files(records={f"api/compare/{A}/{B}.json": record})
    site = Published(build=cast(Build, files), worth=NarrativeSettings(), summary={}, drivers=DRIVERS)
    assert where_quicker(site, (A, B), A) is None
