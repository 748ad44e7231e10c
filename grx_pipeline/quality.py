"""Checks on meaning: what a table can say wrongly although its columns, types and keys are as declared.

Plain functions of tables that answer with a sentence a race engineer can read. Running them, and showing the
answers, is the work of defs/checks.py; whether rows fit their declaration is schemas.py's.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from grx_pipeline.formats import counted
from grx_pipeline.ingest.remarks import NO_TELEMETRY, NO_WEATHER, stopped_clocks
from grx_pipeline.laps.validity import sector_sum_error
from grx_pipeline.schemas import Column, Table
from grx_pipeline.settings import QualitySettings
from grx_pipeline.storage.parquet import read_metadata, read_table

Figure = int | float | str
Tables = Mapping[str, pa.Table]

# The channels without which a driver's work cannot be seen, in words; one raw name of each has to be there.
_NEEDED_CHANNELS = {
    "speed": ("speed",),
    "throttle": ("aps", "ath"),
    "front brake pressure": ("pbrake_f",),
    "steering": ("Steering_Angle",),
    "longitudinal acceleration": ("accx_can",),
    "lateral acceleration": ("accy_can",),
    "gear": ("gear",),
    "engine speed": ("nmot",),
}

_WEATHER_READINGS = {
    "air_temp_c": "air temperature",
    "track_temp_c": "track temperature",
    "wind_speed_kmh": "wind speed",
    "is_rain": "rain flag",
}


@dataclass(frozen=True, kw_only=True)
class CheckOutcome:
    """What a check found. A failed check that `is_blocking` stops the run; any other is a warning.

    `offenders` are rows to look at, a few at most, and `offenders_are` says what they are.
    """

    name: str
    passed: bool
    text: str
    figures: Mapping[str, Figure] = field(default_factory=dict)
    is_blocking: bool = False
    offenders: tuple[Mapping[str, Figure], ...] = ()
    offenders_are: str = "rows to look at"


@dataclass(frozen=True, kw_only=True)
class MeaningCheck:
    """One check: what it asks of which step's tables, and whether a failure stops the run.

    Of tables that are only `counted` it is given the first column.
    """

    name: str
    step: str
    text: str
    tables: tuple[str, ...]
    judge: Callable[[Tables, QualitySettings], CheckOutcome]
    is_blocking: bool = False
    counted: tuple[str, ...] = ()


def contract_problems(table: Table, rows: pa.Table) -> list[str]:
    """In words, where `rows` as read back differ from the declaration: columns, types, nulls, minima, keys."""
    declared = table.arrow_schema()
    if rows.schema.names != declared.names:
        return [f"columns are {', '.join(rows.schema.names)}, but declared are {', '.join(declared.names)}"]
    wrong = [name for name in declared.names if rows.schema.field(name).type != declared.field(name).type]
    if wrong:
        return [f"{name} is {rows.schema.field(name).type}, not {declared.field(name).type}" for name in wrong]
    return table.violations(rows)


def file_problems(table: Table, path: Path) -> tuple[int, list[str]]:
    """The rows of a file, and its contract_problems: those of the columns of which its statistics leave doubt.

    Raises ContractError where the file is missing or damaged.
    """
    metadata = read_metadata(path)
    problems = contract_problems(table, metadata.schema.to_arrow_schema().empty_table())
    doubtful = tuple(column for column in table.columns if column.name in table.key or not _is_kept(column, metadata))
    if not problems and doubtful:
        part = replace(table, columns=doubtful)
        problems = part.violations(read_table(path, columns=part.column_names))
    return metadata.num_rows, problems


def _is_kept(column: Column, metadata: pq.FileMetaData) -> bool:
    """Whether the file's statistics alone show that the column keeps its rules on nulls and its minimum."""
    if column.nullable and column.minimum is None:
        return True
    places = {metadata.schema.column(place).path: place for place in range(metadata.num_columns)}
    if column.name not in places:
        return False
    for group in range(metadata.num_row_groups):
        found = metadata.row_group(group).column(places[column.name]).statistics
        if found is None or not found.has_null_count or (found.null_count and not column.nullable):
            return False
        if column.minimum is not None and (not found.has_min_max or found.min < column.minimum):
            return False
    return True


def check_row_accounting(tables: Tables, settings: QualitySettings) -> CheckOutcome:
    """Every raw row is kept, a duplicate, merged or set aside, and the quarantine holds those set aside."""
    account = tables["row_accounting"].to_pandas()
    parts = account[["rows_kept", "exact_duplicates", "rows_merged", "rows_set_aside"]].sum(axis=1)
    open_files = sorted(set(account.loc[account["rows_read"] != parts, "file"]))
    set_aside, quarantined = int(account["rows_set_aside"].sum()), tables["quarantine"].num_rows
    read = int(account["rows_read"].sum())
    if open_files:
        text = f"Rows are unaccounted for in {', '.join(open_files)}."
    elif set_aside != quarantined:
        text = f"Set aside: {counted(set_aside, 'row')}; in the quarantine: {quarantined:,}."
    else:
        text = f"All {read:,} raw rows are accounted for; {set_aside:,} were set aside."
    return CheckOutcome(
        name="rows_accounted_for",
        passed=not open_files and set_aside == quarantined,
        text=text,
        figures={"rows_read": read, "rows_set_aside": set_aside, "rows_in_quarantine": quarantined},
        is_blocking=True,
        offenders=_first(account[account["rows_read"] != parts], settings),
        offenders_are="rows unaccounted for",
    )


def check_channels(tables: Tables, settings: QualitySettings) -> CheckOutcome:
    """Every car with a running clock logged all the channels that the analysis needs."""
    cars = tables["telemetry_vehicles"].to_pandas()
    running = cars[~cars["is_clock_frozen"].astype(bool)]
    missing = {
        car: _missing_channels(names) for car, names in zip(running["vehicle_id"], running["channels"], strict=True)
    }
    lacking = {car: names for car, names in missing.items() if names}
    frozen = sorted(cars.loc[cars["is_clock_frozen"].astype(bool), "vehicle_id"])
    if cars.empty:
        sentences = [NO_TELEMETRY]
    else:
        sentences = [f"{car} has no {', no '.join(names)}." for car, names in sorted(lacking.items())]
        if frozen:
            sentences.append(stopped_clocks(frozen))
    return CheckOutcome(
        name="channels_there",
        passed=not sentences,
        text=" ".join(sentences) or f"Every channel that the analysis needs was logged: {counted(len(cars), 'car')}.",
        figures={"cars": len(cars), "cars_lacking_channels": len(lacking), "cars_with_frozen_clock": len(frozen)},
        offenders=(
            *({"car": car, "what": f"no {', no '.join(names)}"} for car, names in sorted(lacking.items())),
            *({"car": car, "what": "clock stood still"} for car in frozen),
        )[: settings.shown_rows],
        offenders_are="cars to look at",
    )


def _missing_channels(names: Any) -> list[str]:
    have = set(names)
    return [words for words, raw in _NEEDED_CHANNELS.items() if have.isdisjoint(raw)]


def check_weather(tables: Tables, settings: QualitySettings) -> CheckOutcome:
    """The weather station reported, and no reading is missing throughout."""
    weather = tables["weather"].to_pandas()
    silent = [words for column, words in _WEATHER_READINGS.items() if weather[column].isna().all()]
    if weather.empty:
        text = NO_WEATHER
    elif silent:
        text = f"The station gave {counted(len(weather), 'reading')}, but never the {' and the '.join(silent)}."
    else:
        text = f"The station gave {counted(len(weather), 'reading')}."
    return CheckOutcome(
        name="weather_there", passed=not weather.empty and not silent, text=text, figures={"readings": len(weather)}
    )


def check_sector_sums(tables: Tables, settings: QualitySettings) -> CheckOutcome:
    """The official sectors add up to the official lap time, where a lap has them all."""
    laps = tables["laps"].to_pandas()
    sums = laps[["sector_1_ms", "sector_2_ms", "sector_3_ms"]].sum(axis=1, skipna=False)
    differences = sector_sum_error(laps).dropna()
    is_off = differences > settings.sector_sum_tolerance_ms
    off = int(is_off.sum())
    without = len(laps) - len(differences)
    if laps.empty:
        text = "There are no official laps."
    elif off:
        text = f"The sectors of {off} of {counted(len(differences), 'lap')} do not add up to the lap time."
    else:
        text = f"Wherever a lap has all sectors they add up to its time: {counted(len(differences), 'lap')}."
    return CheckOutcome(
        name="sectors_sum_to_lap",
        passed=off == 0 and not laps.empty,
        text=f"{text} Without a sector or a time: {counted(without, 'lap')}." if without else text,
        figures={"laps": len(laps), "laps_off": off, "laps_without_all_sectors": without}
        | ({"largest_difference_ms": int(differences.max())} if len(differences) else {}),
        offenders=_first(
            laps.assign(sum_ms=sums, difference_ms=differences)
            .loc[is_off[is_off].index, ["vehicle_id", "lap_number", "lap_time_ms", "sum_ms", "difference_ms"]]
            .sort_values("difference_ms", ascending=False, kind="stable"),
            settings,
        ),
        offenders_are="laps that do not add up",
    )


def check_result_laps(tables: Tables, settings: QualitySettings) -> CheckOutcome:
    """The timing has as many laps of each car as the result; two cars of one number are counted together."""
    results = tables["results"].to_pandas()
    wanted = results[results["is_used"]].groupby("car_number")["laps"].sum()
    found = tables["drivers"].to_pandas().groupby("car_number")["laps"].sum().reindex(wanted.index, fill_value=0)
    off = pd.DataFrame({"laps_in_result": wanted, "laps_in_timing": found})[found != wanted]
    if off.empty:
        text = f"Every car number has as many laps in the timing as in the result: {counted(len(wanted), 'number')}."
    else:
        text = (
            f"{len(off)} of {counted(len(wanted), 'car number')} {'has' if len(off) == 1 else 'have'} other laps in the"
            " timing than in the result:"
            f" {int(off['laps_in_timing'].sum())} instead of {int(off['laps_in_result'].sum())}."
            " Is the file of laps (23_*) cut short, or of another race?"
        )
    return CheckOutcome(
        name="laps_as_in_the_result",
        passed=off.empty,
        text=text,
        figures={"car_numbers": len(wanted), "car_numbers_off": len(off)},
        offenders=_first(off.reset_index(), settings),
        offenders_are="cars whose laps differ",
    )


def check_crossings(tables: Tables, settings: QualitySettings) -> CheckOutcome:
    """The loggers' line crossings fall on official laps."""
    session, loggers = tables["sessions"].to_pandas(), tables["logger_matches"].to_pandas()
    crossings, matched = int(session["crossings"].sum()), int(session["crossings_matched"].sum())
    share = matched / crossings if crossings else 0.0
    if crossings:
        text = f"On an official lap: {matched} of {counted(crossings, 'logger crossing')} ({share:.1%})."
    else:
        text = "No logger crossing could be compared with an official lap: there are no lap files, or no car matches."
    return CheckOutcome(
        name="crossings_matched",
        passed=share >= settings.min_matched_share,
        text=text,
        figures={"crossings": crossings, "crossings_matched": matched, "matched_share": round(share, 4)},
        offenders=_first(
            loggers.loc[
                loggers["crossings_matched"] < settings.min_matched_share * loggers["crossings"],
                ["logger_id", "car_number", "crossings", "crossings_matched", "reason"],
            ],
            settings,
        ),
        offenders_are="loggers that fit badly",
    )


def check_siwtl(tables: Tables, settings: QualitySettings) -> CheckOutcome:
    """Ideal <= target <= best for every driver, and the gains of the three sectors add up to the driver's."""
    drivers = tables["siwtl"].to_pandas().dropna(subset=["siwtl_lap_ms"])
    outside = drivers[
        (drivers["ideal_lap_ms"] > drivers["siwtl_lap_ms"]) | (drivers["siwtl_lap_ms"] > drivers["best_lap_ms"])
    ]
    sectors = tables["siwtl_sectors"].to_pandas()
    sums = sectors[sectors["sector_count"] == 3].groupby("vehicle_id")["gain_ms"].sum()
    gains = drivers.set_index("vehicle_id")["potential_gain_ms"]
    open_gains = gains[gains != sums.reindex(gains.index)]
    wrong = sorted(set(outside["vehicle_id"]) | set(open_gains.index))
    if wrong:
        text = f"The target of {', '.join(wrong)} is not between ideal and best lap, or its gains do not add up."
    elif drivers.empty:
        text = "No driver has a clean lap, so there is no target."
    else:
        text = f"All {len(drivers)} targets stand between ideal and best lap, and their gains add up."
    return CheckOutcome(
        name="target_between_ideal_and_best",
        passed=not wrong and not drivers.empty,
        text=text,
        figures={"targets": len(drivers), "targets_wrong": len(wrong)},
        is_blocking=bool(wrong),
        offenders=_first(
            drivers.loc[
                drivers["vehicle_id"].isin(wrong),
                ["vehicle_id", "ideal_lap_ms", "siwtl_lap_ms", "best_lap_ms", "potential_gain_ms"],
            ],
            settings,
        ),
        offenders_are="targets that are wrong",
    )


def _first(rows: pd.DataFrame, settings: QualitySettings) -> tuple[Mapping[str, Figure], ...]:
    """The first rows; what is missing is an empty text."""
    records = rows.head(settings.shown_rows).to_dict("records")
    return tuple({str(name): _figure(value) for name, value in record.items()} for record in records)


def _figure(value: Any) -> Figure:
    if pd.isna(value):
        return ""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_ACCOUNT_CHECKS = tuple(
    MeaningCheck(
        name="rows_accounted_for",
        step=step,
        text="read = kept + exact duplicates + merged + set aside, and the quarantine holds what was set aside.",
        tables=("row_accounting", "quarantine"),
        judge=check_row_accounting,
        is_blocking=True,
        counted=("quarantine",),
    )
    for step in ("raw_telemetry", "raw_logger_laps", "raw_timing", "raw_weather")
)

MEANING_CHECKS: tuple[MeaningCheck, ...] = (
    *_ACCOUNT_CHECKS,
    MeaningCheck(
        name="channels_there",
        step="raw_telemetry",
        text="Each car logged speed, throttle, brake, steering, both accelerations, gear and engine speed.",
        tables=("telemetry_vehicles",),
        judge=check_channels,
    ),
    MeaningCheck(
        name="weather_there",
        step="raw_weather",
        text="The weather station reported, without a reading missing throughout.",
        tables=("weather",),
        judge=check_weather,
    ),
    MeaningCheck(
        name="sectors_sum_to_lap",
        step="core_laps",
        text="S1 + S2 + S3 is the official lap time.",
        tables=("laps",),
        judge=check_sector_sums,
    ),
    MeaningCheck(
        name="laps_as_in_the_result",
        step="core_laps",
        text="The timing has as many laps of each car as the result.",
        tables=("drivers", "results"),
        judge=check_result_laps,
    ),
    MeaningCheck(
        name="crossings_matched",
        step="core_laps",
        text="The loggers' line crossings fall on official laps.",
        tables=("sessions", "logger_matches"),
        judge=check_crossings,
    ),
    MeaningCheck(
        name="target_between_ideal_and_best",
        step="out_siwtl",
        text="Ideal lap <= target <= best lap, and the sector gains add up to the potential gain.",
        tables=("siwtl", "siwtl_sectors"),
        judge=check_siwtl,
        is_blocking=True,
    ),
)
