"""The facts of one driver's race: result, target, sectors, and how even it was. Driving is in facts/driving.py."""

from collections import Counter

from grx_pipeline.formats import counted, lap_time, listed
from grx_pipeline.laps.validity import REASONS
from grx_pipeline.narratives.facts.book import FactBook, Row, Source
from grx_pipeline.narratives.facts.driving import add_driving
from grx_pipeline.narratives.facts.field import SECTORS, Field, near_best
from grx_pipeline.narratives.records import DRIVER, FactSet, Subject

SECTOR_RULE, CLASS_RULE = "sector", "class_sector"
_SHORT_RACE = 0.9  # of the winner's laps: less is a race that ended early
_OUT = {
    "first_lap": "the start",
    "pit_in": "into the pits",
    "pit_out": "out of the pits",
    "full_course_yellow": "yellow",
    "restart": "a restart",
    "off_pace": "off the own pace",
    "missing_sector": "a sector time missing",
    "implausible_sector": "a timing fault",
}


def driver_facts(field: Field, vehicle: str) -> FactSet:
    """Everything that a text about this driver may say, and the rules that hold."""
    book = FactBook()
    rules: dict[str, str] = {}
    _add_result(book, field, vehicle)
    _add_target(book, field, vehicle)
    _add_sectors(book, field, vehicle)
    _add_course(book, field, vehicle)
    rules |= _sector_rules(book, field)
    rules |= add_driving(book, field, vehicle)
    return FactSet(
        subject=Subject(kind=DRIVER, vehicle_id=vehicle),
        session=field.tables.session["session_id"],
        facts=book.facts,
        rules=rules,
        names=field.names,
    )


def _add_result(book: FactBook, field: Field, vehicle: str) -> None:
    driver, statistics = field.tables.row_of("drivers", vehicle), field.tables.row_of("lap_statistics", vehicle)
    of_car, of_laps = Source(table="drivers", key=vehicle), Source(table="lap_statistics", key=vehicle)
    session = field.tables.session
    book.add_text(
        "circuit", "session", "circuit", session["circuit_name"], Source(table="sessions", key=session["session_id"])
    )
    book.add("result.position", "driver", "position", driver["position"], of_car, n=len(field.drivers))
    longest = max(row["laps"] for row in field.drivers)
    if driver["laps"] < longest * _SHORT_RACE:
        book.add("result.completed", "driver", "laps_driven", driver["laps"], of_car, n=longest)
    book.add("best.lap", "driver", "best_lap", statistics.get("best_lap_ms"), of_laps)
    if statistics.get("best_lap_number") is not None:
        lap = statistics["best_lap_number"]
        book.add("best.number", "driver", "best_lap_number", lap, Source(table="laps", key=f"{vehicle}/{lap}"))
    place = field.best_places.get(vehicle)
    if place is None:
        return
    if place.of >= field.settings.ranked_drivers:
        book.add("best.place", "driver", "best_lap_place", place.place, of_laps, n=place.of)
    best = place.best_vehicle
    if best != vehicle:
        other = Source(table="lap_statistics", key=best)
        book.add_text("class.car", f"car:{best}", "driver", field.full_labels[best], Source(table="drivers", key=best))
        book.add("class.lap", f"car:{best}", "class_best", place.best, other)
        book.add("class.gap", "driver", "class_gap", statistics["best_lap_ms"] - place.best, of_laps)


def _add_target(book: FactBook, field: Field, vehicle: str) -> None:
    target, source = field.tables.row_of("siwtl", vehicle), Source(table="siwtl", key=vehicle)
    laps = field.tables.row_of("drivers", vehicle)["laps"]
    book.add("clean.laps", "driver", "clean_laps", target.get("clean_laps"), source, n=laps)
    if not target.get("clean_laps"):
        return
    book.add("clean.best", "driver", "best_clean_lap", target["best_lap_ms"], source)
    book.add("target.lap", "driver", "target", target["siwtl_lap_ms"], source, n=target["clean_laps"])
    book.add("target.gain", "driver", "gain", target["potential_gain_ms"], source, n=target["clean_laps"])
    low, high = target["jackknife_low_ms"], target["jackknife_high_ms"]
    if low is not None and high is not None and low != high:
        book.add_text("target.range", "driver", "target_range", f"{lap_time(low)} and {lap_time(high)}", source)
    if target["confidence"] == "normal":
        book.add("even.score", "driver", "consistency", target["consistency_score"], source, n=target["clean_laps"])
        rank = field.ranks.get(("consistency", vehicle))
        if rank and rank["drivers"] >= field.settings.ranked_drivers:
            key = f"consistency/{vehicle}"
            book.add(
                "even.place",
                "driver",
                "consistency_place",
                rank["rank"],
                Source(table="rankings", key=key),
                n=rank["drivers"],
            )


def _add_sectors(book: FactBook, field: Field, vehicle: str) -> None:
    for row in field.tables.of("siwtl_sectors", vehicle):
        if row["sector_count"] == len(SECTORS):
            _add_sector(book, field, vehicle, row)
    _add_first_sectors(book, field)
    _add_uneven_sector(book, field, vehicle)


def _add_first_sectors(book: FactBook, field: Field) -> None:
    """Which sector holds most of the target, and which is nearest to the class best and which furthest from it."""
    worth = field.settings.worth_ms
    gains = [(book.value(f"sector_{n}.gain") or 0.0, -n) for n in SECTORS if f"sector_{n}.gain" in book]
    if gains and max(gains)[0] > 0:
        _add_first(book, "most", "most_sector", -max(gains)[1], "gain")
    gaps = [(book.value(f"sector_{n}.class_gap") or 0.0, n) for n in SECTORS if f"sector_{n}.place" in book]
    if len(gaps) == len(SECTORS) and max(gaps)[0] - min(gaps)[0] >= worth:
        _add_first(book, "widest", "widest_sector", max(gaps)[1], "class_gap")
        _add_first(book, "closest", "closest_sector", min(gaps)[1], "place")


def _add_first(book: FactBook, name: str, metric: str, sector: int, of: str) -> None:
    fact = book.facts[f"sector_{sector}.{of}"]
    book.add_text(f"{name}.sector", fact.entity, metric, f"sector {sector}", Source(table=fact.table, key=fact.key))


def _add_sector(book: FactBook, field: Field, vehicle: str, row: Row) -> None:
    sector, laps = row["sector"], field.tables.row_of("siwtl", vehicle)["clean_laps"]
    name, entity = f"sector_{sector}", f"sector:{sector}"
    source = Source(table="siwtl_sectors", key=f"{vehicle}/{len(SECTORS)}/{sector}")
    book.add_text(f"{name}.name", entity, "sector_name", f"sector {sector}", source)
    book.add(f"{name}.gain", entity, "sector_gain", row["gain_ms"], source, n=laps)
    book.add(f"{name}.best", entity, "sector_best", row["best_ms"], source, n=laps)
    book.add(f"{name}.goal", entity, "sector_goal", row["in_best_lap_ms"] - row["gain_ms"], source, n=laps)
    donor = Source(table="laps", key=f"{vehicle}/{row['donor_lap']}")
    book.add(f"{name}.donor", entity, "sector_donor", row["donor_lap"], donor)
    book.add(f"{name}.done", entity, "sector_done", row["done_on_laps"], source, n=laps)
    place = field.sector_places[sector].get(vehicle)
    if place and place.of >= field.settings.ranked_drivers:
        of_class = Source(table="lap_statistics", key=vehicle)
        book.add(f"{name}.place", entity, "sector_place", place.place, of_class, n=place.of)
        if row["best_ms"] > place.best:
            book.add(f"{name}.class_gap", entity, "sector_class_gap", row["best_ms"] - place.best, of_class, n=place.of)


def _add_uneven_sector(book: FactBook, field: Field, vehicle: str) -> None:
    """The sector that varies most against the field's usual spread, where it is clearly more."""
    ratios = []
    for sector, spreads in field.sector_spreads.items():
        if vehicle in spreads and len(spreads) >= field.settings.ranked_drivers:
            usual = sorted(spreads.values())[len(spreads) // 2]
            ratios.append((spreads[vehicle] / max(usual, 1.0), sector, spreads[vehicle], usual, len(spreads)))
    if not ratios or max(ratios)[0] < field.settings.uneven_ratio:
        return
    _, sector, own, usual, drivers = max(ratios)
    entity, source = f"sector:{sector}", Source(table="laps", key=vehicle)
    book.add_text("uneven.name", entity, "sector_name", f"sector {sector}", source)
    book.add("uneven.spread", entity, "sector_spread", own, source, n=len(field.clean_laps[vehicle]))
    book.add("uneven.usual", entity, "field_spread", usual, Source(table="laps"), n=drivers)


def _add_course(book: FactBook, field: Field, vehicle: str) -> None:
    laps, source = field.clean_laps.get(vehicle, []), Source(table="laps", key=vehicle)
    if len(laps) >= field.settings.stint_laps:
        near, of = near_best(laps, field.settings)
        book.add("near.laps", "driver", "near_best", near, source, n=of)
    change = field.pace_changes.get(vehicle)
    if change is not None:
        book.add("pace.opening", "driver", "opening_pace", change.opening_ms, source, n=change.laps // 2)
        book.add("pace.closing", "driver", "closing_pace", change.closing_ms, source, n=change.laps // 2)
        if abs(change.change_ms) >= change.floor_ms:
            book.add("pace.change", "driver", "pace_change", change.change_ms, source, n=change.laps)
        else:
            book.add_text("pace.steady", "driver", "steady", "no change that your laps can make sure of", source)
        if field.field_change_ms is not None and abs(field.field_change_ms) >= field.settings.worth_ms:
            cars = len(field.pace_changes)
            book.add("pace.field", "field", "field_change", field.field_change_ms, Source(table="laps"), n=cars)
    out = [lap for lap in field.tables.of("laps", vehicle) if not lap["is_clean"]]
    if out:
        book.add("out.laps", "driver", "laps_out", len(out), source)
        reasons = Counter(reason for lap in out for reason in _telling(lap["reasons"]))
        told = [
            f"{_OUT.get(reason, REASONS[reason].text)} ({counted(count, 'lap')})"
            for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
        ]
        book.add_text("out.reasons", "driver", "out_reasons", listed(told) if told else None, source)


def _telling(reasons: list[str]) -> list[str]:
    """What keeps a lap from being clean; that it was slow only where nothing else says why."""
    against = [reason for reason in reasons if REASONS[reason].excludes != "none"]
    others = [reason for reason in against if reason != "off_pace"]
    return others or against


def _sector_rules(book: FactBook, field: Field) -> dict[str, str]:
    """Sectors worth aiming at, and the one worth a comparison: what is to be had there can be aimed at."""
    worth = field.settings.worth_ms
    rules = {
        f"sector_{sector}:{SECTOR_RULE}": f"sector:{sector}"
        for sector in SECTORS
        if (book.value(f"sector_{sector}.gain") or 0.0) >= worth
    }
    widest = book.facts.get("widest.sector")
    if widest is not None and (book.value(f"{widest.entity.replace(':', '_')}.class_gap") or 0.0) >= worth:
        rules[f"{widest.entity.replace(':', '_')}:{CLASS_RULE}"] = widest.entity
    return rules
