"""Lookups about the session as a whole: results, bests of the field, weather, yellow phases, the track."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from grx_pipeline.formats import counted, lap_time, listed, long_date, number, race_clock, sector_time
from grx_pipeline.serve.lookups.asked import LAST, Asked
from grx_pipeline.serve.lookups.published import SUMMARY, Found, Published, distance, found, source

_TOP = re.compile(r"\btop (\d{1,2}|three|five|ten)\b")
_TOP_WORDS = {"three": 3, "five": 5, "ten": 10}
_LISTED = 5
_PODIUM = 3
_WEATHER = (
    ("air_temp_c", "air", "°C", 0),
    ("track_temp_c", "track", "°C", 0),
    ("humidity_pct", "humidity", "%", 0),
    ("wind_speed_kmh", "wind", "km/h", 0),
)


def results(asked: Asked, published: Published) -> Found | None:
    """The first places, as many as were asked for."""
    match = _TOP.search(asked.rest)
    count = int(_TOP_WORDS.get(match.group(1), 0) or match.group(1)) if match else _LISTED
    if "podium" in asked.rest:
        count = _PODIUM
    cars = published.classified()[:count]
    if not cars:
        return None
    rows = [f"P{car['position']} {published.label(car['vehicle_id'])}{_behind(car)}" for car in cars]
    return found(
        "; ".join(rows) + ".",
        (
            source(SUMMARY, f"classification.{car['vehicle_id']}.position", row)
            for car, row in zip(cars, rows, strict=True)
        ),
    )


def place(asked: Asked, published: Published) -> Found | None:
    """Who finished where: third, last."""
    cars = published.classified()
    wanted = asked.places[0]
    car = next((car for car in cars if car["position"] == wanted), cars[-1] if cars and wanted == LAST else None)
    if car is None:
        return found(f"There is no place {wanted}: {counted(len(cars), 'car')} have a position.") if cars else None
    text = (
        f"P{car['position']} of {len(cars)}: {published.label(car['vehicle_id'])}{_behind(car)}, "
        f"{counted(car['laps'], 'lap')}."
    )
    return found(text, source(SUMMARY, f"classification.{car['vehicle_id']}.position", text))


def gap_between(asked: Asked, published: Published) -> Found | None:
    """The distance at the flag between two places or two named cars."""
    by_place = {car["position"]: car for car in published.classified()}
    by_car = {car["vehicle_id"]: car for car in by_place.values()}
    named = (*asked.named, asked.car) if asked.is_own and asked.places else asked.named
    cars = [by_place[p] for p in asked.places if p in by_place] + [by_car[v] for v in named if v in by_car]
    if len(cars) < 2:
        return None
    first, second = sorted(cars[:2], key=lambda car: car["position"])
    names = [published.label(car["vehicle_id"]) for car in (first, second)]
    if first["laps"] != second["laps"]:
        behind = counted(first["laps"] - second["laps"], "lap")
    elif first["total_time_ms"] is None or second["total_time_ms"] is None:
        return None
    else:
        behind = f"{sector_time(second['total_time_ms'] - first['total_time_ms'])} s"
    text = f"{names[1]} (P{second['position']}) finished {behind} behind {names[0]} (P{first['position']})."
    winner = by_place.get(1)
    if winner and first["laps"] == second["laps"] < winner["laps"] and _took_no_flag(second, winner):
        text = (
            f"{names[0]} (P{first['position']}) and {names[1]} (P{second['position']}) both stopped after "
            f"{counted(first['laps'], 'lap')}, so there is no gap at the flag."
        )
    return found(
        text,
        (source(SUMMARY, f"classification.{car['vehicle_id']}.total_time_ms", _result(car)) for car in (first, second)),
    )


def _took_no_flag(car: Mapping[str, Any], winner: Mapping[str, Any]) -> bool:
    """Whether a car's race ended before the winner's did."""
    return (
        None not in (car["total_time_ms"], winner["total_time_ms"]) and car["total_time_ms"] < winner["total_time_ms"]
    )


def margin(asked: Asked, published: Published) -> Found | None:
    """How far the second was behind the winner."""
    return gap_between(replace(asked, named=(), places=(1, 2)), published)


def by_lap(_: Asked, __: Published) -> Found:
    """That nobody's place during the race is published."""
    return found("What was published gives places and gaps at the flag, not lap by lap.")


def best_lap(_: Asked, published: Published) -> Found | None:
    """The best lap of the field, and who is next."""
    best = published.statistic("best_lap_ms")
    if best is None:
        return None
    cars = sorted(
        (car for car in published.summary["classification"] if car["best_lap_ms"] is not None),
        key=lambda car: car["best_lap_ms"],
    )
    others = [
        f"{published.label(car['vehicle_id'])} {lap_time(car['best_lap_ms'])}"
        for car in cars
        if car["vehicle_id"] != best["vehicle_id"]
    ]
    text = (
        f"{published.label(best['vehicle_id'])} set the best lap: {lap_time(best['value'])}, on lap "
        f"{best['lap_number']}."
    )
    if others:
        text += f" Next: {listed(others[:2])}."
    return found(text, source(SUMMARY, "statistics.best_lap_ms", f"best lap of the field: {lap_time(best['value'])}"))


def best_sector(asked: Asked, published: Published) -> Found | None:
    """Who was best in a sector."""
    sector = asked.sectors[0]
    best = published.statistic(f"best_sector_{sector}_ms")
    if best is None:
        return None
    time = sector_time(best["value"])
    text = (
        f"{published.label(best['vehicle_id'])} was quickest in sector {sector}: {time} s, on lap {best['lap_number']}."
    )
    return found(
        text, source(SUMMARY, f"statistics.best_sector_{sector}_ms", f"best sector {sector} of the field: {time} s")
    )


def top_speed(_: Asked, published: Published) -> Found | None:
    """The highest speed of the timing."""
    top = published.statistic("top_speed_kmh")
    if top is None:
        return found("The timing of this session has no top speeds.")
    speed = f"{number(top['value'], 1)} km/h"
    text = (
        f"The highest speed in the timing is {speed}: {published.label(top['vehicle_id'])} on lap {top['lap_number']}."
    )
    return found(text, source(SUMMARY, "statistics.top_speed_kmh", f"top speed of the field: {speed}"))


def steadiest(_: Asked, published: Published) -> Found | None:
    """Who was the most consistent."""
    ranking = next((row for row in published.summary["rankings"] if row["category"] == "consistency"), None)
    if ranking is None or not ranking["ranks"]:
        return None
    first = ranking["ranks"][:_PODIUM]
    rows = [f"{published.label(rank['vehicle_id'])} ({number(rank['value'], 1)} of 100)" for rank in first]
    text = f"By the spread of clean lap times {rows[0]} was the most consistent" + (
        f", then {listed(rows[1:])}." if rows[1:] else "."
    )
    return found(
        text,
        (
            source(SUMMARY, f"rankings.consistency.{rank['vehicle_id']}", row)
            for rank, row in zip(first, rows, strict=True)
        ),
    )


def most_to_gain(_: Asked, published: Published) -> Found | None:
    """Whose target is furthest from the best clean lap."""
    most = published.statistic("largest_potential_gain_ms")
    if most is None:
        return None
    seconds = f"{sector_time(most['value'])} s"
    text = (
        f"{published.label(most['vehicle_id'])} has the most to find between the best clean lap and the target: "
        f"{seconds}."
    )
    return found(text, source(SUMMARY, "statistics.largest_potential_gain_ms", f"largest gain to a target: {seconds}"))


def counts(_: Asked, published: Published) -> Found:
    """How many cars and laps, and how long the race was."""
    classified = published.classified()
    figures = {name: published.statistic(name) for name in ("cars", "laps", "clean_laps")}
    cars, laps, clean = (int(row["value"]) if row else 0 for row in figures.values())
    text = f"{counted(cars, 'car')} drove {counted(laps, 'lap')}; {number(clean)} of them are clean."
    if classified and classified[0]["total_time_ms"] is not None:
        winner = classified[0]
        text += f" The winner drove {counted(winner['laps'], 'lap')} in {race_clock(winner['total_time_ms'])}."
    return found(
        text,
        (
            source(SUMMARY, f"statistics.{name}", f"{name.replace('_', ' ')}: {number(row['value'])}")
            for name, row in figures.items()
            if row
        ),
    )


def weather(asked: Asked, published: Published) -> Found:
    """What the weather station read, rain first where it was asked for."""
    read = published.summary["weather"]
    if read is None:
        return found("Nobody knows from this session: it has no weather file.")
    parts = [
        f"{name} {number(read[key]['mean'], decimals)} {unit} ({number(read[key]['low'], decimals)} to "
        f"{number(read[key]['high'], decimals)})"
        for key, name, unit, decimals in _WEATHER
        if read[key]
    ]
    if re.search(r"\btrack\b", asked.rest) and not read["track_temp_c"]:
        parts.append("no temperature of the track")
    rain = {True: "Rain was reported.", False: "No rain was reported."}.get(
        read["is_rain"], "Rain is not in the readings."
    )
    means = f"Means of {counted(read['readings'], 'reading')}: {', '.join(parts)}." if parts else ""
    text = f"{rain} {means}".strip() if re.search(r"\brain|\bwet|\bdry", asked.rest) else f"{means} {rain}".strip()
    return found(text, source(SUMMARY, "weather", text))


def yellow(_: Asked, published: Published) -> Found:
    """The full-course yellows, with the race time of each."""
    phases = published.summary["neutralisations"]
    if not phases:
        return found(
            "The timing shows no full-course yellow.", source(SUMMARY, "neutralisations", "full-course yellows: none")
        )
    spans = [
        f"from {race_clock(phase['yellow_from_ms'])} to {race_clock(phase['yellow_until_ms'])}" for phase in phases
    ]
    text = (
        f"{counted(len(phases), 'full-course yellow')}, in race time {listed(spans)} (first to last yellow "
        "crossing). The timing does not say whether a safety car was out."
    )
    return found(
        text,
        (source(SUMMARY, f"neutralisations.{phase['phase']}", span) for phase, span in zip(phases, spans, strict=True)),
    )


def retired(_: Asked, published: Published) -> Found | None:
    """Who did not drive the distance. The timing gives no reasons."""
    cars = published.classified()
    if not cars:
        return None
    odd = [car for car in cars if car["status"] not in (None, "Classified") or cars[0]["laps"] - car["laps"] > 1]
    if not odd:
        return found(
            "Every classified car drove all laps of the winner, or all but one.",
            source(SUMMARY, "classification", "laps of each car"),
        )
    rows = [f"{published.label(car['vehicle_id'])} {counted(car['laps'], 'lap')}" for car in odd]
    text = f"More than a lap behind the winner's {cars[0]['laps']}: {'; '.join(rows)}. The timing gives no reasons."
    return found(
        text,
        (source(SUMMARY, f"classification.{car['vehicle_id']}.laps", row) for car, row in zip(odd, rows, strict=True)),
    )


def track(_: Asked, published: Published) -> Found:
    """Where and when it was, and how long a lap is."""
    session = published.summary["session"]
    text = f"{session['circuit_name']}, race {session['race']}, {long_date(session['race_date'])}."
    record = published.build.record("api/track.json")
    if session["length_m"] is not None:
        text += f" A lap is {number(session['length_m'])} m"
        text += (
            f" with {counted(len(record['corners']), 'corner')} on the map." if record and record["corners"] else "."
        )
    return found(text, source(SUMMARY, "session", text))


def _behind(car: Mapping[str, Any]) -> str:
    gap = distance(car)
    return f", {gap} behind" if "lap" in gap else f", {gap}" if gap else ""


def _result(car: Mapping[str, Any]) -> str:
    return f"P{car['position']}, {car['laps']} laps in {lap_time(car['total_time_ms'])}"
