"""Lookups about places of the lap: a car in a sector or a corner, and where its time is."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from grx_pipeline.formats import counted, gap, number, sector_time
from grx_pipeline.serve.lookups.asked import Asked
from grx_pipeline.serve.lookups.cars import Voice
from grx_pipeline.serve.lookups.published import Found, Published, found, source

# What of a corner is meant by which words: the figure, how it is said, its unit and decimals.
_FIGURES = (
    (
        re.compile(r"\bmin\w*|\bapex speed|\bslow\w* (?:point|speed)|\bmid.?corner"),
        "min_speed_kmh",
        "minimum speed",
        "km/h",
        1,
    ),
    (re.compile(r"\bentry|\bturn.?in"), "entry_speed_kmh", "entry speed", "km/h", 1),
    (re.compile(r"\bexit"), "exit_speed_kmh", "exit speed", "km/h", 1),
    (
        re.compile(r"\bbrak\w* (?:point|late|early|later|earlier|where)|\bwhere\b.*\bbrak|\bbrak(?:e|ing)\b"),
        "brake_onset_m",
        "braking begins at",
        "m",
        0,
    ),
    (re.compile(r"\bpressure|\bhard"), "brake_peak_bar", "peak brake pressure", "bar", 0),
    (re.compile(r"\bthrottle|\bpower|\bgas\b"), "throttle_on_m", "throttle on at", "m", 0),
    (re.compile(r"\bcoast"), "coasting_s", "coasting", "s", 2),
    (re.compile(r"\bsteer"), "steering_peak_deg", "peak steering", "deg", 0),
)
_CORNERS = 3
_USUAL = ("entry_speed_kmh", "min_speed_kmh", "exit_speed_kmh", "brake_onset_m")
_PART = re.compile(r"\d+[a-z]?")


def sector(asked: Asked, published: Published) -> Found | None:
    """A car in a sector: its best there, against its best lap and the class."""
    wanted = asked.sectors[0]
    file, siwtl = published.record("ml/siwtl/calculate", asked.car or "")
    row = next((row for row in siwtl["sectors"] if row["sector"] == wanted), None) if siwtl else None
    if row is None:
        return found(f"There is no clean lap of that car with a sector {wanted}.")
    possessive = Voice.of(asked, published).possessive
    text = (
        f"{possessive} best sector {wanted} on clean laps was {sector_time(row['best_ms'])} s, on lap "
        f"{row['donor_lap']}; on the best clean lap it was {sector_time(row['in_best_lap_ms'])} s."
    )
    off = _to_class(wanted, row["best_ms"], published)
    text += f" {off}" if off else ""
    if row["gain_ms"] > 0:
        text += f" The target asks for {sector_time(row['gain_ms'])} s there."
    return found(text, source(file, f"sectors.{wanted}", f"best sector {wanted}: {sector_time(row['best_ms'])} s"))


def sectors(asked: Asked, published: Published) -> Found | None:
    """A car's best in every sector, with the distance to the best of the field."""
    file, siwtl = published.record("ml/siwtl/calculate", asked.car or "")
    if not siwtl or not siwtl["sectors"]:
        return None
    rows = []
    for row in siwtl["sectors"]:
        best = published.statistic(f"best_sector_{row['sector']}_ms")
        off = (
            ""
            if best is None
            else "best of all"
            if row["best_ms"] == best["value"]
            else f"{gap(int(row['best_ms'] - best['value']))} s to the best of all"
        )
        rows.append(
            f"S{row['sector']} {sector_time(row['best_ms'])} s on lap {row['donor_lap']}" + (f" ({off})" if off else "")
        )
    text = f"{Voice.of(asked, published).possessive} best sectors on clean laps: {', '.join(rows)}."
    return found(text, source(file, "sectors.best_ms", text))


def lost_time(asked: Asked, published: Published) -> Found | None:
    """Where a car's time is: by sector, to its own target and to the best of the field."""
    file, siwtl = published.record("ml/siwtl/calculate", asked.car or "")
    if not siwtl or not siwtl["sectors"]:
        return None
    rows = siwtl["sectors"]
    bests = {row["sector"]: published.statistic(f"best_sector_{row['sector']}_ms") for row in rows}
    gaps = {row["sector"]: row["best_ms"] - best["value"] for row in rows if (best := bests[row["sector"]]) is not None}
    parts = []
    if gaps and max(gaps.values()) > 0:
        worst = max(gaps, key=lambda sector: gaps[sector])
        whole = ", ".join(f"S{sector} {gap(int(off))} s" for sector, off in gaps.items())
        parts.append(f"Against the best of the field most is lost in sector {worst} (best sectors: {whole}).")
    most = max(rows, key=lambda row: row["gain_ms"])
    if most["gain_ms"] > 0:
        whole, part = siwtl["potential_gain_ms"], most["gain_ms"]
        share = "all of it" if part == whole else f"{sector_time(part)} s of it"
        possessive = Voice.of(asked, published).possessive
        parts.append(
            f"To {'your' if asked.is_own else possessive} own target there is {sector_time(whole)} s to find, "
            f"{share} in "
            f"sector {most['sector']} (best there on lap {most['donor_lap']})."
        )
    if not parts:
        parts.append("No sector is behind: the best sectors of the field and the own best lap are the same.")
    if reason := _advice_reason(asked, published):
        parts.append(f"By corners: {_told(reason, asked)}")
    return found(
        " ".join(parts),
        (
            source(
                file,
                f"sectors.{row['sector']}",
                f"sector {row['sector']}: best {sector_time(row['best_ms'])} s, to find "
                f"{sector_time(row['gain_ms'])} s",
            )
            for row in rows
        ),
    )


def strong_sector(asked: Asked, published: Published) -> Found | None:
    """Where a car is nearest to the best of the field."""
    file, siwtl = published.record("ml/siwtl/calculate", asked.car or "")
    bests = {row["sector"]: published.statistic(f"best_sector_{row['sector']}_ms") for row in siwtl["sectors"]}
    gaps = {
        row["sector"]: int(row["best_ms"] - best["value"]) for row in siwtl["sectors"] if (best := bests[row["sector"]])
    }
    if not gaps:
        return None
    nearest = min(gaps, key=lambda sector: gaps[sector])
    voice = Voice.of(asked, published)
    text = (
        f"{voice.possessive} best in sector {nearest} is the best of the field."
        if gaps[nearest] == 0
        else f"{voice.subject} came closest to the best of the field in sector {nearest}: {gap(gaps[nearest])} s to it."
    )
    return found(text, source(file, f"sectors.{nearest}", text))


def advice(asked: Asked, published: Published) -> Found | None:
    """Why nothing is advised; None where something is, which the coach's notes say."""
    reason = _advice_reason(asked, published)
    if reason is None:
        return None
    file, _ = published.record("opportunities", asked.car or "")
    where = lost_time(asked, published)
    sure = source(file, "reason", reason)
    if where is None:
        return found(f"Nothing is sure enough to be advised. {_told(reason, asked)}", sure)
    return found(f"Nothing is sure enough to be advised at a corner. {where.text}", sure, where.sources)


def advice_reason(asked: Asked, published: Published) -> Found | None:
    """Why time is lost, as far as anything tells: the timing shows where; only traces show how."""
    file, _ = published.record("opportunities", asked.car or "")
    reason = _advice_reason(asked, published)
    if reason is None:
        return None
    text = "The timing shows where the time is and not why; the traces show why, where there are enough of them."
    return found(f"{text} {_told(reason, asked)}", source(file, "reason", reason))


def traffic(asked: Asked, published: Published) -> Found:
    """What is published of cars ahead: on how many laps with a trace one was near."""
    sentences = (_advice_reason(asked, published) or "").rstrip(".").split(". ")
    told = next((sentence for sentence in sentences if "a car was" in sentence), None)
    if told is None:
        return found("What was published of this session does not say on which laps a car was ahead of another.")
    file, _ = published.record("opportunities", asked.car or "")
    opening = told.replace("these laps", "the clean laps with a trusted trace") + "."
    return found(f"{_told(opening, asked)} Laps without a trace are not told apart.", source(file, "reason", opening))


def corner(asked: Asked, published: Published) -> Found | None:
    """A car in a corner: the medians of its laps beside the class."""
    if len(asked.corners) > 1:
        each = [corner(replace(asked, corners=(one,)), published) for one in asked.corners[:_CORNERS]]
        told = [answer for answer in each if answer is not None]
        return found(" ".join(answer.text for answer in told), (place for answer in told for place in answer.sources))
    name, problem = corner_name(asked.corners[0], published)
    if name is None:
        return problem
    file, record = published.record("corners", asked.car or "")
    row = next((row for row in record["corners"] if row["corner"] == name), None) if record else None
    if row is None:
        whose = Voice.of(asked, published).object
        note = (record or {}).get("note") or "No lap has a trusted trace."
        return found(f"There are no corner figures of {whose}. {note}", source(file, "note", note))
    said, figures, wanted = _corner_figures(asked, row["figures"]), row["figures"], figure_asked(asked)
    whose = "" if asked.is_own else f" of {published.label(asked.car or '')}"
    if not said:
        return found(f"The clean laps{whose} with a trace do not show that at {name}.")
    count = figures[wanted[0]]["laps"] if wanted else max(figure["laps"] for figure in figures.values())
    laps = f"{counted(count, 'clean lap')}{whose} with a trace"
    opening = f"{name}, medians of {laps}" if count > 1 else f"{name}, {laps}"
    text = f"{opening}: {'; '.join(said)}."
    text += " Distances are from the finish line." if any(" at " in figure for figure in said) else ""
    return found(text, source(file, f"corners.{name}", f"{name}: {'; '.join(said)}"))


def corner_name(corner: str, published: Published) -> tuple[str | None, Found | None]:
    """The corner of the map that was named; without it, that there is none."""
    known = published.build.record("api/track.json")
    names = [row["corner"] for row in known["corners"]] if known else []
    if not names:
        return None, found("This session has no map with corners.")
    name = next((name for name in names if covers(name, corner)), None)
    if name is None:
        return None, found(f"There is no T{corner.upper()} on this map. Its corners: {', '.join(names)}.")
    return name, None


def figure_asked(asked: Asked) -> tuple[str, str, str, int] | None:
    """The figure of a corner that is asked for, such as where braking begins: column, name, unit, decimals."""
    return next(
        ((key, label, unit, decimals) for words, key, label, unit, decimals in _FIGURES if asked.has(words)), None
    )


def _corner_figures(asked: Asked, figures: Mapping[str, Any]) -> list[str]:
    """The figures that were asked for; without any, time, speeds and where braking begins."""
    wanted = [row for row in _FIGURES if asked.has(row[0])]
    time = figures.get("time_ms")
    first = [f"time {number(time['median'] / 1000, 3)} s"] if not wanted and time and time["median"] is not None else []
    rows = wanted or [row for row in _FIGURES if row[1] in _USUAL]
    said = [_figure(figures.get(key), label, unit, decimals) for _, key, label, unit, decimals in rows]
    return first + [text for text in said if text]


def covers(name: str, corner: str) -> bool:
    """Whether a corner of the map, such as T5-T6, is the one that was named, such as 6."""
    parts = [part.lower() for part in _PART.findall(name.lower())]
    return corner in parts


def _advice_reason(asked: Asked, published: Published) -> str | None:
    """Why nothing is told of corners; None where something is."""
    _, record = published.record("opportunities", asked.car or "")
    if record is None or record["told"]:
        return None
    return str(record["reason"]) if record["reason"] else None


def _told(reason: str, asked: Asked) -> str:
    """A sentence of a car's own page, which speaks to its driver."""
    return reason if asked.is_own else f"Its driver is told: “{reason}”"


def _figure(figure: Mapping[str, Any] | None, label: str, unit: str, decimals: int) -> str | None:
    if not figure or figure["median"] is None:
        return None
    text = f"{label} {number(figure['median'], decimals)} {unit}"
    quartiles = figure["class_quartiles"]
    if quartiles and None not in quartiles:
        text += (
            f" (class {number(quartiles[0], decimals)} to {number(quartiles[2], decimals)}, "
            f"{counted(figure['class_drivers'], 'driver')})"
        )
    return text


def _to_class(wanted: int, best_ms: int, published: Published) -> str:
    best = published.statistic(f"best_sector_{wanted}_ms")
    if best is None:
        return ""
    off = int(best_ms - best["value"])
    return (
        "That is the best of the field."
        if off == 0
        else (
            f"The best of the field is {sector_time(int(best['value']))} s, by "
            f"{published.label(best['vehicle_id'])}: {gap(off)} s."
        )
    )
