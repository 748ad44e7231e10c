"""Data quality in sentences: what a session and a car have, what is missing, what was corrected.

Each sentence is computed from the tables; no page puts one together itself.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from grx_pipeline.ingest.manifest import RAW_KINDS
from grx_pipeline.reports.formats import counted, listed, number, percent, sector_time
from grx_pipeline.reports.tables import Row, SessionTables
from grx_pipeline.settings import FeatureSettings

_THROTTLE = {
    "aps": "Throttle is the accelerator pedal (aps).",
    "ath": "Throttle is the throttle blade (ath): the car logs no pedal, and the blade also moves at gear changes.",
}
_OFFSET_SOURCES = {
    "circuit": "the circuit's time zone",
    "crossings": "the logger's crossings",
}
_MISSING_EFFECT = {
    "telemetry": "no traces and no telemetry features",
    "analysis": "no official laps",
    "results": "no finishing order",
    "weather": "no temperatures, wind or rain",
    "lap_end": "loggers can only be matched to cars where another lap file is there",
}
_SET_ASIDE = {
    "bad_json": "the list of values cannot be read",
    "bad_quotes": "a quote inside a field, or one that never closes",
    "frozen_clock": "the logger's clock stood still",
    "missing_value": "a field that has to be there is empty",
    "no_number": "the value is no number",
    "no_receipt_time": "no time of receipt",
    "no_timestamp": "no time stamp",
    "no_vehicle": "no vehicle is named",
    "not_utf8": "bytes that are not UTF-8",
    "too_few_fields": "too few fields",
    "too_many_fields": "too many fields",
    "unknown_channel": "a channel that is not known",
    "unreadable_line": "a line that cannot be read",
    "unreadable_value": "a field that has to be there cannot be read",
}


@dataclass(frozen=True, kw_only=True)
class CarTables:
    """What the tables say of one car's logger and telemetry. `trace_laps` are laps with a trace."""

    driver: Row
    laps: list[Row]
    match: Row | None
    logger: Row | None
    sensors: Row | None
    telemetry_laps: list[Row]
    distances: list[Row]
    trace_laps: tuple[int, ...]


def telemetry_note(car: CarTables) -> str | None:
    """Why the car has no lap with a trace; None where it has one."""
    if car.trace_laps:
        return None
    if not car.driver["has_logger"]:
        return "No logger was matched to this car, so all figures are from the official timing alone."
    if car.logger is None or not car.logger["rows_read"]:
        return "The telemetry files hold no rows of this car."
    if car.sensors is not None and car.sensors["note"]:
        return str(car.sensors["note"])
    return "The telemetry of this car covers no complete lap."


def car_notes(car: CarTables, settings: FeatureSettings, *, far_line: str = "") -> tuple[str, ...]:
    """Sentences on one car's data, the most limiting first; `far_line` is the session's far_line_note or empty."""
    line = (far_line,) if far_line and car.trace_laps else ()
    return (*_coverage_notes(car), *_match_notes(car), *line, *_sensor_notes(car, settings), *_timing_notes(car))


def _coverage_notes(car: CarTables) -> Iterator[str]:
    reason = telemetry_note(car)
    if reason:
        yield reason
    if car.trace_laps:
        yield f"{counted(len(car.trace_laps), 'lap')} of {len(car.laps)} with complete telemetry."
    if car.driver["has_telemetry"]:
        broken: dict[str, list[int]] = {}
        for row in car.telemetry_laps:
            if not row["is_complete"] and row["reason"]:
                broken.setdefault(row["reason"], []).append(row["lap_number"])
        for text, laps in sorted(broken.items(), key=lambda item: (-len(item[1]), item[1])):
            yield f"{_lap_list(laps).capitalize()} left out of telemetry: {text.rstrip('.')}."
        unseen = len(car.laps) - len(car.telemetry_laps)
        if car.trace_laps and unseen:
            yield f"No telemetry at all of {counted(unseen, 'more lap' if broken else 'other lap')}."
    untrusted = [row["lap_number"] for row in car.distances if not row["is_trusted"]]
    if untrusted:
        yield f"The distance driven does not fit the circuit's length on {_lap_list(untrusted)}."


def _match_notes(car: CarTables) -> Iterator[str]:
    if car.match is None:
        return
    matched, crossings = car.match["crossings_matched"], car.match["crossings"]
    yield (
        f"Logger {car.match['logger_id']}: {matched} of {counted(crossings, 'crossing')} matched to official laps of "
        f"car {car.driver['car_number']}."
    )
    if car.match["reason"]:
        yield f"The match is uncertain: {car.match['reason'].rstrip('.')}."


def _sensor_notes(car: CarTables, settings: FeatureSettings) -> Iterator[str]:
    sensors = car.sensors
    if sensors is None or not car.trace_laps:
        return
    if sensors["throttle_channel"]:
        yield _THROTTLE[sensors["throttle_channel"]]
    if sensors["note"]:
        yield str(sensors["note"])
    if -1 in (sensors["accel_x_sign"], sensors["accel_y_sign"]):
        yield "The accelerometer is mounted the other way round; its signs were turned."
    if sensors["speed_lag_s"] is not None:
        yield f"Speed lags the accelerometer by {number(sensors['speed_lag_s'], 2)} s; it was moved forward by that."
    if sensors["steering_zero_deg"] is not None:
        yield f"A steering zero of {number(sensors['steering_zero_deg'], 1)}° was taken off."
    if sensors["sample_rate_hz"] is not None and sensors["sample_rate_hz"] < settings.min_rate_hz:
        yield f"The logger runs at {number(sensors['sample_rate_hz'], 1)} Hz only, so counts of events run low."


def _timing_notes(car: CarTables) -> Iterator[str]:
    incomplete = [row["lap_number"] for row in car.laps if "missing_sector" in row["reasons"]]
    if incomplete:
        yield f"The timing has no complete sector times for {_lap_list(incomplete)}."
    contradicted = [row["lap_number"] for row in car.laps if "sectors_off_lap_time" in row["reasons"]]
    if contradicted:
        yield f"The timing's sectors do not add up to its lap time on {_lap_list(contradicted)}, so neither is trusted."


def session_notes(tables: SessionTables, missing_kinds: Iterable[str], *, far_line_s: float) -> tuple[str, ...]:
    """Sentences on the session's data: rows, files, loggers, clocks, weather.

    Loggers that cross more than `far_line_s` off the timing have a line of their own.
    """
    return (
        *_row_notes(tables),
        *_file_notes(missing_kinds),
        *_logger_notes(tables),
        *_clock_notes(tables, far_line_s),
        *_weather_notes(tables.rows["weather"]),
    )


def _row_notes(tables: SessionTables) -> Iterator[str]:
    telemetry = [row for row in tables.file_rows if row["kind"].startswith("telemetry")]
    others = [row for row in tables.file_rows if not row["kind"].startswith("telemetry")]
    if telemetry:
        yield f"Telemetry: {_account(telemetry)}."
    if others:
        yield f"{counted(len(others), 'other file')}: {_account(others)}."
    for row in tables.set_aside:
        reason = _SET_ASIDE.get(row["reason"], row["reason"].replace("_", " "))
        yield f"{counted(row['rows'], 'row')} set aside in {_file_kind(row['kind'])}: {reason}."


def _account(rows: Iterable[Row]) -> str:
    rows = list(rows)
    total = {name: sum(row[name] for row in rows) for name in ("rows_read", "rows_kept", "rows_set_aside")}
    text = f"{counted(total['rows_read'], 'row')} read, {number(total['rows_kept'])} kept"
    duplicates, merged = (sum(row[name] for row in rows) for name in ("exact_duplicates", "rows_merged"))
    if duplicates:
        text += f", {counted(duplicates, 'exact duplicate')}"
    if merged:
        text += f", {number(merged)} merged as collapsed ticks"
    return f"{text}, {number(total['rows_set_aside'])} set aside"


def _file_notes(missing_kinds: Iterable[str]) -> Iterator[str]:
    for kind in missing_kinds:
        effect = _MISSING_EFFECT.get(kind)
        yield f"No file of {_file_kind(kind)}{f': {effect}' if effect else ''}."


def _file_kind(kind: str) -> str:
    """What the kind of file holds, without the names and forms in brackets or after a comma."""
    return RAW_KINDS[kind].partition(" (")[0].partition(",")[0]


def _logger_notes(tables: SessionTables) -> Iterator[str]:
    matches, session = tables.rows["logger_matches"], tables.session
    found = [row for row in matches if row["vehicle_id"] is not None]
    if matches:
        yield f"{len(found)} of {counted(len(matches), 'logger')} matched to a car of the timing."
    if session["crossings"]:
        share = percent(session["crossings_matched"] / session["crossings"])
        yield (
            f"{number(session['crossings_matched'])} of {number(session['crossings'])} logger crossings ({share}) "
            "matched to an official lap."
        )
    doubtful = [row["logger_id"] for row in found if not row["is_reliable"]]
    if doubtful:
        yield f"Uncertain match: {listed(doubtful)}."
    for row in tables.rows["unmatched_loggers"]:
        rows = counted(row["telemetry_rows"], "telemetry row")
        yield f"Logger {row['logger_id']} belongs to no car: {row['reason'].rstrip('.')} ({rows} kept in the lake)."


def is_line_far(bias_ms: int | None, far_line_s: float) -> bool:
    """Whether loggers change lap so long after or before the official crossing that it is at another place."""
    return bias_ms is not None and abs(bias_ms) > far_line_s * 1000


def far_line_note(bias_ms: int) -> str:
    """From where a trace's metres count, for loggers with a line of their own."""
    when, where = ("after", "past") if bias_ms >= 0 else ("before", "ahead of")
    return (
        f"The loggers change lap some way {where} the finish line, at the median {sector_time(abs(bias_ms))} s {when} "
        "the official crossing. Laps, sectors and metres of the traces count from there, official times from the "
        "finish line."
    )


def _clock_notes(tables: SessionTables, far_line_s: float) -> Iterator[str]:
    source = _OFFSET_SOURCES.get(tables.session["utc_offset_source"])
    if source:
        yield f"The timing's local time was set to UTC by {source}."
    else:
        yield "The timing's local time could not be set to UTC, so telemetry cannot be laid over the laps."
    bias = tables.session["logger_bias_ms"]
    if bias is not None:
        yield f"Logger crossings come {sector_time(abs(bias))} s {'after' if bias >= 0 else 'before'} the timing's."
        if is_line_far(bias, far_line_s):
            yield far_line_note(bias)
    frozen = [row["vehicle_id"] for row in tables.rows["telemetry_vehicles"] if row["is_clock_frozen"]]
    if frozen:
        yield f"The clock of {listed(frozen)} stood still; nothing that needs time was computed from it."


def _weather_notes(weather: list[Row]) -> Iterator[str]:
    if weather and all(row["track_temp_c"] is None for row in weather):
        yield "The weather station gave no track temperature."


def _lap_list(laps: list[int]) -> str:
    return f"{'lap' if len(laps) == 1 else 'laps'} {listed([str(lap) for lap in laps])}"
