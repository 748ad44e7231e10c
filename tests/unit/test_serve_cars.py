"""Lookups on one car's files, on files of a few rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from grx_pipeline.methods.dptad.kinds import RULES
from grx_pipeline.serve.index import Build
from grx_pipeline.serve.lookups.asked import Asked
from grx_pipeline.serve.lookups.laps import near_best, unclean
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


def test_moments_away_from_corners_have_no_corner_in_common() -> None:
    event = {"corner": None, "type": "lift", "text": "lifted.", "time_lost_ms": 20.0}
    judged = {"laps_judged": 6, "reason": None, "events": [event | {"id": str(n), "lap": n} for n in range(4)]}
    answer = text(moments(asked("my mistakes"), published(ml__dptad__analyze=judged)))
    assert answer.startswith("4 unusual moments of your car, on 6 judged laps; 0.080 s in all. The dearest:")


def test_of_traffic_the_sentence_on_laps_behind_a_car_is_told() -> None:
    reason = (
        "No corner surely costs you 0.05 s a lap or more over 7 clean laps. On 4 of these laps a car was within 1 s "
        "ahead, and those sectors do not count. The class takes 5 drivers with a free lap (no car within 1 s ahead)."
    )
    site = published(opportunities={"told": [], "reason": reason})
    said = "On 4 of the clean laps with a trusted trace a car was within 1 s ahead, and those sectors do not count."
    assert text(traffic(asked("was i in traffic"), site)).startswith(said)
    assert text(traffic(asked("was #002 in traffic", page=""), site)).startswith(f"Its driver is told: “{said}”")


def test_two_cars_without_compared_laps_are_not_set_against_each_other() -> None:
    record = {"gap_ms": None, "lap_a": None, "lap_b": None, "sectors": [], "corners": [], "note": "#002: no clean lap."}
    files = Files(records={f"api/compare/{A}/{B}.json": record})
    site = Published(build=cast(Build, files), worth=NarrativeSettings(), summary={}, drivers=DRIVERS)
    assert where_quicker(site, (A, B), A) is None
