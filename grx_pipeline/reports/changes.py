"""What is new since the build before, of a car and of the session: published records against new ones, in sentences."""

from collections.abc import Iterator, Mapping
from typing import Any

from grx_pipeline.reports.api import CarRecords
from grx_pipeline.reports.earlier import EarlierBuild
from grx_pipeline.reports.formats import Style, listed
from grx_pipeline.reports.records import FleetSummary, Lap

_Record = Mapping[str, Any]
# Corrections that show in what a car's page says of laps and of the driver.
_TOLD_OTHERWISE = ("driver", "excluded_car", "excluded_lap")


def session_changes(earlier: EarlierBuild | None, summary: FleetSummary) -> tuple[str, ...]:
    """Sentences on the team's corrections; none where there is no earlier build to compare with."""
    before = None if earlier is None else earlier.record("api/fleet/summary.json")
    if before is None:
        return ()
    known, now = before["data_quality"]["corrections"], summary.data_quality.corrections
    names = {entry["text"] for entry in known if entry["kind"] == "driver"}
    named = {entry.text for entry in now if entry.kind == "driver"} ^ names
    return (
        *_correction_changes(
            [entry["text"] for entry in known if entry["kind"] != "driver"],
            [entry.text for entry in now if entry.kind != "driver"],
        ),
        *(["The names of drivers were changed."] if named else ()),
    )


def _correction_changes(known: list[str], now: list[str]) -> Iterator[str]:
    yield from (f"New correction: {text}" for text in now if text not in known)
    yield from (f"No longer corrected: {text}" for text in known if text not in now)


def car_changes(earlier: EarlierBuild | None, car: CarRecords, style: Style) -> tuple[str, ...]:
    """Sentences on mapping, laps, best lap and target; none where nothing changed or there is no earlier build."""
    listed_cars = None if earlier is None else earlier.record("api/drivers.json")
    if earlier is None or listed_cars is None:
        return ()
    before = _same_car(listed_cars["drivers"], car)
    if before is None:
        return ("This car was not in the build before.",)
    laps = earlier.record(f"api/laps/{before['path']}.json")
    siwtl = earlier.record(f"api/ml/siwtl/calculate/{before['path']}.json")
    return (
        *_mapping_changes(before, car),
        *_exclusion_changes(before, car),
        *(() if laps is None else _best_lap_changes(laps, car, style)),
        *(() if siwtl is None else _target_changes(siwtl, car, style)),
        *(() if laps is None else _lap_changes(laps, car, is_told=before["exclusion"] != car.driver.exclusion)),
        *_trace_changes(before, car),
    )


def _same_car(drivers: list[_Record], car: CarRecords) -> _Record | None:
    """The car in the earlier build, known by its number and driver where its logger was another one."""
    driver = car.driver
    same_id = [
        row for row in drivers if row["vehicle_id"] == driver.vehicle_id and row["driver_id"] == driver.driver_id
    ]
    same_driver = [row for row in drivers if row["driver_id"] == driver.driver_id]
    return next(iter(same_id or same_driver), None)


def _mapping_changes(before: _Record, car: CarRecords) -> Iterator[str]:
    driver = car.driver
    if before["vehicle_id"] != driver.vehicle_id:
        yield f"The car was {before['vehicle_id']} and is {driver.vehicle_id} now."
    if before["has_logger"] and not driver.has_logger:
        yield "No logger is matched to it any more."
    elif driver.has_logger and not before["has_logger"]:
        yield "A logger is matched to it now."
    if before["driver_name"] != driver.driver_name:
        yield f"The driver was {before['driver_name'] or 'not named'} and is {driver.driver_name or 'not named'} now."
    if before["position"] != driver.position:
        yield f"The place in the result was {_place(before['position'])} and is {_place(driver.position)} now."


def _exclusion_changes(before: _Record, car: CarRecords) -> Iterator[str]:
    driver = car.driver
    if before["exclusion"] != driver.exclusion:
        is_out = driver.exclusion is not None
        yield f"The team excludes the car: {driver.exclusion}." if is_out else "The team does not exclude it any more."
    yield from _correction_changes(
        [entry["text"] for entry in before["corrections"] if entry["kind"] not in _TOLD_OTHERWISE],
        [entry.text for entry in driver.corrections if entry.kind not in _TOLD_OTHERWISE],
    )


def _place(position: int | None) -> str:
    return "none" if position is None else f"P{position}"


def _best_lap_changes(before: _Record, car: CarRecords, style: Style) -> Iterator[str]:
    old, new = before["best_lap_ms"], car.laps.best_lap_ms
    if old != new:
        yield f"The best lap was {_time(old, style)} and is {_time(new, style)} now."
    elif before["best_lap_number"] != car.laps.best_lap_number:
        yield f"The best lap is lap {car.laps.best_lap_number} now; it was lap {before['best_lap_number']}."


def _target_changes(before: _Record, car: CarRecords, style: Style) -> Iterator[str]:
    old, new = before["siwtl_lap_ms"], car.siwtl.siwtl_lap_ms
    if old != new:
        yield f"The target was {_time(old, style)} and is {_time(new, style)} now."


def _time(ms: int | None, style: Style) -> str:
    return "not known" if ms is None else style.lap_time(ms)


def _lap_changes(before: _Record, car: CarRecords, *, is_told: bool) -> Iterator[str]:
    """Laps that came, went, or count otherwise; what `is_told` of the whole car is not said of each lap."""
    known = {lap["lap_number"]: lap for lap in before["laps"]}
    now = {lap.lap_number: lap for lap in car.laps.laps}
    added, gone = sorted(now.keys() - known.keys()), sorted(known.keys() - now.keys())
    if added:
        yield f"New in the timing: {_laps(added)}."
    if gone:
        yield f"No longer in the timing: {_laps(gone)}."
    changes: dict[tuple[str, str], list[int]] = {}
    for number in sorted(() if is_told else known.keys() & now.keys()):
        change = _lap_change(known[number], now[number])
        if change is not None:
            changes.setdefault(change, []).append(number)
    for (one, several), numbers in changes.items():
        yield f"{_laps(numbers).capitalize()} {one if len(numbers) == 1 else several}."


def _lap_change(before: _Record, lap: Lap) -> tuple[str, str] | None:
    """What is said of one lap and of several; None where it counts as it did."""
    if before["is_valid"] and not lap.is_valid:
        return f"does not count any more: {_reasons(lap)}", f"do not count any more: {_reasons(lap)}"
    if lap.is_valid and not before["is_valid"]:
        return "counts now", "count now"
    if before["is_clean"] and not lap.is_clean:
        return f"is not clean any more: {_reasons(lap)}", f"are not clean any more: {_reasons(lap)}"
    if lap.is_clean and not before["is_clean"]:
        return "is clean now", "are clean now"
    return None


def _reasons(lap: Lap) -> str:
    return "; ".join(reason.text for reason in lap.reasons if reason.excludes != "none") or "no reason is given"


def _trace_changes(before: _Record, car: CarRecords) -> Iterator[str]:
    old, new = set(before["telemetry_laps"]), set(car.driver.telemetry_laps)
    if new - old:
        yield f"Telemetry is there now for {_laps(sorted(new - old))}."
    if old - new:
        yield f"Telemetry is gone for {_laps(sorted(old - new))}."


def _laps(numbers: list[int]) -> str:
    return f"{'lap' if len(numbers) == 1 else 'laps'} {listed([str(number) for number in numbers])}"
