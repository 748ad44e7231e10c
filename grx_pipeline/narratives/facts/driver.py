"""The facts of one driver: result and target here, the others in sectors.py, course.py and driving.py."""

from grx_pipeline.formats import lap_time
from grx_pipeline.narratives.facts.book import FactBook, Source
from grx_pipeline.narratives.facts.course import add_course
from grx_pipeline.narratives.facts.driving import add_driving
from grx_pipeline.narratives.facts.field import Field
from grx_pipeline.narratives.facts.sectors import AIMS, add_sectors
from grx_pipeline.narratives.records import DRIVER, FactSet, Subject

_NO_LAP = "No lap of yours counts as clean, so there is no target."
_ONE_LAP = "Only one lap of yours counts as clean, so there is nothing to make a target of."


def driver_facts(field: Field, vehicle: str) -> FactSet:
    """Everything that a text about this driver may say, and the rules that hold."""
    book = FactBook()
    _add_result(book, field, vehicle)
    _add_target(book, field, vehicle)
    rules = add_sectors(book, field, vehicle) | add_course(book, field, vehicle)
    rules |= add_driving(book, field, vehicle)
    if _is_made_on_a_straight(book, field.settings.flat_share):
        sector = book.facts["most.sector"].entity
        rules = {name: entity for name, entity in rules.items() if entity != sector or name.split(":")[1] not in AIMS}
    return FactSet(
        subject=Subject(kind=DRIVER, vehicle_id=vehicle),
        session=field.tables.session["session_id"],
        facts=book.facts,
        rules=rules,
        names=field.names,
    )


def _is_made_on_a_straight(book: FactBook, flat_share: float) -> bool:
    """Whether that share of what the target asks for in its main sector, or more, is no matter of the pedals there."""
    most = book.facts.get("most.sector")
    asked = book.value(f"{most.entity.replace(':', '_')}.gain") if most else None
    return asked is not None and (book.value("flat.gain") or 0.0) >= flat_share * asked > 0


def _add_result(book: FactBook, field: Field, vehicle: str) -> None:
    driver, statistics = field.tables.row_of("drivers", vehicle), field.tables.row_of("lap_statistics", vehicle)
    of_car, of_laps = Source(table="drivers", key=vehicle), Source(table="lap_statistics", key=vehicle)
    session = field.tables.session
    book.add_text(
        "circuit", "session", "circuit", session["circuit_name"], Source(table="sessions", key=session["session_id"])
    )
    book.add("result.position", "driver", "position", driver["position"], of_car, n=len(field.drivers))
    longest = max(row["laps"] for row in field.drivers)
    if driver["laps"] < longest * field.settings.short_race_share:
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
        book.add("class.gap", f"driver|than:{best}", "class_gap", statistics["best_lap_ms"] - place.best, of_laps)


def _add_target(book: FactBook, field: Field, vehicle: str) -> None:
    target, source = field.tables.row_of("siwtl", vehicle), Source(table="siwtl", key=vehicle)
    laps = field.tables.row_of("drivers", vehicle)["laps"]
    book.add("clean.laps", "driver", "clean_laps", target.get("clean_laps"), source, n=laps)
    if not target.get("clean_laps"):
        book.add_text("target.none", "driver", "note", _NO_LAP, source)
        return
    book.add("clean.best", "driver", "best_clean_lap", target["best_lap_ms"], source)
    if target["clean_laps"] == 1:
        book.add_text("target.none", "driver", "note", _ONE_LAP, source)
        return
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
