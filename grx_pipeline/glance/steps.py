"""A glance for each step: which of its tables tell soonest whether all is well."""

from collections.abc import Callable

import pandas as pd

from grx_pipeline.formats import lap_time
from grx_pipeline.glance.content import Glance, ReadTable, Rows, bars, circuit, lines

Make = Callable[[ReadTable], Glance]

_COUNTS = ["rows_read", "rows_kept", "exact_duplicates", "rows_merged", "rows_set_aside"]


def glance_at(step: str, read: ReadTable) -> Glance:
    """What to show of a step's tables; nothing for a step that has none."""
    return _MAKERS[step](read) if step in _MAKERS else {}


def _accounting(read: ReadTable) -> Rows:
    account = read("row_accounting", ["file", *_COUNTS])
    return Rows(frame=account.groupby("file", as_index=False)[_COUNTS].sum())


def _raw_telemetry(read: ReadTable) -> Glance:
    cars = read("telemetry_vehicles", ["vehicle_id", "rows_read", "samples", "is_clock_frozen", "channels"])
    cars["clock"] = cars["is_clock_frozen"].map({True: "stood still", False: "runs"})
    cars["channels"] = cars["channels"].map(len)
    return {
        "cars off the logger": Rows(frame=cars[["vehicle_id", "rows_read", "samples", "channels", "clock"]]),
        "row accounting": _accounting(read),
    }


def _raw_files(read: ReadTable) -> Glance:
    return {"row accounting": _accounting(read)}


def _raw_timing(read: ReadTable) -> Glance:
    result = read("results", ["is_used", "position", "car_number", "driver_name", "laps", "fastest_lap_ms", "status"])
    result = result[result["is_used"].astype(bool)].sort_values("position", na_position="last")
    result["fastest_lap"] = _lap_times(result["fastest_lap_ms"])
    columns = ["position", "car_number", "driver_name", "laps", "fastest_lap", "status"]
    return {"result": Rows(frame=result[columns]), "row accounting": _accounting(read)}


def _raw_weather(read: ReadTable) -> Glance:
    names = {"air_temp_c": "air", "track_temp_c": "track"}
    readings = read("weather", ["observed_at_ms", *names]).sort_values("observed_at_ms")
    series = {label: readings[name].tolist() for name, label in names.items()}
    plot = lines(series, text="Air and track temperature through the session", unit="°C")
    return {"temperatures": plot, "row accounting": _accounting(read)}


def _raw_corrections(read: ReadTable) -> Glance:
    return {"corrections": Rows(frame=read("corrections", ["line", "text", "reason"]))}


def _core_laps(read: ReadTable) -> Glance:
    laps = read("laps", ["is_clean", "reasons"])
    reasons = laps["reasons"].explode().dropna().str.replace("_", " ").value_counts()
    counted = pd.concat([pd.Series({"clean": laps["is_clean"].sum()}), reasons])
    matches = read("logger_matches", ["logger_id", "car_number", "crossings", "crossings_matched", "is_reliable"])
    return {
        "clean laps and reasons": bars(counted, what="clean, or what speaks against it", unit="laps"),
        "which logger is which car": Rows(frame=matches),
    }


def _core_telemetry_laps(read: ReadTable) -> Glance:
    laps = read("telemetry_laps", ["vehicle_id", "is_complete"])
    complete = laps.groupby("vehicle_id")["is_complete"].sum()
    clocks = read("clock_pieces", ["vehicle_id", "piece", "offset_ms", "drift_ms_per_hour"])
    return {
        "laps with complete telemetry by car": bars(complete, what="vehicle_id", unit="laps"),
        "clocks and their drift": Rows(frame=clocks, decimals=1),
    }


def _core_traces(read: ReadTable) -> Glance:
    return {"how well distance holds": Rows(frame=read("distance_checks", ["compared", "laps", "median_m", "p95_m"]))}


def _core_track(read: ReadTable) -> Glance:
    line = read("track_line", ["distance_m", "x_m", "y_m"])
    corners = read("corners", ["corner", "name", "apex_m", "radius_m", "is_verified"])
    if line.empty:
        return {"corners by name": Rows(frame=corners, decimals=0)}
    places = line["distance_m"].to_numpy().searchsorted(corners["apex_m"].to_numpy()).clip(max=len(line) - 1)
    marks = zip(corners["corner"].astype(str).str.removeprefix("T"), places.tolist(), strict=True)
    drawing = circuit(line["x_m"].tolist(), line["y_m"].tolist(), marks, text="The circuit as the field drove it")
    return {"circuit": drawing, "corners by name": Rows(frame=corners, decimals=0)}


def _core_corners(read: ReadTable) -> Glance:
    field = read("corner_field", ["vehicle_class", "corner_index", "figure", "drivers", "median"])
    slow = field[field["figure"] == "min_speed_kmh"].sort_values(["vehicle_class", "corner_index"])
    slow = _with_corner(slow, read)
    speeds = slow.set_index(slow["vehicle_class"] + " " + slow["corner"])["median"]
    return {"speed at the slowest point, field's median": bars(speeds, what="corner", unit="km/h")}


def _core_features(read: ReadTable) -> Glance:
    laps = read("telemetry_features", ["vehicle_id", "full_throttle_share", "brake_max_bar", "steering_reversals"])
    drivers = laps.groupby("vehicle_id", as_index=False).median(numeric_only=True)
    drivers.insert(1, "laps", laps.groupby("vehicle_id").size().to_numpy())
    return {"medians by car": Rows(frame=drivers)}


def _core_references(read: ReadTable) -> Glance:
    laps = read("reference_laps", ["reference", "lap_time_ms", "reason"])
    there = laps.assign(there=laps["lap_time_ms"].notna()).groupby("reference")["there"]
    counts = there.agg(["sum", "size"]).rename(columns={"sum": "cars with it", "size": "cars"}).reset_index()
    missing = laps["reason"].dropna().value_counts().rename_axis("reason").reset_index(name="references")
    return {"references of cars": Rows(frame=counts), "why some are missing": Rows(frame=missing)}


def _out_siwtl(read: ReadTable) -> Glance:
    targets = read("siwtl", ["vehicle_id", "best_lap_ms", "siwtl_lap_ms", "potential_gain_ms", "confidence"])
    targets = targets.sort_values("best_lap_ms", na_position="last")
    shown = pd.DataFrame({"vehicle_id": targets["vehicle_id"]})
    shown["best"], shown["target"] = _lap_times(targets["best_lap_ms"]), _lap_times(targets["siwtl_lap_ms"])
    shown["gain_ms"], shown["confidence"] = targets["potential_gain_ms"], targets["confidence"]
    gains = targets.dropna(subset=["potential_gain_ms"]).set_index("vehicle_id")["potential_gain_ms"]
    return {
        "best lap minus target": bars(gains, what="quickest car first", unit="ms"),
        "best and target laps": Rows(frame=shown),
    }


def _out_dptad(read: ReadTable) -> Glance:
    events = read("dptad_events", ["type", "time_lost_ms"])
    counts = events.groupby("type")["time_lost_ms"].agg(["size", "sum"]).sort_values("size", ascending=False)
    counts = counts.reset_index().rename(columns={"type": "kind", "size": "moments", "sum": "time lost [ms]"})
    return {"moments by kind": Rows(frame=counts, decimals=0)}


def _out_ledger(read: ReadTable) -> Glance:
    ledger = read("ledger", ["vehicle_id", "level", "name", "phase", "gain_ms"])
    deepest = ledger[ledger["level"] == "segment"] if (ledger["level"] == "segment").any() else ledger
    largest = deepest.sort_values("gain_ms", ascending=False, kind="stable").head(10)
    return {"largest lines": Rows(frame=largest[["vehicle_id", "name", "phase", "gain_ms"]])}


def _out_statistics(read: ReadTable) -> Glance:
    columns = ["vehicle_id", "laps", "clean_laps", "best_lap_ms", "clean_median_lap_ms", "gap_to_class_best_ms"]
    cars = read("lap_statistics", columns).sort_values("best_lap_ms", na_position="last")
    cars["best"], cars["clean median"] = _lap_times(cars["best_lap_ms"]), _lap_times(cars["clean_median_lap_ms"])
    shown = ["vehicle_id", "laps", "clean_laps", "best", "clean median", "gap_to_class_best_ms"]
    return {"lap times by car": Rows(frame=cars[shown])}


def _out_opportunities(read: ReadTable) -> Glance:
    columns = ["vehicle_id", "corner_index", "phase", "rank", "loss_ms", "laps_with_loss", "laps", "advice"]
    told = read("opportunities", columns)
    told = _with_corner(told[told["rank"].notna()], read).sort_values("loss_ms", ascending=False)
    silent = read("opportunity_drivers", ["vehicle_id", "reason"]).dropna(subset=["reason"])
    return {
        "what drivers are told": Rows(frame=told.drop(columns=["rank", "corner_index"]), decimals=0),
        "told nothing": Rows(frame=silent),
    }


def _out_compare(read: ReadTable) -> Glance:
    first = read("rankings", ["category", "rank", "vehicle_id", "value", "unit", "drivers"])
    first = first[first["rank"] == 1].sort_values("category").drop(columns="rank")
    return {"who leads in what": Rows(frame=first)}


def _out_narratives(read: ReadTable) -> Glance:
    texts = read("narratives", ["kind", "vehicle_id", "other_id", "paragraph", "writer"])
    texts["of"] = texts["vehicle_id"].astype(str) + " " + texts["other_id"].astype(str)
    counts = texts.groupby(["kind", "writer"], as_index=False).agg(texts=("of", "nunique"), sentences=("of", "size"))
    return {"who wrote what": Rows(frame=counts)}


def _with_corner(frame: pd.DataFrame, read: ReadTable) -> pd.DataFrame:
    """The frame with the corners' names in place of where they stand in order."""
    names = read("corners", ["corner_index", "corner"]).set_index("corner_index")["corner"]
    return frame.assign(corner=frame["corner_index"].map(names).astype(str))


def _lap_times(values: "pd.Series[float]") -> list[str]:
    return ["" if pd.isna(value) else lap_time(int(value)) for value in values]


_MAKERS: dict[str, Make] = {
    "raw_telemetry": _raw_telemetry,
    "raw_logger_laps": _raw_files,
    "raw_timing": _raw_timing,
    "raw_weather": _raw_weather,
    "raw_corrections": _raw_corrections,
    "core_laps": _core_laps,
    "core_telemetry_laps": _core_telemetry_laps,
    "core_traces": _core_traces,
    "core_track": _core_track,
    "core_corners": _core_corners,
    "core_features": _core_features,
    "core_references": _core_references,
    "out_siwtl": _out_siwtl,
    "out_dptad": _out_dptad,
    "out_ledger": _out_ledger,
    "out_statistics": _out_statistics,
    "out_opportunities": _out_opportunities,
    "out_compare": _out_compare,
    "out_narratives": _out_narratives,
}
