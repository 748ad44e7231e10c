"""Lookups about the unusual moments of a car: all, the dearest, those of one lap, corner or kind."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from grx_pipeline.formats import counted, listed, sector_time
from grx_pipeline.serve.lookups.asked import Asked
from grx_pipeline.serve.lookups.cars import Voice
from grx_pipeline.serve.lookups.places import covers
from grx_pipeline.serve.lookups.published import Found, Published, found, source

# What drivers call it, and which types that is: what they begin with, and how they are said.
_KINDS = (
    (re.compile(r"\block(?:ed|ing|s)?\b|\block.?ups?\b"), "lock_up", "suspected lock-up"),
    (re.compile(r"\boversteer|\bsnap|\bspin|\bspun|\bslid"), "oversteer", "suspected oversteer"),
    (re.compile(r"\blift"), "lift", "lift"),
    (re.compile(r"\bearly brak\w*|\bbrak\w* (?:too )?early"), "early_braking", "early braking"),
    (re.compile(r"\bmiss\w*.*\bbrak|\bbrak\w* (?:too )?late"), "late_braking", "late braking"),
)
_UNUSUAL = "unusual moment"
_TOLD = 3


def moments(asked: Asked, published: Published) -> Found | None:
    """The unusual moments that are asked for, the dearest first; why there are none to tell."""
    file, judged = published.record("ml/dptad/analyze", asked.car or "")
    if judged is None:
        return None
    voice = Voice.of(asked, published)
    if not judged["laps_judged"]:
        return found(
            f"Moments of {voice.object} cannot be told. {judged['reason']}", source(file, "reason", judged["reason"])
        )
    kind, said = next(((name, word) for words, name, word in _KINDS if asked.has(words)), ("", _UNUSUAL))
    events = [event for event in judged["events"] if _is_meant(event, asked, kind)]
    where, on = _where(asked), "" if asked.laps else f", on {counted(judged['laps_judged'], 'judged lap')}"
    if not events:
        return found(f"No {said}{where} stands out for {voice.object}{on}.", source(file, "events", f"none{where}"))
    dearest = sorted(events, key=lambda event: -(event["time_lost_ms"] or 0.0))[:_TOLD]
    rows = [event["text"] if asked.laps else f"Lap {event['lap']}, {event['text']}" for event in dearest]
    opening = f"{counted(len(events), said, _plural(said))} of {voice.object}{where}{on}"
    if len(events) > _TOLD:
        opening += f"; {_spread(events, asked)}. The dearest"
    return found(
        f"{opening}: {' '.join(rows)}", (source(file, f"events.{event['id']}", event["text"]) for event in dearest)
    )


def _is_meant(event: Mapping[str, Any], asked: Asked, kind: str) -> bool:
    if asked.laps and event["lap"] not in asked.laps:
        return False
    if asked.corners and not (event["corner"] and any(covers(event["corner"], corner) for corner in asked.corners)):
        return False
    return str(event["type"]).startswith(kind)


def _where(asked: Asked) -> str:
    corners = [f"T{corner.upper()}" for corner in asked.corners]
    laps = [f"lap {number}" for number in asked.laps]
    return (f" at {listed(corners)}" if corners else "") + (f" on {listed(laps)}" if laps else "")


def _plural(said: str) -> str | None:
    """Of a word that takes no s; None where s will do."""
    return said if said.endswith(("oversteer", "braking")) else None


def _spread(events: list[Mapping[str, Any]], asked: Asked) -> str:
    """Where most of them are, and what they cost in all."""
    lost = sum(max(event["time_lost_ms"] or 0.0, 0.0) for event in events)
    corners = Counter(event["corner"] for event in events if event["corner"])
    corner, count = corners.most_common(1)[0] if corners else ("", 0)
    most = "" if asked.corners or count < 2 else f"most at {corner} ({count}), "
    return f"{most}{sector_time(round(lost))} s in all"
