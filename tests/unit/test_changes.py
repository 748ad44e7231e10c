"""What is new about a car, and about the session, since the build before."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.lap_records import YELLOW, make_driver, make_lap, make_laps, make_siwtl

from grx_pipeline.publishing.manifest import MANIFEST, SCHEMA_VERSION, BuildManifest, FileEntry
from grx_pipeline.reports.api import CarRecords
from grx_pipeline.reports.changes import car_changes, session_changes
from grx_pipeline.reports.correction_records import Correction
from grx_pipeline.reports.driving import dptad, ledger, opportunities
from grx_pipeline.reports.driving_records import DriverCorners
from grx_pipeline.reports.earlier import EarlierBuild, read_earlier
from grx_pipeline.reports.encoding import to_json
from grx_pipeline.reports.formats import Style
from grx_pipeline.reports.records import DataQuality, FleetSummary, Session
from grx_pipeline.reports.reference_records import References


def make_car(*times: int) -> CarRecords:
    laps = make_laps(make_lap(n, time) for n, time in enumerate(times, start=1))
    return CarRecords(
        driver=make_driver(len(times)),
        laps=laps,
        siwtl=make_siwtl((10, 20, 30)),
        telemetry=(),
        estimates=(),
        references=References(vehicle_id="a", references=()),
        corners=DriverCorners(vehicle_id="a", lap_numbers=(), corners=(), note=None),
        ledger=ledger("a", {}, {}),
        dptad=dptad("a", {}, {}),
        opportunities=opportunities("a", {}, {}),
    )


def publish(
    folder: Path, car: CarRecords, *, version: str = SCHEMA_VERSION, summary: FleetSummary | None = None
) -> EarlierBuild:
    """The car's records, and the session's where there are any, as a published build."""
    path = car.driver.path
    drivers = f'{{"drivers":[{to_json(car.driver)}]}}'
    records = {
        "drivers": drivers,
        f"laps/{path}": to_json(car.laps),
        f"ml/siwtl/calculate/{path}": to_json(car.siwtl),
    }
    records |= {"fleet/summary": to_json(summary)} if summary else {}
    files = {
        f"api/{name}.json": f'{{"schema_version":"{version}","data":{text}}}'.encode() for name, text in records.items()
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    manifest = BuildManifest(
        session="a-2025-r1",
        build="b",
        published_at="2025-01-01T00:00:00Z",
        schema_version=version,
        files={name: FileEntry.of(content) for name, content in files.items()},
    )
    (folder / MANIFEST).write_bytes(manifest.to_bytes())
    earlier = read_earlier(folder)
    assert earlier is not None
    return earlier


CAR = make_car(98_500, 98_000, 98_200)


def test_a_first_build_and_an_unchanged_one_have_no_news(tmp_path: Path) -> None:
    assert car_changes(None, CAR, Style()) == ()
    assert read_earlier(tmp_path) is None
    assert car_changes(publish(tmp_path, CAR), CAR, Style()) == ()


def test_a_build_of_another_version_is_not_compared(tmp_path: Path) -> None:
    assert car_changes(publish(tmp_path, make_car(97_000), version="0.1"), CAR, Style()) == ()


def test_a_lap_that_no_longer_counts_changes_the_best_and_says_why(tmp_path: Path) -> None:
    laps = (make_lap(1, 98_500), make_lap(2, 98_000, reasons=(YELLOW,), is_valid=False), make_lap(3, 98_200))
    now = replace(CAR, laps=make_laps(laps), siwtl=make_siwtl((10, 20, 5)))
    assert car_changes(publish(tmp_path, CAR), now, Style()) == (
        "The best lap was 1:38.000 and is 1:38.200 now.",
        "The target was 1:30.060 and is 1:30.035 now.",
        "Lap 2 does not count any more: full-course yellow.",
    )
    back = tmp_path / "back"
    assert car_changes(publish(back, now), CAR, Style())[-1] == "Lap 2 counts now."


def test_a_lap_that_is_clean_or_not_any_more_is_named(tmp_path: Path) -> None:
    laps = (make_lap(1, 98_500, reasons=(YELLOW,)), *CAR.laps.laps[1:])
    now = replace(CAR, laps=make_laps(laps))
    assert car_changes(publish(tmp_path / "a", CAR), now, Style()) == (
        "Lap 1 is not clean any more: full-course yellow.",
    )
    assert car_changes(publish(tmp_path / "b", now), CAR, Style()) == ("Lap 1 is clean now.",)


def test_new_and_lost_laps_and_another_best_lap_of_the_same_time(tmp_path: Path) -> None:
    now = replace(CAR, laps=replace(make_laps([*CAR.laps.laps[1:], make_lap(4, 99_000)]), best_lap_number=3))
    assert car_changes(publish(tmp_path, CAR), now, Style()) == (
        "The best lap is lap 3 now; it was lap 2.",
        "New in the timing: lap 4.",
        "No longer in the timing: lap 1.",
    )


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"has_logger": True}, "A logger is matched to it now."),
        ({"driver_name": "Ada"}, "The driver was not named and is Ada now."),
        ({"position": None}, "The place in the result was P1 and is none now."),
        ({"vehicle_id": "GR86-002-2", "path": "GR86-002-2"}, "The car was a and is GR86-002-2 now."),
        ({"telemetry_laps": (2, 3)}, "Telemetry is there now for laps 2 and 3."),
    ],
)
def test_what_became_of_the_car_itself(tmp_path: Path, change: dict[str, object], text: str) -> None:
    now = replace(CAR, driver=replace(CAR.driver, **change))  # type: ignore[arg-type]
    assert car_changes(publish(tmp_path, CAR), now, Style()) == (text,)


def test_a_lost_logger_and_lost_traces_are_told(tmp_path: Path) -> None:
    before = replace(CAR, driver=replace(CAR.driver, has_logger=True, telemetry_laps=(3,)))
    assert car_changes(publish(tmp_path, before), CAR, Style()) == (
        "No logger is matched to it any more.",
        "Telemetry is gone for lap 3.",
    )


def test_a_car_that_was_not_there_is_new(tmp_path: Path) -> None:
    now = replace(CAR, driver=replace(CAR.driver, vehicle_id="b", driver_id="99-1"))
    assert car_changes(publish(tmp_path, CAR), now, Style()) == ("This car was not in the build before.",)


def correction(kind: str, text: str, **values: Any) -> Correction:
    blank = dict.fromkeys(("lap_number", "logger_id", "driver_name", "corner", "reason", "effect"))
    return Correction(**{"kind": kind, "line": 1, "vehicle_ids": ("a",), "text": text} | blank | values)


def make_summary(corrections: tuple[Correction, ...]) -> FleetSummary:
    quality = DataQuality(
        **dict.fromkeys(("crossings", "crossings_matched"), 0),
        **dict.fromkeys(("matched_share", "logger_bias_ms"), None),
        **dict.fromkeys(("notes", "missing_files", "files", "set_aside", "loggers", "unmatched_loggers"), ()),
        frozen_clocks=(),
        corrections=corrections,
    )
    texts = dict.fromkeys(("session_id", "circuit", "circuit_name", "year", "race_date", "utc_offset_source"), "")
    return FleetSummary(
        session=Session(**texts, race=1, length_m=None, is_simulated=False, utc_offset_ms=None),
        **dict.fromkeys(("classification", "statistics", "rankings", "neutralisations"), ()),
        weather=None,
        data_quality=quality,
    )


def test_laps_that_changed_alike_are_told_together(tmp_path: Path) -> None:
    laps = (make_lap(1, 98_500), *(make_lap(n, 98_000 + n, reasons=(YELLOW,), is_valid=False) for n in (2, 3)))
    now = replace(CAR, laps=make_laps(laps))
    assert car_changes(publish(tmp_path, CAR), now, Style())[-1] == (
        "Laps 2 and 3 do not count any more: full-course yellow."
    )


def test_an_excluded_car_is_told_once_and_not_lap_by_lap(tmp_path: Path) -> None:
    laps = make_laps(make_lap(n, 98_000, reasons=(YELLOW,), is_valid=False) for n in (1, 2, 3))
    entry = correction("excluded_car", "Car 2 is excluded: x.", reason="x")
    out = replace(CAR, driver=replace(CAR.driver, exclusion="x", corrections=(entry,)), laps=laps)
    news = car_changes(publish(tmp_path / "before", CAR), out, Style())
    assert news == ("The team excludes the car: x.", "The best lap was 1:38.000 and is not known now.")
    assert "The team does not exclude it any more." in car_changes(publish(tmp_path / "out", out), CAR, Style())


def test_a_correction_that_shows_nowhere_else_is_told(tmp_path: Path) -> None:
    entries = (correction("logger", "Logger a is in car 2."), correction("driver", "Car 2 is driven by Ada."))
    now = replace(CAR, driver=replace(CAR.driver, corrections=entries))
    assert car_changes(publish(tmp_path / "one", CAR), now, Style()) == ("New correction: Logger a is in car 2.",)
    assert car_changes(publish(tmp_path / "two", now), CAR, Style()) == ("No longer corrected: Logger a is in car 2.",)


def test_a_session_tells_of_corrections_that_are_new_or_gone_and_of_names_at_once(tmp_path: Path) -> None:
    old = (correction("corner", "T5: name Web."), correction("driver", "Car 2 is driven by Ada."))
    new = (correction("corner", "T5 is no corner."), *(correction("driver", f"Car {n} is x.") for n in (2, 3)))
    before, now = make_summary(old), make_summary(new)
    earlier = publish(tmp_path, CAR, summary=before)
    assert session_changes(earlier, before) == ()
    assert session_changes(None, now) == ()
    assert session_changes(earlier, now) == (
        "New correction: T5 is no corner.",
        "No longer corrected: T5: name Web.",
        "The names of drivers were changed.",
    )
