"""The facts of the session as a whole: result, pace, where the field is spread, how the race went, conditions."""

from collections import Counter
from statistics import mean, median

from grx_pipeline.narratives.facts.book import FactBook, Row, Source
from grx_pipeline.narratives.facts.field import SECTORS, Field
from grx_pipeline.narratives.records import FLEET, FactSet, Subject


def fleet_facts(field: Field) -> FactSet:
    """Everything that the text about the session may say."""
    book = FactBook()
    session = field.tables.session
    at = Source(table="sessions", key=session["session_id"])
    book.add_text("circuit", "session", "circuit", session["circuit_name"], at)
    _add_result(book, field)
    _add_pace(book, field)
    _add_course(book, field)
    _add_habits(book, field)
    _add_conditions(book, field)
    return FactSet(
        subject=Subject(kind=FLEET), session=session["session_id"], facts=book.facts, rules={}, names=field.names
    )


def _add_result(book: FactBook, field: Field) -> None:
    figures = {row["figure"]: row for row in field.tables.rows["fleet_statistics"]}
    book.add("cars", "field", "cars", len(field.drivers), Source(table="drivers"))
    winner = next((row for row in field.drivers if row["position"] == 1), None)
    if winner is not None:
        vehicle = winner["vehicle_id"]
        source = Source(table="drivers", key=vehicle)
        book.add_text("winner.car", f"car:{vehicle}", "winner", field.full_labels[vehicle], source)
        second = next((row for row in field.drivers if row["position"] == 2), None)
        if second and winner["laps"] == second["laps"] and winner["total_time_ms"] and second["total_time_ms"]:
            margin = second["total_time_ms"] - winner["total_time_ms"]
            book.add(
                "winner.margin",
                f"car:{vehicle}",
                "winning_margin",
                margin,
                Source(table="drivers", key=second["vehicle_id"]),
            )
    _add_car_figure(book, field, figures.get("best_lap_ms"), "best", label="driver", metric="class_best")
    _add_car_figure(
        book, field, figures.get("largest_potential_gain_ms"), "gainer", label="largest_gainer", metric="largest_gain"
    )
    _add_car_figure(
        book, field, figures.get("best_consistency_score"), "even", label="steadiest", metric="pair_consistency"
    )
    clean = sum(len(laps) for laps in field.clean_laps.values())
    book.add("clean.laps", "field", "field_clean_laps", clean, Source(table="laps"), n=len(field.tables.rows["laps"]))


def _add_car_figure(book: FactBook, field: Field, row: Row | None, name: str, *, label: str, metric: str) -> None:
    if row is None or row["value"] is None or row["vehicle_id"] is None:
        return
    vehicle, source = row["vehicle_id"], Source(table="fleet_statistics", key=row["figure"])
    book.add_text(f"{name}.car", f"car:{vehicle}", label, field.full_labels[vehicle], source)
    book.add(f"{name}.value", f"car:{vehicle}", metric, row["value"], source)


def _add_pace(book: FactBook, field: Field) -> None:
    figure = "median_potential_gain_ms"
    middle = next((row for row in field.tables.rows["fleet_statistics"] if row["figure"] == figure), None)
    drivers = sum(row["potential_gain_ms"] is not None for row in field.tables.rows["siwtl"])
    if middle is not None and drivers >= field.settings.ranked_drivers:
        of_figure = Source(table="fleet_statistics", key=figure)
        book.add("gain.median", "field", "median_gain", middle["value"], of_figure, n=drivers)
    gaps = []
    for sector in SECTORS:
        bests = [row[f"best_sector_{sector}_ms"] for row in field.tables.rows["lap_statistics"]]
        known = [best for best in bests if best is not None]
        if len(known) >= field.settings.ranked_drivers:
            gaps.append((median(known) - min(known), sector, len(known)))
    if len(gaps) == len(SECTORS) and max(gaps)[0] - sorted(gaps)[-2][0] >= field.settings.worth_ms:
        gap, sector, drivers = max(gaps)
        source = Source(table="lap_statistics")
        book.add_text("widest.sector", f"sector:{sector}", "widest_sector", f"sector {sector}", source)
        book.add("widest.gap", f"sector:{sector}", "sector_field_gap", gap, source, n=drivers)


def _add_course(book: FactBook, field: Field) -> None:
    """How the pace of the field went from the opening to the closing part, and of whom it went furthest."""
    source = Source(table="laps")
    change = field.field_change_ms
    if change is not None and abs(change) >= field.settings.worth_ms:
        book.add("pace.field", "field", "field_change", change, source, n=len(field.whole_changes))
    elif change is not None:
        book.add_text("pace.steady", "field", "steady", "no change that is worth a word", source)
    sure = {
        vehicle: pace.change_ms for vehicle, pace in field.whole_changes.items() if abs(pace.change_ms) >= pace.floor_ms
    }
    if change is None or not sure:
        return
    ordered = sorted(sure, key=lambda vehicle: (sure[vehicle], vehicle))
    for name, vehicle, is_told in (
        ("faster", ordered[0], sure[ordered[0]] < 0),
        ("slower", ordered[-1], sure[ordered[-1]] > 0),
    ):
        if is_told:
            of_car = Source(table="laps", key=vehicle)
            book.add_text(f"{name}.car", f"car:{vehicle}", "driver", field.full_labels[vehicle], of_car)
            laps = field.whole_changes[vehicle].laps
            book.add(f"{name}.change", f"car:{vehicle}", "car_pace_change", sure[vehicle], of_car, n=laps)


def _add_habits(book: FactBook, field: Field) -> None:
    tested = [row for row in field.tables.rows["opportunity_drivers"] if row["tested"]]
    cars = len(field.drivers)
    book.add("habits.judged", "field", "drivers_judged", len(tested), Source(table="opportunity_drivers"), n=cars)
    corners = Counter(row["corner_index"] for row in field.tables.rows["opportunities"] if row["rank"] is not None)
    if corners:
        corner, drivers = min(corners.items(), key=lambda item: (-item[1], item[0]))
        if drivers > 1:
            source = Source(table="opportunities")
            book.add_text("shared.corner", f"corner:{corner}", "corner", field.corners[corner], source)
            book.add("shared.drivers", f"corner:{corner}", "told_drivers", drivers, source)


def _add_conditions(book: FactBook, field: Field) -> None:
    phases = field.tables.rows["neutralisations"]
    source = Source(table="neutralisations")
    if phases:
        book.add("yellow.phases", "field", "yellow_phases", len(phases), source)
        least = sum(row["yellow_until_ms"] - row["yellow_from_ms"] for row in phases)
        book.add("yellow.least", "field", "yellow_least", least, source)
        if all(row["green_from_ms"] is not None for row in phases):
            most = sum(row["green_from_ms"] - (row["green_until_ms"] or 0) for row in phases)
            book.add("yellow.most", "field", "yellow_most", most, source)
    weather = field.tables.rows["weather"]
    for column, name in (("air_temp_c", "air"), ("track_temp_c", "track")):
        values = [row[column] for row in weather if row[column] is not None]
        if values:
            book.add(f"{name}.temp", "field", f"{name}_temp", mean(values), Source(table="weather"), n=len(values))
    track = [row["track_temp_c"] for row in weather if row["track_temp_c"] is not None]
    tenth = len(track) // 10
    if tenth:
        change = mean(track[-tenth:]) - mean(track[:tenth])
        if abs(change) >= 1.0:
            book.add("track.change", "field", "temp_change", change, Source(table="weather"), n=len(track))
    traced = [row for row in field.tables.rows["lap_statistics"] if row["telemetry_laps"]]
    book.add(
        "telemetry.cars", "field", "telemetry_cars", len(traced), Source(table="lap_statistics"), n=len(field.drivers)
    )
    laps = sum(row["telemetry_laps"] for row in traced)
    book.add("telemetry.laps", "field", "telemetry_laps", laps, Source(table="lap_statistics"))
