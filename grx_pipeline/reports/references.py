"""Tables -> records of the laps that a driver is compared with, and of estimated laps."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from grx_pipeline.methods.references.choice import CLASS_BEST, ESTIMATE, MEDIAN, OWN_BEST, TARGET
from grx_pipeline.methods.references.stitching import CHANNELS, Trace, stretch
from grx_pipeline.reports.precision import rounded, rounded_series, whole_series
from grx_pipeline.reports.records import Telemetry
from grx_pipeline.reports.reference_records import Reference, References, ReferenceSource, ReferenceTrace
from grx_pipeline.reports.tables import Row, SessionTables
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import ReportSettings

ORDER = (OWN_BEST, CLASS_BEST, TARGET, MEDIAN, ESTIMATE)
_UNITS = {column.name: column.unit for column in TABLES["reference_traces"].columns}
_SECTORS = ("sector_1_ms", "sector_2_ms", "sector_3_ms")


@dataclass(frozen=True, kw_only=True)
class MadeLaps:
    """The tables' references by vehicle. `edges_m` are the ends of the sectors from 0, None where not known."""

    laps: Mapping[str, list[Row]]
    sources: Mapping[str, list[Row]]
    traces: Mapping[str, Mapping[str, pa.Table]]
    edges_m: npt.NDArray[np.float64] | None
    estimate_points: int

    @classmethod
    def of(cls, tables: SessionTables, settings: ReportSettings) -> "MadeLaps":
        traces: dict[str, dict[str, pa.Table]] = {}
        for vehicle, reference, columns in tables.reference_traces():
            traces.setdefault(vehicle, {})[reference] = columns
        return cls(
            laps=tables.by_vehicle("reference_laps"),
            sources=tables.by_vehicle("reference_sources"),
            traces=traces,
            edges_m=_sector_edges(tables),
            estimate_points=settings.estimate_points,
        )

    def references(self, vehicle_id: str) -> References:
        """The references of one driver; none where the step that makes them has not run."""
        rows = {row["reference"]: row for row in self.laps.get(vehicle_id, [])}
        sources, traces = self.sources.get(vehicle_id, []), self.traces.get(vehicle_id, {})
        return References(
            vehicle_id=vehicle_id,
            references=tuple(
                Reference(
                    reference=name,
                    lap_time_ms=rows[name]["lap_time_ms"],
                    text=rows[name]["text"],
                    reason=rows[name]["reason"],
                    sources=tuple(_source(row) for row in sources if row["reference"] == name),
                    trace=_trace_record(traces[name]) if name in traces and name != ESTIMATE else None,
                )
                for name in ORDER
                if name in rows
            ),
        )

    def estimates(self, vehicle_id: str, laps: Iterable[Row], measured: Iterable[int]) -> tuple[Telemetry, ...]:
        """Clean laps without a trace, estimated; see the reference of that name for how, or why there are none."""
        base = next((row for row in self.laps.get(vehicle_id, []) if row["reference"] == ESTIMATE), None)
        columns = self.traces.get(vehicle_id, {}).get(ESTIMATE)
        if base is None or columns is None or self.edges_m is None:
            return ()
        has_trace = set(measured)
        wanted = [row for row in laps if row["is_clean"] and row["lap_number"] not in has_trace]
        return tuple(self._stretched(vehicle_id, wanted, base, columns))

    def _stretched(self, vehicle_id: str, laps: Iterable[Row], base: Row, columns: pa.Table) -> Iterator[Telemetry]:
        """Every estimate_points-th grid point; pedals and hands are those of the laps the base rests on."""
        distance = columns["distance_m"].to_numpy()
        trace = Trace(
            lap_time_ms=base["lap_time_ms"],
            time_ms=columns["time_ms"].to_numpy(),
            channels={name: columns[name].to_numpy() for name in CHANNELS},
        )
        shown = slice(None, None, self.estimate_points)
        for row in laps:
            sectors = [row[name] for name in _SECTORS]
            if None in sectors or self.edges_m is None:
                continue
            lap = stretch(trace, sectors, distance_m=distance, edges_m=self.edges_m)
            yield Telemetry(
                vehicle_id=vehicle_id,
                lap_number=row["lap_number"],
                source="estimate",
                synthetic=True,
                note=f"Estimated, not measured. {base['text']}",
                throttle_channel=None,
                distance_m=rounded_series(pa.array(distance[shown]), "m"),
                time_ms=whole_series(pa.array(lap.time_ms[shown])),
                **{name: rounded_series(pa.array(lap.channels[name][shown]), _UNITS[name]) for name in CHANNELS},
                features={},
            )


def _source(row: Row) -> ReferenceSource:
    return ReferenceSource(
        vehicle_id=row["source_vehicle_id"],
        lap_number=row["lap_number"],
        sector=row["sector"],
        weight=rounded(row["weight"], ""),
    )


def _trace_record(columns: pa.Table) -> ReferenceTrace:
    chunks = {name: columns[name].combine_chunks() for name in ReferenceTrace.__annotations__}
    return ReferenceTrace(
        **{
            name: whole_series(values) if name == "time_ms" else rounded_series(values, _UNITS[name])
            for name, values in chunks.items()
        }
    )


def _sector_edges(tables: SessionTables) -> npt.NDArray[np.float64] | None:
    lines = {row["line"]: row["distance_m"] for row in tables.rows["timing_lines"]}
    if not {"S1", "S2"} <= set(lines):
        return None
    length = tables.session["length_m"]
    # Without a map the end of the lap is only known to lie behind every place of the grid.
    return np.array([0.0, lines["S1"], lines["S2"], np.inf if length is None else length])
