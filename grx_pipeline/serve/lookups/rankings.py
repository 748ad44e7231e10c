"""Lookups across all cars: best in each sector, in a corner, by target; who has telemetry; usual laps."""

from collections.abc import Mapping
from typing import Any

from grx_pipeline.formats import counted, lap_time, listed, number, sector_time
from grx_pipeline.serve.lookups import places
from grx_pipeline.serve.lookups.asked import Asked
from grx_pipeline.serve.lookups.cars import Voice
from grx_pipeline.serve.lookups.published import SUMMARY, Found, Published, found, source

_FIRST = 3
_SECTORS = (1, 2, 3)
_MORE_IS_BETTER = frozenset(("min_speed_kmh", "entry_speed_kmh", "exit_speed_kmh", "brake_onset_m", "brake_peak_bar"))


def best_sectors(_: Asked, published: Published) -> Found | None:
    """Who was quickest in each sector, and what the three make together."""
    rows, sources = [], []
    for sector in _SECTORS:
        best = published.statistic(f"best_sector_{sector}_ms")
        if best is not None:
            who_was = published.label(best["vehicle_id"])
            row = f"sector {sector} {who_was} {sector_time(best['value'])} s on lap {best['lap_number']}"
            rows.append(row)
            sources.append(source(SUMMARY, f"statistics.best_sector_{sector}_ms", row))
    ideal = published.statistic("ideal_lap_ms")
    if not rows:
        return None
    whole = f" Together they make {lap_time(ideal['value'])}." if ideal and len(rows) == len(_SECTORS) else ""
    return found(f"Quickest in each sector on clean laps: {'; '.join(rows)}.{whole}", sources)


def by_target(_: Asked, published: Published) -> Found | None:
    """The cars in the order of their targets."""
    cars = sorted(
        (
            car
            for car in published.summary["classification"]
            if car["siwtl_lap_ms"] is not None and car["clean_laps"] > 1
        ),
        key=lambda car: car["siwtl_lap_ms"],
    )[:_FIRST]
    if not cars:
        return None
    rows = [f"{published.label(car['vehicle_id'])} {lap_time(car['siwtl_lap_ms'])}" for car in cars]
    return found(
        f"By target laps: {', '.join(rows)}. The session page has all of them.",
        (
            source(SUMMARY, f"classification.{car['vehicle_id']}.siwtl_lap_ms", row)
            for car, row in zip(cars, rows, strict=True)
        ),
    )


def in_corner(asked: Asked, published: Published) -> Found | None:
    """Who is quickest through a corner, or first in a figure of it, by medians of the clean laps with a trace."""
    name, problem = places.corner_name(asked.corners[0], published)
    if name is None:
        return problem
    key, label, unit, decimals = places.figure_asked(asked) or ("time_ms", "time", "s", 3)
    rows = []
    for driver in published.drivers:
        _, record = published.record("corners", driver["vehicle_id"])
        row = next((row for row in record["corners"] if row["corner"] == name), None) if record else None
        figure = row["figures"].get(key) if row else None
        if figure and figure["median"] is not None:
            value = figure["median"] / 1000 if key == "time_ms" else figure["median"]
            rows.append((value, driver, figure["laps"]))
    if not rows:
        return found(f"No trace of this session shows that at {name}.")
    rows.sort(key=lambda row: row[0], reverse=key in _MORE_IS_BETTER)
    said = [
        f"{published.label(d['vehicle_id'])} {number(value, decimals)} {unit} ({counted(n, 'lap')})"
        for value, d, n in rows[:_FIRST]
    ]
    text = f"{name}, medians of clean laps with a trace, {label}: {', '.join(said)}; {counted(len(rows), 'car')} known."
    few = " Medians of single laps are no ranking." if min(n for _, _, n in rows[:_FIRST]) == 1 else ""
    return found(
        text + few,
        (
            source(f"api/corners/{d['path']}.json", f"corners.{name}.{key}", row)
            for row, (_, d, _) in zip(said, rows, strict=False)
        ),
    )


def telemetry(_: Asked, published: Published) -> Found:
    """Which cars have traces, and why the others have none."""
    by_reason: dict[str, list[str]] = {}
    for driver in published.drivers:
        if not driver["telemetry_laps"]:
            by_reason.setdefault(driver["telemetry_note"] or "", []).append(published.label(driver["vehicle_id"]))
    known = [driver for driver in published.drivers if driver["telemetry_laps"]]
    laps = sum(len(driver["telemetry_laps"]) for driver in known)
    cars = counted(len(published.drivers), "car")
    text = (
        f"{len(known)} of {cars} have traces, of {counted(laps, 'lap')} in all."
        if known
        else f"None of {cars} has a trace."
    )
    text += "".join(f" {listed(cars)}: {reason}" for reason, cars in by_reason.items())
    return found(text.strip(), source("api/drivers.json", "drivers.telemetry_laps", text))


def average(_: Asked, published: Published) -> Found | None:
    """The usual lap of the field."""
    middle, best = published.statistic("median_clean_lap_ms"), published.statistic("median_best_lap_ms")
    if middle is None or best is None:
        return None
    text = (
        f"The median clean lap of the field was {lap_time(round(middle['value']))}; the median of the best laps was "
        f"{lap_time(round(best['value']))}."
    )
    return found(text, source(SUMMARY, "statistics.median_clean_lap_ms", lap_time(round(middle["value"]))))


def consistency(asked: Asked, published: Published) -> Found | None:
    """A car's consistency score and its place by it."""
    car = next((c for c in published.summary["classification"] if c["vehicle_id"] == asked.car), None)
    voice = Voice.of(asked, published)
    if car is None or car["consistency_score"] is None:
        return None
    ranking = next((row for row in published.summary["rankings"] if row["category"] == "consistency"), None)
    ranks = ranking["ranks"] if ranking else []
    place = next((rank["rank"] for rank in ranks if rank["vehicle_id"] == asked.car), None)
    text = f"{voice.possessive} consistency score is {number(car['consistency_score'], 1)} of 100"
    text += f", place {place} of {len(ranks)}." if place else "; there are too few clean laps for a place."
    return found(text, source(SUMMARY, f"classification.{car['vehicle_id']}.consistency_score", text))


def who(asked: Asked, published: Published) -> Found:
    """Who drives a car, for whom, and in which class, as far as the files say."""
    driver = published.driver(asked.car or "")
    name, team = published.name(driver), published.team(driver)
    text = f"#{driver['car_number']} is vehicle {driver['vehicle_id']}"
    text += f", class {driver['vehicle_class']}" if driver["vehicle_class"] else ""
    text += f", driven by {name}" if name else ""
    text += f", entered by {team}." if team else "."
    text += "" if name else " The files do not name its driver."
    return found(text, source("api/drivers.json", f"drivers.{driver['vehicle_id']}", text))


def moments(__: Asked, published: Published) -> Found | None:
    """Whose judged laps have the most unusual moments."""
    rows: list[tuple[int, int, Mapping[str, Any]]] = []
    for driver in published.drivers:
        _, judged = published.record("ml/dptad/analyze", driver["vehicle_id"])
        if judged and judged["laps_judged"]:
            rows.append((len(judged["events"]), judged["laps_judged"], driver))
    if not rows:
        return found("No car has enough clean laps with a trace to say what is unusual.")
    rows.sort(key=lambda row: (-row[0] / row[1], row[2]["vehicle_id"]))
    said = [f"{published.label(d['vehicle_id'])} {events} on {counted(laps, 'lap')}" for events, laps, d in rows]
    left_out = len(published.drivers) - len(rows)
    text = f"Unusual moments, the most a lap first: {', '.join(said)}."
    text += f" With too few clean laps with a trace to be judged: {counted(left_out, 'car')}." if left_out else ""
    return found(
        text,
        (
            source(f"api/ml/dptad/analyze/{row[2]['path']}.json", "events", told)
            for told, row in zip(said, rows, strict=True)
        ),
    )


def slowest(_: Asked, published: Published) -> Found | None:
    """Who had the slowest best lap."""
    cars = [car for car in published.summary["classification"] if car["best_lap_ms"] is not None]
    if not cars:
        return None
    last = max(cars, key=lambda car: car["best_lap_ms"])
    text = f"The slowest best lap is that of {published.label(last['vehicle_id'])}: {lap_time(last['best_lap_ms'])}."
    return found(text, source(SUMMARY, f"classification.{last['vehicle_id']}.best_lap_ms", text))
