"""Tables -> records of pairs and rankings. A pair is written both ways, so that either address works."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from grx_pipeline.reports.driving_records import ComparedLine, Comparison
from grx_pipeline.reports.narrative_records import CoachText
from grx_pipeline.reports.narratives import SessionTexts
from grx_pipeline.reports.precision import rounded, rounded_series
from grx_pipeline.reports.records import Ranked, Ranking
from grx_pipeline.reports.tables import LapTrace, Row, SessionTables
from grx_pipeline.settings import ReportSettings

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class _Delta:
    distance_m: Array
    delta_ms: Array


def comparisons(
    tables: SessionTables, traces: Mapping[str, list[LapTrace]], texts: SessionTexts, settings: ReportSettings
) -> Iterator[Comparison]:
    """Every pair in the order of the classification, each followed by the same pair the other way round."""
    lines: dict[tuple[str, str], dict[str, list[Row]]] = {}
    for row in tables.rows["comparison_lines"]:
        levels = lines.setdefault((row["vehicle_a"], row["vehicle_b"]), {})
        levels.setdefault(row["level"], []).append(row)
    times = {(trace.vehicle_id, trace.lap_number): trace for of_car in traces.values() for trace in of_car}
    for row in tables.rows["comparisons"]:
        pair = row["vehicle_a"], row["vehicle_b"]
        delta = _delta(times.get((pair[0], row["lap_a"])), times.get((pair[1], row["lap_b"])), settings)
        text = texts.pair(*pair)
        for is_swapped in (False, True):
            yield _comparison(row, lines.get(pair, {}), delta, text, is_swapped=is_swapped)


def _comparison(
    row: Row, lines: Mapping[str, list[Row]], delta: _Delta, text: CoachText | None, *, is_swapped: bool
) -> Comparison:
    a, b = ("b", "a") if is_swapped else ("a", "b")
    sign = -1 if is_swapped else 1
    return Comparison(
        vehicle_a=row[f"vehicle_{a}"],
        vehicle_b=row[f"vehicle_{b}"],
        gap_ms=None if row["gap_ms"] is None else sign * row["gap_ms"],
        best_a=row[f"best_{a}"],
        best_b=row[f"best_{b}"],
        lap_a=row[f"lap_{a}"],
        lap_b=row[f"lap_{b}"],
        trace_gap_ms=None if row["trace_gap_ms"] is None else sign * row["trace_gap_ms"],
        sectors=_compared(lines, "sector", sign),
        corners=_compared(lines, "corner", sign),
        segments=_compared(lines, "segment", sign),
        distance_m=rounded_series(pa.array(delta.distance_m), "m"),
        delta_ms=rounded_series(pa.array(sign * delta.delta_ms), "ms"),
        note=row["note"],
        narrative=text,
    )


def _compared(lines: Mapping[str, list[Row]], level: str, sign: int) -> tuple[ComparedLine, ...]:
    return tuple(
        ComparedLine(
            name=line["name"],
            gap_ms=_signed(line["gap_ms"], sign),
            median_gap_ms=_signed(line["median_gap_ms"], sign),
        )
        for line in lines.get(level, ())
    )


def _signed(value: float | None, sign: int) -> float | None:
    return None if value is None else rounded(sign * value, "ms")


def _delta(of_a: LapTrace | None, of_b: LapTrace | None, settings: ReportSettings) -> _Delta:
    """Delta b - a every few grid points; the last lies before the line. Empty without both traces."""
    if of_a is None or of_b is None:
        return _Delta(distance_m=np.empty(0), delta_ms=np.empty(0))
    time_a, time_b = (trace.columns["time_ms"].to_numpy()[:: settings.delta_points] for trace in (of_a, of_b))
    distance = of_a.columns["distance_m"].to_numpy()[:: settings.delta_points]
    return _Delta(distance_m=distance, delta_ms=time_b - time_a)


def rankings(tables: SessionTables) -> tuple[Ranking, ...]:
    """Every ranking, ordered by category and rank."""
    rows = sorted(tables.rows["rankings"], key=lambda row: (row["category"], row["rank"], row["vehicle_id"]))
    outcome = []
    for category, group in groupby(rows, key=lambda row: row["category"]):
        ranked = list(group)
        unit = ranked[0]["unit"]
        ranks = tuple(
            Ranked(rank=row["rank"], vehicle_id=row["vehicle_id"], value=rounded(row["value"], "") or 0.0)
            for row in ranked
        )
        least, traced = ranked[0]["least_laps"], ranked[0]["least_traced"]
        outcome.append(Ranking(category=category, unit=unit, least_laps=least, least_traced=traced, ranks=ranks))
    return tuple(outcome)
