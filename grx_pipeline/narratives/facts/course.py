"""The facts of how a driver's race went: how close its laps were, whether the pace changed, which laps are left out."""

from collections import Counter
from collections.abc import Sequence

from grx_pipeline.formats import counted, listed
from grx_pipeline.laps.validity import REASONS
from grx_pipeline.narratives.facts.book import FactBook, Row, Source
from grx_pipeline.narratives.facts.field import SECTORS, Field, near_best, pace_change

FADE_RULE, PACE_RULE = "fade", "found_pace"
# What leaves out laps of everybody is no news to anyone.
_SHARED = frozenset(("first_lap", "full_course_yellow", "restart"))
_OUT = {
    "pit_in": "the way into the pits",
    "pit_out": "the way out of the pits",
    "off_pace": "a pace far off your own",
    "missing_sector": "a sector time missing",
    "implausible_sector": "a timing fault",
    "sectors_off_lap_time": "a timing fault",
}


def add_course(book: FactBook, field: Field, vehicle: str) -> dict[str, str]:
    """Add them; returns the rules that hold."""
    laps, source = field.clean_laps.get(vehicle, []), Source(table="laps", key=vehicle)
    if len(laps) >= field.settings.stint_laps:
        near, of = near_best(laps, field.settings)
        book.add("near.laps", "driver", "near_best", near - 1, source, n=of - 1)
        limit = field.settings.near_best_share * min(lap["lap_time_ms"] for lap in laps)
        book.add("near.limit", "driver", "near_limit", limit, source)
    rules = _add_pace(book, field, vehicle, source)
    _add_left_out(book, field.tables.of("laps", vehicle), source)
    return rules


def _add_pace(book: FactBook, field: Field, vehicle: str, source: Source) -> dict[str, str]:
    change = field.pace_changes.get(vehicle)
    if change is None:
        return {}
    of_field = field.field_change_ms
    book.add("pace.opening", "driver", "opening_pace", change.opening_ms, source, n=change.laps // 2)
    book.add("pace.closing", "driver", "closing_pace", change.closing_ms, source, n=change.laps // 2)
    if of_field is not None and abs(of_field) >= field.settings.worth_ms:
        cars = len(field.whole_changes)
        book.add("pace.field", "field", "field_change", of_field, Source(table="laps"), n=cars)
    if abs(change.change_ms) < change.floor_ms:
        book.add_text("pace.steady", "driver", "steady", "no sure change", source)
        return {}
    book.add("pace.change", "driver", "pace_change", change.change_ms, source, n=change.laps)
    _add_changed_sector(book, field, field.clean_laps[vehicle], source, is_slower=change.change_ms > 0)
    beyond = change.change_ms - (of_field or 0.0)
    if abs(beyond) < change.floor_ms or (beyond > 0) != (change.change_ms > 0):
        return {}
    return {f"pace:{FADE_RULE if beyond > 0 else PACE_RULE}": "driver"}


def _add_changed_sector(book: FactBook, field: Field, laps: Sequence[Row], source: Source, *, is_slower: bool) -> None:
    """The sector where most of the change of pace surely is."""
    changes = []
    for sector in SECTORS:
        change = pace_change(laps, field.settings, column=f"sector_{sector}_ms")
        if change is not None and abs(change.change_ms) >= change.floor_ms and (change.change_ms > 0) == is_slower:
            changes.append((abs(change.change_ms), sector, change.change_ms))
    if changes:
        _, sector, of_sector = max(changes)
        book.add_text("changed.sector", f"sector:{sector}", "changed_sector", f"sector {sector}", source)
        book.add("changed.by", f"sector:{sector}", "sector_change", of_sector, source, n=len(laps))


def _add_left_out(book: FactBook, laps: Sequence[Row], source: Source) -> None:
    """Laps that count for nothing for a reason of their own, not for what the whole field went through."""
    out = [reasons for lap in laps if not lap["is_clean"] and (reasons := _own_reasons(lap["reasons"]))]
    if not out:
        return
    book.add("out.laps", "driver", "laps_out", len(out), source)
    counts = Counter(reason for reasons in out for reason in reasons)
    is_counted = len(counts) > 1
    told = [
        _OUT.get(reason, REASONS[reason].text) + (f" ({counted(count, 'lap')})" if is_counted and count > 1 else "")
        for reason, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    name = "out.reasons" if len(told) > 1 else "out.reason"
    book.add_text(name, "driver", "out_reasons", listed(told), source)


def _own_reasons(reasons: Sequence[str]) -> list[str]:
    """What keeps a lap from being clean; that it was slow only where nothing else says why."""
    against = [reason for reason in reasons if REASONS[reason].excludes != "none"]
    if _SHARED & set(against):
        return []
    others = [reason for reason in against if reason != "off_pace"]
    return others or against
