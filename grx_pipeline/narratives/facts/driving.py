"""The facts of how a car was driven: habits that are told, strong corners, the ledger, moments out of the ordinary."""

import re
from collections import Counter
from collections.abc import Iterable

from grx_pipeline.formats import event_words, listed
from grx_pipeline.methods.advice.silent_cars import NO_TELEMETRY
from grx_pipeline.methods.driving.ledger_lines import FLAT_EVIDENCE
from grx_pipeline.narratives.facts.book import FactBook, Row, Source, plain_name
from grx_pipeline.narratives.facts.evidence import Compared, Varied, read_evidence
from grx_pipeline.narratives.facts.field import Field

CHANNELS = ("brake", "throttle", "steering")
REFERENCES = {
    "own best three": "your own best three laps there",
    "class best quartile": "the quickest quarter of the class",
}
_TOLD_SENTENCES = 2
# How far a mark is moved at a time: the advice of the table says it in these words.
STEP = "3 to 5 m"
FLAT_RULE, MOMENTS_RULE = "flat_straight", "moments_corner"
_WITHOUT = "no habit at a corner, no unusual moment and no place within a sector can be told."


def add_driving(book: FactBook, field: Field, vehicle: str) -> dict[str, str]:
    """Add them; returns the rules that hold, each with the corner that it is about."""
    rules = _add_habits(book, field, vehicle)
    if not field.tables.row_of("drivers", vehicle)["has_telemetry"]:
        why = (field.tables.row_of("opportunity_drivers", vehicle).get("reason") or NO_TELEMETRY).rstrip(".")
        source = Source(table="opportunity_drivers", key=vehicle)
        book.add_text("without.telemetry", "driver", "note", f"{why}: {_WITHOUT}", source)
        return rules
    rules |= _add_ledger(book, field, vehicle)
    _add_strong_corners(book, field, vehicle)
    rules |= _add_moments(book, field, vehicle)
    _add_smoothness(book, field, vehicle)
    return rules


def _add_habits(book: FactBook, field: Field, vehicle: str) -> dict[str, str]:
    rules = {}
    told = [row for row in field.tables.of("opportunities", vehicle) if row["rank"] is not None]
    for row in sorted(told, key=lambda row: row["rank"]):
        name, corner = f"change_{row['rank']}", field.corners[row["corner_index"]]
        entity = f"corner:{row['corner_index']}"
        key = "/".join(str(row[column]) for column in ("vehicle_id", "corner_index", "phase", "reference"))
        source = Source(table="opportunities", key=key)
        first = row["rank"] == 1 and len(told) > 1
        book.add_text(f"{name}.corner", entity, "dearest_corner" if first else "corner", corner, source)
        book.add_text(f"{name}.phase", entity, "phase", _PHASES.get(row["phase"], row["phase"]), source)
        book.add_text(
            f"{name}.reference", entity, "reference", REFERENCES.get(row["reference"], row["reference"]), source
        )
        book.add(f"{name}.loss", entity, "loss", row["loss_ms"], source, n=row["laps"])
        book.add(f"{name}.often", entity, "often", row["laps_with_loss"], source, n=row["laps"])
        book.add(f"{name}.done", entity, "done", row["laps_done"], source, n=row["laps"])
        book.add_text(f"{name}.advice", entity, "advice", row["advice"], source)
        if STEP in (row["advice"] or ""):
            book.add_text(f"{name}.step", entity, "step", STEP, source)
        _add_evidence(book, name, entity, row, source)
        if row["pattern"] is not None:
            rules[f"{name}:{row['pattern']}"] = entity
    if field.tables.row_of("drivers", vehicle)["has_telemetry"]:
        why = field.tables.row_of("opportunity_drivers", vehicle).get("reason")
        source = Source(table="opportunity_drivers", key=vehicle)
        book.add_text("habits.reason", "driver", "note", shortened(why or ""), source)
    return rules


def shortened(reason: str) -> str:
    """A reason as far as it says how many laps there are and what came of it; the page has the rest."""
    opening = re.split(r"(?<=\.) ", reason)[:_TOLD_SENTENCES]
    if opening[0].startswith("No corner"):
        return f"{re.split('[;:]', opening[0])[0].rstrip('.')}."
    return " ".join(opening)


_PHASES = {"braking": "under braking", "entry": "on the way in", "exit": "on the way out"}


def _add_evidence(book: FactBook, name: str, entity: str, row: Row, source: Source) -> None:
    for sentence in row["evidence"]:
        found = read_evidence(sentence)
        if isinstance(found, Compared):
            book.add(
                f"{name}.{found.figure}.apart", entity, f"{found.figure}.apart", found.apart, source, n=row["laps"]
            )
            book.add(f"{name}.{found.figure}.goal", entity, f"{found.figure}.goal", found.reference, source)
        elif isinstance(found, Varied):
            book.add(
                f"{name}.{found.figure}.spread", entity, f"{found.figure}.spread", found.own, source, n=row["laps"]
            )
            book.add(f"{name}.{found.figure}.others", entity, f"{found.figure}.field_spread", found.field, source)


def _add_ledger(book: FactBook, field: Field, vehicle: str) -> dict[str, str]:
    """The places of the sector with most of the target that hold most of it, where the ledger goes that far: one in
    the driver's hands, and before it a straight that is flat on both laps."""
    most = book.facts.get("most.sector")
    rows = [row for row in field.tables.of("ledger", vehicle) if row["level"] == "segment" and row["segment"]]
    rules = {}
    inside = [row for row in rows if most is not None and f"sector:{row['sector']}" == most.entity]
    told = [row for row in inside if row["gain_ms"] >= field.settings.worth_ms]
    for row in sorted(told, key=lambda row: (-row["gain_ms"], row["line"])):
        is_flat = FLAT_EVIDENCE in row["evidence"]
        name, metric = ("flat", "flat_gain") if is_flat else ("place", "place_gain")
        if f"{name}.gain" in book:
            continue
        source, entity = Source(table="ledger", key=f"{vehicle}/segment/{row['line']}"), f"segment:{row['name']}"
        place = row["name"].partition(",")[0] + (" (carried down the straight)" if row["phase"] == "carried" else "")
        label = plain_name(place, field.settings.name_letters)
        book.add_text(f"{name}.name", entity, "segment_name", label, source)
        book.add(f"{name}.gain", entity, metric, row["gain_ms"], source)
        if is_flat:
            rules[f"flat:{FLAT_RULE}"] = entity
        else:
            break
    note = field.tables.row_of("ledger_drivers", vehicle).get("note")
    if note and book.value("target.gain"):
        split = sorted({row["sector"] for row in rows})
        source = Source(table="ledger_drivers", key=vehicle)
        book.add_text("place.note", "driver", "note", _ledger_note([f"S{sector}" for sector in split]), source)
    return rules


def _ledger_note(split: list[str]) -> str:
    reach = f"beyond {listed(split)}" if split else "to corners"
    return f"The target is not followed {reach}: it rests on laps whose traces are not placed surely enough."


def _add_strong_corners(book: FactBook, field: Field, vehicle: str) -> None:
    """Corners surely quicker than the class's median, and among its best quarter."""
    settings = field.settings
    quartiles = {
        row["corner_index"]: row
        for row in field.tables.rows["corner_field"]
        if row["figure"] == "time_ms" and row["vehicle_class"] == field.vehicle_class(vehicle)
    }
    strong = []
    for row in field.tables.of("corner_drivers", vehicle):
        of_class = quartiles.get(row["corner_index"])
        if row["figure"] != "time_ms" or of_class is None or row["median"] is None or row["spread"] is None:
            continue
        gap = row["median"] - of_class["median"]
        error = settings.sure_errors * 1.2533 * row["spread"] / row["laps"] ** 0.5
        is_sure = row["laps"] >= settings.stint_laps and -gap >= max(settings.worth_ms, error)
        is_sure = is_sure and _drivers_with_laps(field, row["corner_index"]) >= settings.ranked_drivers
        if is_sure and row["median"] <= of_class["quartile_1"]:
            strong.append((gap, row))
    for number, (gap, row) in enumerate(sorted(strong, key=lambda entry: entry[0])[: settings.told_strengths], start=1):
        entity = f"corner:{row['corner_index']}"
        source = Source(table="corner_drivers", key=f"{vehicle}/{row['corner_index']}/time_ms")
        book.add_text(f"strong_{number}.corner", entity, "corner", field.corners[row["corner_index"]], source)
        book.add(f"strong_{number}.gap", entity, "corner_gap", gap, source, n=row["laps"])


def _drivers_with_laps(field: Field, corner: int) -> int:
    """Drivers who know the corner from enough laps: the medians of single laps are no class to be measured by."""
    return sum(
        row["corner_index"] == corner and row["figure"] == "time_ms" and row["laps"] >= field.settings.stint_laps
        for row in field.tables.rows["corner_drivers"]
    )


def _add_moments(book: FactBook, field: Field, vehicle: str) -> dict[str, str]:
    """How many moments there were, the dearest of those that cost time for sure, and a corner that comes up often."""
    summary, source = field.tables.row_of("dptad_drivers", vehicle), Source(table="dptad_drivers", key=vehicle)
    if "habits.reason" not in book or (summary.get("own_laps") or 0) >= field.settings.few_traces:
        book.add_text("moments.reason", "driver", "note", summary.get("reason"), source)
    if summary.get("laps_judged"):
        book.add("moments.count", "driver", "events", summary["events"], source, n=summary["laps_judged"])
    events = field.tables.of("dptad_events", vehicle)
    costly = [row for row in events if row["is_costly"] and row["time_lost_ms"]]
    dearest = sorted(costly, key=lambda row: (-row["time_lost_ms"], row["event_id"]))[: field.settings.told_events]
    for number, row in enumerate(dearest, start=1):
        name, corner = f"moment_{number}", field.corners.get(row["corner_index"])
        of_event = Source(table="dptad_events", key=f"{vehicle}/{row['event_id']}")
        entity, kind = f"event:{row['event_id']}", event_words(row["type"])
        metric = "dearest_event" if number == 1 and len(costly) > 1 else "event_type"
        book.add_text(f"{name}.type", entity, metric, f"{kind} at {corner}" if corner else kind, of_event)
        book.add(f"{name}.lap", entity, "event_lap", row["lap_number"], of_event)
        book.add(f"{name}.loss", entity, "event_loss", row["time_lost_ms"], of_event)
    return _add_busy_corner(book, field, Counter(row["corner_index"] for row in events), source)


def _add_busy_corner(book: FactBook, field: Field, counts: Counter[int | None], source: Source) -> dict[str, str]:
    """The corner with most of the moments, where there is one of them that stands out."""
    ordered = sorted(((count, -corner) for corner, count in counts.items() if corner in field.corners), reverse=True)
    if not ordered or ordered[0][0] < field.settings.repeated_events:
        return {}
    if len(ordered) > 1 and ordered[1][0] == ordered[0][0]:
        return {}
    corner = -ordered[0][1]
    entity = f"corner:{corner}"
    book.add_text("busy.corner", entity, "busiest_corner", field.corners[corner], source)
    book.add("busy.there", entity, "events_at", ordered[0][0], source)
    return {f"busy:{MOMENTS_RULE}": entity}


def _add_smoothness(book: FactBook, field: Field, vehicle: str) -> None:
    """Channels in which the driver is among the best quarter, or the last, where enough drivers have laps to judge."""
    enough = field.settings.stint_laps
    known = {row["vehicle_id"] for row in field.tables.rows["dptad_drivers"] if row["own_laps"] >= enough}
    if vehicle not in known or len(known) < field.settings.ranked_drivers:
        return
    for channel, row in _ranked(field, vehicle, (*CHANNELS, "speed")):
        share = row["rank"] / row["drivers"]
        top = field.settings.top_share
        if row["drivers"] < field.settings.ranked_drivers or top < share <= 1 - top:
            continue
        kind = "strong" if share <= top else "rough"
        metric = "speed_place" if channel == "speed" else "smooth_place"
        source = Source(table="rankings", key=f"{channel}/{vehicle}")
        book.add_text(f"{kind}.{channel}.name", f"channel:{channel}", "channel", channel, source)
        book.add(f"{kind}.{channel}.place", f"channel:{channel}", metric, row["rank"], source, n=row["drivers"])


def _ranked(field: Field, vehicle: str, channels: Iterable[str]) -> list[tuple[str, Row]]:
    found = ((channel, field.ranks.get((channel, vehicle))) for channel in channels)
    return [(channel, row) for channel, row in found if row is not None]
