"""The facts of a driver's sectors: what the target asks for and which lap showed it, and how far the class is."""

from statistics import median

from grx_pipeline.medians import robust_spread
from grx_pipeline.narratives.facts.book import FactBook, Row, Source
from grx_pipeline.narratives.facts.field import SECTORS, Field, Place

SECTOR_RULE, JOIN_RULE = "sector", "sector_join"
TOW_RULE, TOP_RULE, FREE_RULE = "sector_tow", "sector_tow_on_top", "sector_free"
TRACE_RULE, SPENT_RULE = "sector_trace", "sector_spent"
AIMS = (SECTOR_RULE, TRACE_RULE, SPENT_RULE, JOIN_RULE, TOW_RULE, TOP_RULE, FREE_RULE)
CLASS_RULE, CLASS_TRACE_RULE, UNEVEN_RULE = "class_sector", "class_trace", "uneven_sector"


def add_sectors(book: FactBook, field: Field, vehicle: str) -> dict[str, str]:
    """Add them; returns the rules that hold, each with the sector that it is about."""
    for row in field.tables.of("siwtl_sectors", vehicle):
        if row["sector_count"] == len(SECTORS):
            _add_sector(book, field, vehicle, row)
    _add_first_sectors(book, field)
    _add_uneven_sector(book, field, vehicle)
    _add_reference(book, field, vehicle)
    return _rules(book, field, is_drawn=field.has_reference(vehicle, "target"))


def _add_sector(book: FactBook, field: Field, vehicle: str, row: Row) -> None:
    sector, laps = row["sector"], field.clean_laps[vehicle]
    name, entity = f"sector_{sector}", f"sector:{sector}"
    source = Source(table="siwtl_sectors", key=f"{vehicle}/{len(SECTORS)}/{sector}")
    goal = row["in_best_lap_ms"] - row["gain_ms"]
    book.add_text(f"{name}.name", entity, "sector_name", f"sector {sector}", source)
    book.add(f"{name}.gain", entity, "sector_gain", row["gain_ms"], source, n=len(laps))
    book.add(f"{name}.best", entity, "sector_best", row["best_ms"], source, n=len(laps))
    book.add(f"{name}.goal", entity, "sector_goal", goal, source, n=len(laps))
    reached = sum(lap[f"sector_{sector}_ms"] <= goal for lap in laps)
    book.add(f"{name}.reached", entity, "sector_reached", reached, Source(table="laps", key=vehicle), n=len(laps))
    donor = Source(table="laps", key=f"{vehicle}/{row['donor_lap']}")
    book.add(f"{name}.donor", entity, "sector_donor", row["donor_lap"], donor)
    book.add(f"{name}.done", entity, "sector_done", row["done_on_laps"] - 1, source, n=len(laps) - 1)
    _add_tow(book, field, vehicle, row)
    cost = _cost_ms(field, vehicle, sector, row["donor_lap"], row["gain_ms"])
    if cost:
        book.add(f"{name}.cost", entity, "sector_cost", cost, donor, n=len(laps))
    place = field.sector_places[sector].get(vehicle)
    if place and place.of >= field.settings.ranked_drivers:
        _add_place(book, field, vehicle, sector, place)


def _cost_ms(field: Field, vehicle: str, sector: int, lap_number: int, gain_ms: int) -> float:
    """How much slower than the driver's median the next sector of a lap was; 0 where that is within his scatter there,
    or less than what the target asks for."""
    times = {lap["lap_number"]: lap.get(f"sector_{sector + 1}_ms") for lap in field.clean_laps[vehicle]}
    known = [time for time in times.values() if time is not None]
    own = times.get(lap_number)
    if own is None or len(known) < field.settings.stint_laps:
        return 0.0
    cost = own - median(known)
    floor = max(field.settings.worth_ms, gain_ms, field.settings.sure_errors * robust_spread(known))
    return float(cost) if cost >= floor else 0.0


def _add_tow(book: FactBook, field: Field, vehicle: str, row: Row) -> None:
    """Where a car was near ahead on the lap with the best time: how near, and the best with none that the next sector
    did not pay for, if that is better than on the best lap."""
    sector = row["sector"]
    name, entity, column = f"sector_{sector}", f"sector:{sector}", f"sector_{sector}_ms"
    gap = field.gap_ahead(vehicle, row["donor_lap"], sector)
    if not gap <= field.settings.near_gap_ms:
        return
    source = Source(table="laps", key=f"{vehicle}/{row['donor_lap']}")
    book.add(f"{name}.tow", entity, "tow_gap", gap, source)
    laps = (
        lap
        for lap in field.free_laps(vehicle, sector)
        if not _cost_ms(field, vehicle, sector, lap["lap_number"], row["gain_ms"])
    )
    free = min(laps, key=lambda lap: (lap[column], lap["lap_number"]), default=None)
    if free is not None and free[column] < row["in_best_lap_ms"]:
        of_free = Source(table="laps", key=f"{vehicle}/{free['lap_number']}")
        book.add(f"{name}.free", entity, "sector_free", free[column], of_free)
        book.add(f"{name}.free_lap", entity, "sector_free_lap", free["lap_number"], of_free)


def _add_place(book: FactBook, field: Field, vehicle: str, sector: int, place: Place) -> None:
    name, entity = f"sector_{sector}", f"sector:{sector}"
    best = field.tables.row_of("lap_statistics", vehicle)[f"best_sector_{sector}_ms"]
    of_class = Source(table="lap_statistics", key=vehicle)
    book.add(f"{name}.place", entity, "sector_place", place.place, of_class, n=place.of)
    if best > place.best:
        car = place.best_vehicle
        than = f"{entity}|than:{car}"
        book.add(f"{name}.class_gap", than, "sector_class_gap", best - place.best, of_class, n=place.of)
        book.add_text(
            f"{name}.class_car", f"car:{car}", "driver", field.full_labels[car], Source(table="drivers", key=car)
        )
        mark, of_mark = place.mark(best), Source(table="lap_statistics")
        part, metric = ("mark", "sector_mark") if mark > place.best else ("class_best", "sector_class_best")
        book.add(f"{name}.{part}", entity, metric, mark, of_mark, n=place.of)


def _add_first_sectors(book: FactBook, field: Field) -> None:
    """Which sector holds most of the target, and which is nearest to the class best and which furthest from it."""
    gains = [(book.value(f"sector_{n}.gain") or 0.0, -n) for n in SECTORS if f"sector_{n}.gain" in book]
    if gains and max(gains)[0] > 0:
        _add_first(book, "most", _share(max(gains)[0], sum(gain for gain, _ in gains)), -max(gains)[1], "gain")
    gaps = [(book.value(f"sector_{n}.class_gap") or 0.0, n) for n in SECTORS if f"sector_{n}.place" in book]
    if len(gaps) == len(SECTORS) and max(gaps)[0] - min(gaps)[0] >= field.settings.worth_ms:
        _add_first(book, "widest", "widest_sector", max(gaps)[1], "class_gap")
        places = {n: book.value(f"sector_{n}.place") or 0.0 for n in SECTORS}
        closest = min(gaps)[1]
        metric = "strongest_sector" if places[closest] == min(places.values()) else "closest_sector"
        _add_first(book, "closest", metric, closest, "place")


def _share(largest: float, total: float) -> str:
    """What the largest part of the target is called: the whole, most of it, or the largest part."""
    if largest == total:
        return "sole_sector"
    return "most_sector" if 2 * largest > total else "largest_sector"


def _add_first(book: FactBook, name: str, metric: str, sector: int, of: str) -> None:
    fact = book.facts[f"sector_{sector}.{of}"]
    source = Source(table=fact.table, key=fact.key)
    book.add_text(f"{name}.sector", f"sector:{sector}", metric, f"sector {sector}", source)


def _add_uneven_sector(book: FactBook, field: Field, vehicle: str) -> None:
    """The sector that varies most against the field's usual spread, where it is clearly more."""
    ratios = []
    for sector, spreads in field.sector_spreads.items():
        if vehicle in spreads and len(spreads) >= field.settings.ranked_drivers:
            own, laps = spreads[vehicle]
            usual = sorted(spread for spread, _ in spreads.values())[len(spreads) // 2]
            ratios.append((own / max(usual, 1.0), sector, own, laps, usual, len(spreads)))
    if not ratios or max(ratios)[0] < field.settings.uneven_ratio:
        return
    _, sector, own, laps, usual, drivers = max(ratios)
    entity, source = f"sector:{sector}", Source(table="laps", key=vehicle)
    book.add_text("uneven.name", entity, "sector_name", f"sector {sector}", source)
    book.add("uneven.spread", entity, "sector_spread", own, source, n=laps)
    book.add("uneven.usual", entity, "field_spread", usual, Source(table="laps"), n=drivers)


def _add_reference(book: FactBook, field: Field, vehicle: str) -> None:
    """The car whose lap stands on the driver's page as the class best, where the class is furthest away."""
    widest = book.facts.get("widest.sector")
    car = field.reference_car(vehicle, int(widest.entity.removeprefix("sector:"))) if widest else None
    if car is not None:
        source = Source(table="reference_sources", key=f"{vehicle}/class_best")
        book.add_text("trace.car", f"car:{car}", "traced_car", field.full_labels[car], source)


def _aim(book: FactBook, name: str, common_share: float, *, is_drawn: bool) -> str:
    """How to get what the target asks for in a sector: on most laps it is there already; the lap that showed it was
    driven alone, and the next sector paid for it, or its trace can be drawn or not; it had a car ahead, and a lap
    driven alone did as well, or nearly, or none did."""
    reached = book.facts[f"{name}.reached"]
    if (reached.value or 0.0) > common_share * (reached.n or 0):
        return JOIN_RULE
    if f"{name}.tow" not in book:
        if f"{name}.cost" in book:
            return SPENT_RULE
        return TRACE_RULE if is_drawn else SECTOR_RULE
    free = book.value(f"{name}.free")
    if free is None:
        return TOW_RULE
    return FREE_RULE if free <= (book.value(f"{name}.goal") or 0.0) else TOP_RULE


def _rules(book: FactBook, field: Field, *, is_drawn: bool) -> dict[str, str]:
    """Sectors worth aiming at, the one worth a comparison, the uneven one: what is to be had there can be aimed at."""
    worth, common_share = field.settings.worth_ms, field.settings.common_share
    rules = {
        f"sector_{sector}:{_aim(book, f'sector_{sector}', common_share, is_drawn=is_drawn)}": f"sector:{sector}"
        for sector in SECTORS
        if (book.value(f"sector_{sector}.gain") or 0.0) >= worth
    }
    widest, uneven = book.facts.get("widest.sector"), book.facts.get("uneven.name")
    if widest is not None and (book.value(f"{widest.entity.replace(':', '_')}.class_gap") or 0.0) >= worth:
        rule = CLASS_TRACE_RULE if "trace.car" in book else CLASS_RULE
        rules[f"{widest.entity.replace(':', '_')}:{rule}"] = widest.entity
    if uneven is not None:
        rules[f"uneven:{UNEVEN_RULE}"] = uneven.entity
    return rules
