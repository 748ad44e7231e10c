"""The one number and the one place of a driver page, or in a sentence why there is none."""

from collections import Counter

from grx_pipeline.reports.driving_records import Ledger, LedgerLine
from grx_pipeline.reports.formats import Style
from grx_pipeline.reports.records import Driver, Laps, Siwtl


def headline(driver: Driver, laps: Laps, siwtl: Siwtl, ledger: Ledger, style: Style) -> str:
    """`0.42 s to find, 0.21 s of it at T5 exit`. The place is the largest line of the ledger, or a sector."""
    if siwtl.potential_gain_ms is None:
        return _without_target(driver, laps, style)
    if siwtl.clean_laps == 1:
        return "No time to find can be given: a single clean lap has nothing to compare with"
    if siwtl.potential_gain_ms == 0:
        return "Nothing left in the sectors: the best lap holds every best sector"
    place, gain_ms = _largest(siwtl, ledger)
    text = f"{style.seconds(siwtl.potential_gain_ms)} s to find"
    if gain_ms == siwtl.potential_gain_ms:
        return f"{text}, all of it {place}"
    return f"{text}, {style.seconds(gain_ms)} s of it {place}"


def _without_target(driver: Driver, laps: Laps, style: Style) -> str:
    if driver.exclusion is not None:
        return f"Excluded by the team: {driver.exclusion}"
    if not laps.laps:
        return "No lap was driven, so there is nothing to compare"
    which = "the only lap is not" if driver.laps == 1 else f"none of {style.number(driver.laps)} laps is"
    return f"No time to find can be given: {which} clean"


def _largest(siwtl: Siwtl, ledger: Ledger) -> tuple[str, int]:
    """Where most of the gain is, in words, and how much. The first of equals along the lap.

    A place of more than its sector's gain (others there give some of it back) gives way to the sector.
    """
    line = max(ledger.segments or ledger.sectors, key=lambda line: line.gain_ms, default=None)
    of_sector = {sector.sector: sector.gain_ms for sector in siwtl.sectors}
    if line is not None and 0 < line.gain_ms <= of_sector.get(line.sector, 0):
        return place_of(line), line.gain_ms
    sector = max(siwtl.sectors, key=lambda sector: sector.gain_ms)
    return f"in sector {sector.sector}", sector.gain_ms


def place_of(line: LedgerLine) -> str:
    """`at T5 exit`, `from T2 to T3`, `in sector 2`. What is carried down a straight was lost at the corner's exit."""
    if line.phase is None:
        return f"in sector {line.sector}"
    if line.phase == "straight":
        words = ["the line" if word == "line" else word for word in line.name.split(" ")]
        return f"from {' '.join(words)}"
    return f"at {line.corner} exit" if line.phase == "carried" else f"at {line.name}"


def why_no_target(laps: Laps, style: Style) -> str | None:
    """What keeps a car's laps from being clean, most frequent first; None where a lap is clean."""
    if laps.clean_laps or not laps.laps:
        return None
    reasons = Counter(reason.text for lap in laps.laps for reason in lap.reasons if reason.excludes != "none")
    ordered = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    is_only = len(laps.laps) == 1
    texts = [text if is_only else f"{text} ({style.counted(count, 'lap')})" for text, count in ordered]
    return f"Why {'it is not' if is_only else 'none is'} clean: {'; '.join(texts)}."
