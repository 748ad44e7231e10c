"""Lookups about one car: its result, its laps, its target."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from grx_pipeline.formats import counted, gap, lap_time, listed, number, sector_time
from grx_pipeline.serve.lookups import session
from grx_pipeline.serve.lookups.asked import LAST, Asked
from grx_pipeline.serve.lookups.published import SUMMARY, Found, Published, distance, found, source

_SMOOTH = ("brake", "throttle", "steering")
_LISTED = 5
_BEHIND = re.compile(r"\b(?:behind|after)\b|\bdid (?:i|we) beat\b")
_SLOWEST = re.compile(r"\b(?:slow|slowest|worst)\b")


@dataclass(frozen=True, kw_only=True)
class Voice:
    """How a car is spoken of: "you" on its own page, its number elsewhere."""

    subject: str
    possessive: str
    object: str
    genitive: str

    @classmethod
    def of(cls, asked: Asked, published: Published) -> "Voice":
        if asked.is_own or asked.car is None:
            return cls(subject="You", possessive="Your", object="your car", genitive="your")
        name = published.label(asked.car)
        return cls(subject=name, possessive=f"{name}'s", object=name, genitive=f"{name}'s")


def result(asked: Asked, published: Published) -> Found | None:
    """Where the car finished, and how far behind the winner."""
    cars = published.classified()
    car = next((car for car in cars if car["vehicle_id"] == asked.car), None)
    voice = Voice.of(asked, published)
    if car is None:
        return found(f"{voice.subject} stood in no classification of this session.")
    off = distance(car).lstrip("+")
    behind = f", {off} behind the winner {published.label(cars[0]['vehicle_id'])}" if off else ""
    if car is cars[0] and len(cars) > 1 and (off := distance(cars[1]).lstrip("+")):
        behind = f", {off} ahead of {published.label(cars[1]['vehicle_id'])}"
    text = f"{voice.subject} finished P{car['position']} of {len(cars)}{behind}, after {counted(car['laps'], 'lap')}."
    return found(text, source(SUMMARY, f"classification.{car['vehicle_id']}.position", text))


def best_lap(asked: Asked, published: Published) -> Found | None:
    """The car's best lap and its place among the best laps."""
    file, laps = _laps(asked, published)
    voice = Voice.of(asked, published)
    if laps is None or laps["best_lap_ms"] is None:
        return found(f"{voice.subject} had no valid lap.")
    times = [car["best_lap_ms"] for car in published.summary["classification"] if car["best_lap_ms"] is not None]
    place = sum(time < laps["best_lap_ms"] for time in times) + 1
    text = (
        f"{voice.possessive} best lap was {lap_time(laps['best_lap_ms'])}, on lap {laps['best_lap_number']}: "
        f"place {place} of {len(times)} by best laps."
    )
    if place > 1:
        text += f" The best of all was {lap_time(min(times))}, {gap(laps['best_lap_ms'] - min(times))} s."
    return found(text, source(file, "best_lap_ms", f"best valid lap: {lap_time(laps['best_lap_ms'])}"))


def slowest_lap(asked: Asked, published: Published) -> Found | None:
    """The slowest clean lap."""
    file, laps = _laps(asked, published)
    clean = [lap for lap in laps["laps"] if lap["is_clean"] and lap["lap_time_ms"] is not None] if laps else []
    if not clean:
        return None
    lap = max(clean, key=lambda lap: lap["lap_time_ms"])
    text = (
        f"{Voice.of(asked, published).possessive} slowest clean lap was {lap_time(lap['lap_time_ms'])}, on lap "
        f"{lap['lap_number']}."
    )
    return found(text, source(file, f"laps.{lap['lap_number']}.lap_time_ms", text))


def one_lap(asked: Asked, published: Published) -> Found | None:
    """A lap by its number: time, sectors, and whatever keeps it from being clean."""
    file, laps = _laps(asked, published)
    if laps is None or not laps["laps"]:
        return None
    wanted = laps["laps"][-1]["lap_number"] if asked.laps[0] == LAST else asked.laps[0]
    lap = next((lap for lap in laps["laps"] if lap["lap_number"] == wanted), None)
    voice = Voice.of(asked, published)
    if lap is None:
        return found(f"There is no lap {wanted} of that car: it drove {counted(len(laps['laps']), 'lap')}.")
    if lap["lap_time_ms"] is None:
        return found(f"Lap {wanted} has no time in the timing.", source(file, f"laps.{wanted}", "no time"))
    off = (
        ""
        if lap["gap_to_best_ms"] is None
        else f", {voice.possessive[0].lower() + voice.possessive[1:]} best"
        if lap["gap_to_best_ms"] == 0
        else f", {gap(lap['gap_to_best_ms'])} s to {voice.possessive[0].lower() + voice.possessive[1:]} best"
    )
    text = f"Lap {wanted}: {lap_time(lap['lap_time_ms'])}{off}."
    if all(time is not None for time in lap["sectors_ms"]):
        text += " Sectors: " + ", ".join(f"{sector_time(time)} s" for time in lap["sectors_ms"]) + "."
    reasons = [reason["text"] for reason in lap["reasons"]]
    text += f" It is not clean: {listed(reasons)}." if reasons else _lost(lap, laps)
    _, judged = published.record("ml/dptad/analyze", asked.car or "")
    events = [event["text"] for event in judged["events"] if event["lap"] == wanted] if judged else []
    text += f" Unusual on it: {' '.join(events)}" if events else ""
    return found(
        text, source(file, f"laps.{wanted}.lap_time_ms", f"time of lap {wanted}: {lap_time(lap['lap_time_ms'])}")
    )


def average_lap(asked: Asked, published: Published) -> Found | None:
    """The usual lap: median over all, and the best."""
    file, laps = _laps(asked, published)
    if laps is None or laps["median_lap_ms"] is None:
        return None
    text = (
        f"{Voice.of(asked, published).possessive} median lap was {lap_time(laps['median_lap_ms'])} (mean "
        f"{lap_time(laps['mean_lap_ms'])}), over {counted(laps['valid_laps'], 'valid lap')}."
    )
    return found(text, source(file, "median_lap_ms", f"median lap: {lap_time(laps['median_lap_ms'])}"))


def lap_counts(asked: Asked, published: Published) -> Found | None:
    """How many laps the car drove, and how many of them count."""
    file, laps = _laps(asked, published)
    if laps is None:
        return None
    text = (
        f"{Voice.of(asked, published).subject} drove {counted(len(laps['laps']), 'lap')}: {laps['valid_laps']} "
        f"valid, {laps['clean_laps']} clean."
    )
    classified = published.classified()
    if classified and classified[0]["laps"] - len(laps["laps"]) > 1:
        text += f" The winner drove {classified[0]['laps']}; the timing does not say why."
    return found(text, source(file, "laps", text))


def pit_stops(asked: Asked, published: Published) -> Found | None:
    """The laps that ended in the pits."""
    file, laps = _laps(asked, published)
    if laps is None:
        return None
    stops = [f"lap {lap['lap_number']}" for lap in laps["laps"] if lap["is_pit_in"]]
    voice = Voice.of(asked, published)
    text = (
        f"{voice.subject} came to the pits on {listed(stops)}."
        if stops
        else f"The timing shows no pit stop by {voice.subject.lower() if asked.is_own else voice.subject}."
    )
    return found(text, source(file, "laps.is_pit_in", text))


def top_speed(asked: Asked, published: Published) -> Found | None:
    """The car's highest speed in the timing."""
    file, laps = _laps(asked, published)
    fast = [lap for lap in laps["laps"] if lap["top_speed_kmh"] is not None] if laps else []
    if not fast:
        return found("The timing has no top speeds of that car.")
    lap = max(fast, key=lambda lap: lap["top_speed_kmh"])
    text = (
        f"{Voice.of(asked, published).possessive} highest speed in the timing was "
        f"{number(lap['top_speed_kmh'], 1)} km/h, on lap {lap['lap_number']}."
    )
    best = published.statistic("top_speed_kmh")
    if best and best["vehicle_id"] != asked.car:
        text += f" The highest of all was {number(best['value'], 1)} km/h, by {published.label(best['vehicle_id'])}."
    return found(
        text,
        source(file, f"laps.{lap['lap_number']}.top_speed_kmh", f"top speed: {number(lap['top_speed_kmh'], 1)} km/h"),
    )


def target(asked: Asked, published: Published) -> Found | None:
    """The target lap, what it asks for, and how sure it is."""
    file, siwtl = published.record("ml/siwtl/calculate", asked.car or "")
    voice = Voice.of(asked, published)
    if siwtl is None or siwtl["siwtl_lap_ms"] is None:
        return found(f"{voice.subject} had no clean lap, so there is no target.")
    if siwtl["clean_laps"] == 1:
        text = f"{voice.subject} had a single clean lap, which has nothing to compare with: there is no target."
        return found(text, source(file, "clean_laps", "1 clean lap"))
    text = (
        f"{voice.possessive} target lap is {lap_time(siwtl['siwtl_lap_ms'])}: "
        f"{sector_time(siwtl['potential_gain_ms'])} s under the best clean lap of "
        f"{lap_time(siwtl['best_lap_ms'])}."
        if siwtl["potential_gain_ms"]
        else f"{voice.possessive} target lap is the best clean lap again, {lap_time(siwtl['siwtl_lap_ms'])}: it joins "
        "the best sectors."
    )
    gains = [row for row in siwtl["sectors"] if row["gain_ms"] > 0]
    if gains:
        most = max(gains, key=lambda row: row["gain_ms"])
        part = "Most of it" if 2 * most["gain_ms"] > siwtl["potential_gain_ms"] else "The largest part"
        is_all = most["gain_ms"] == siwtl["potential_gain_ms"]
        told = "All of it" if is_all else f"{part}, {sector_time(most['gain_ms'])} s,"
        text += f" {told} is in sector {most['sector']}."
    if siwtl["jackknife_range_ms"]:
        low, high = siwtl["jackknife_range_ms"]
        text += f" With any one lap left out it is between {lap_time(low)} and {lap_time(high)}."
    if siwtl["confidence"] != "normal":
        text += f" Its confidence is {siwtl['confidence']}: {counted(siwtl['clean_laps'], 'clean lap')}."
    return found(text, source(file, "siwtl_lap_ms", f"target lap: {lap_time(siwtl['siwtl_lap_ms'])}"))


def style(asked: Asked, published: Published) -> Found | None:
    """DPTAD's scores of the car, or why it has none."""
    file, judged = published.record("ml/dptad/analyze", asked.car or "")
    if judged is None:
        return None
    scores = {name: score for name, score in judged["scores"].items() if score is not None}
    if not scores:
        return found(f"There are no scores: {judged['reason']}", source(file, "reason", judged["reason"]))
    rows = [f"{name} {number(score)}" for name, score in scores.items()]
    highest = judged.get("highest_score") or 100
    reach = f"; {counted(judged.get('field_laps', 0), 'lap')} to compare with give at most {number(highest)}"
    text = (
        f"{Voice.of(asked, published).possessive} scores (0 is as always, 100 as unusual as it gets"
        f"{reach if highest < 100 else ''}): "
        f"{', '.join(rows)}. {counted(len(judged['events']), 'unusual moment')} on "
        f"{counted(judged['laps_judged'], 'judged lap')}."
    )
    return found(text, (source(file, f"scores.{name}", row) for name, row in zip(scores, rows, strict=True)))


def quicker(asked: Asked, published: Published) -> Found | None:
    """Who had a better best lap than the car."""
    cars = sorted(
        (car for car in published.summary["classification"] if car["best_lap_ms"] is not None),
        key=lambda car: car["best_lap_ms"],
    )
    own = next((place for place, car in enumerate(cars) if car["vehicle_id"] == asked.car), None)
    if own is None:
        return None
    if own == 0:
        return found("Nobody: that car had the best lap of all.", source(SUMMARY, "statistics.best_lap_ms", "best lap"))
    rows = [f"{published.label(car['vehicle_id'])} {lap_time(car['best_lap_ms'])}" for car in cars[:own]]
    more = f", and {len(rows) - _LISTED} more" if len(rows) > _LISTED else ""
    text = f"By best laps {own} of {len(cars)} were quicker: {', '.join(rows[:_LISTED])}{more}."
    return found(
        text,
        (
            source(SUMMARY, f"classification.{car['vehicle_id']}.best_lap_ms", row)
            for car, row in zip(cars, rows, strict=False)
        ),
    )


def neighbour(asked: Asked, published: Published) -> Found | None:
    """Who finished next to the car: ahead of it, or behind."""
    cars = published.classified()
    own = next((place for place, car in enumerate(cars) if car["vehicle_id"] == asked.car), None)
    if own is None:
        return result(asked, published)
    voice = Voice.of(asked, published)
    stood = f"{'you' if asked.is_own else voice.subject} finished P{cars[own]['position']} of {len(cars)}"
    of_own = source(SUMMARY, f"classification.{cars[own]['vehicle_id']}.position", stood)
    next_to = own + 1 if asked.has(_BEHIND) else own - 1
    if not 0 <= next_to < len(cars):
        return found(f"Nobody: {stood}.", of_own)
    other = cars[next_to]
    off = distance(other).lstrip("+")
    text = f"{published.label(other['vehicle_id'])} finished P{other['position']}"
    text += f", {off} behind the winner; {stood}." if off else f"; {stood}."
    return found(text, source(SUMMARY, f"classification.{other['vehicle_id']}.position", text), of_own)


def gap_to_neighbour(asked: Asked, published: Published) -> Found | None:
    """How far the car in front was at the flag, or the one behind."""
    cars = published.classified()
    own = next((place for place, car in enumerate(cars) if car["vehicle_id"] == asked.car), None)
    if own is None:
        return result(asked, published)
    next_to = own + 1 if asked.has(_BEHIND) else own - 1
    if not 0 <= next_to < len(cars):
        return neighbour(asked, published)
    return session.gap_between(
        replace(asked, named=(asked.car or "", cars[next_to]["vehicle_id"]), places=()), published
    )


def team_mate(asked: Asked, published: Published) -> Found:
    """The cars of the same team, with their best laps."""
    driver = published.driver(asked.car or "")
    team = published.team(driver)
    mates = [d for d in published.drivers if team and d["team"] == team and d["vehicle_id"] != driver["vehicle_id"]]
    if not mates:
        why = "The files name no team of that car" if team is None else f"{team} entered no other car"
        return found(
            f"{why}, so there is no team mate to compare with.", source("api/drivers.json", "drivers.team", why)
        )
    rows = [f"{published.label(d['vehicle_id'])} {lap_time(d['best_lap_ms'])}" for d in (driver, *mates)]
    return found(
        f"Best laps of {team}: {', '.join(rows)}.", source("api/drivers.json", "drivers.team", ", ".join(rows))
    )


def smoothness(asked: Asked, published: Published) -> Found | None:
    """The car's places by smoothness, where its telemetry gives any."""
    rows = [
        f"{ranking['category']} {rank['rank']} of {len(ranking['ranks'])}"
        for ranking in published.summary["rankings"]
        if ranking["category"] in _SMOOTH
        for rank in ranking["ranks"]
        if rank["vehicle_id"] == asked.car
    ]
    if not rows:
        return found(
            "A place by smoothness takes traces of clean laps, and that car has too few of them, or too few others do."
        )
    text = f"Places by smoothness, among the cars with enough telemetry: {', '.join(rows)}."
    return found(text, source(SUMMARY, "rankings", text))


def asks_for_slowest(asked: Asked) -> bool:
    """Whether the slowest lap is meant."""
    return asked.has(_SLOWEST) and "lap" in asked.rest


def _laps(asked: Asked, published: Published) -> tuple[str, Any]:
    return published.record("laps", asked.car or "")


def _lost(lap: Mapping[str, Any], laps: Mapping[str, Any]) -> str:
    """Where a clean lap lost most to the best lap, by sectors."""
    best = next((other for other in laps["laps"] if other["lap_number"] == laps["best_lap_number"]), None)
    if best is None or best is lap or None in (*lap["sectors_ms"], *best["sectors_ms"]):
        return ""
    losses = [ours - theirs for ours, theirs in zip(lap["sectors_ms"], best["sectors_ms"], strict=True)]
    worst = max(range(len(losses)), key=lambda sector: losses[sector])
    return f" Most was lost in sector {worst + 1}: {gap(losses[worst])} s to the best lap." if losses[worst] > 0 else ""
