"""How time and memory of the whole pipeline grow with official laps, without telemetry.

Sessions of many cars and very many laps in the raw format; only their size is meant to be like nothing that is raced.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grx_pipeline.benchmarks.workers import describe_machine, run_worker
from grx_pipeline.demo.circuit import build_circuit
from grx_pipeline.demo.race import DemoCar, DemoRace, OfficialLaps
from grx_pipeline.demo.timing_files import analysis_lines
from grx_pipeline.storage.atomic import write_bytes

_SEED = 2025
_START_MS = 1_745_000_000_000
_SECTIONS_MS = np.array([9_000, 21_000, 15_500, 17_000, 15_000, 18_500])
_SPREAD = 0.004
_YELLOW_SHARE, _YELLOW_FACTOR = 0.02, 1.5
# The steps that grow with laps, by what a reader calls them; the others are summed up.
_PARTS = {
    "raw_timing": "reading the timing file",
    "core_laps": "laps, validity",
    "out_siwtl": "targets (SIWTL)",
    "out_statistics": "statistics",
    "out_narratives": "texts",
    "out_reports": "JSON and pages",
}


@dataclass(frozen=True, kw_only=True)
class LapsMeasurement:
    """One size: its official laps, the raw file's bytes, seconds by part, and the process's peak memory."""

    cars: int
    laps: int
    raw_bytes: int
    json_bytes: int
    seconds: dict[str, float]
    total_s: float
    peak_mib: float


def measure_laps(*, cars: int, laps_each: Sequence[int], progress: Callable[[str], None]) -> list[LapsMeasurement]:
    """Run the whole pipeline once on a session of each size, each in a process of its own."""
    measured = []
    for laps in laps_each:
        with tempfile.TemporaryDirectory(prefix="grx-bench-") as scratch:
            progress(f"{cars} cars, {laps:,} laps each")
            raw = Path(scratch) / "raw"
            file = raw / "harrow_gap" / "2025" / "23_AnalysisEnduranceWithSections_Race 1.CSV"
            write_bytes(file, "".join(f"{line}\n" for line in analysis_lines(many_laps(cars, laps))).encode())
            measured.append(_measure(cars, laps, raw, file, Path(scratch) / "run"))
    return measured


def _measure(cars: int, laps: int, raw: Path, file: Path, folder: Path) -> LapsMeasurement:
    folder.mkdir()
    # The pipeline takes lap numbers above 1000 for the logger's 'no lap'.
    (folder / "grx.toml").write_text(f"[laps]\nmax_lap_number = {max(laps, 1000)}\n", encoding="utf-8")
    figures = run_worker("pipeline", raw, folder)
    steps = dict(figures["steps"])
    seconds = {text: steps.pop(name) for name, text in _PARTS.items()}
    return LapsMeasurement(
        cars=cars,
        laps=cars * laps,
        raw_bytes=file.stat().st_size,
        json_bytes=sum(path.stat().st_size for path in (folder / "reports" / ".builds").rglob("laps/*.json")),
        seconds=seconds | {"every other step": sum(steps.values())},
        total_s=float(figures["total_s"]),
        peak_mib=float(figures["peak_mib"]),
    )


def many_laps(cars: int, laps: int) -> DemoRace:
    """A race of `cars` cars over `laps` laps each: sections scatter, every fiftieth lap or so is under yellow."""
    rng = np.random.default_rng(_SEED)
    return DemoRace(
        circuit=build_circuit(),
        session="harrow_gap-2025-r1",
        event="bench",
        race=1,
        start_ms=_START_MS,
        utc_offset_ms=0,
        cars=tuple(_car(number, laps, rng) for number in range(1, cars + 1)),
        yellow_phases_s=(),
        faults=(),
        air_temp_c=20.0,
        track_temp_c=30.0,
    )


def _car(number: int, laps: int, rng: np.random.Generator) -> DemoCar:
    pace = 1 + _SPREAD * number / 10
    sections = _SECTIONS_MS * pace * (1 + np.abs(rng.normal(0, _SPREAD, (laps, _SECTIONS_MS.size))))
    is_yellow = rng.random(laps) < _YELLOW_SHARE
    whole = np.rint(np.where(is_yellow[:, None], _YELLOW_FACTOR * sections, sections)).astype(np.int64)
    lap_ms = whole.sum(axis=1)
    return DemoCar(
        number=str(number),
        logger_id=None,
        driver=f"Driver {number}",
        team="",
        status="Classified",
        channels=None,
        laps=OfficialLaps(
            lap_number=np.arange(1, laps + 1),
            lap_time_ms=lap_ms,
            sections_ms=whole,
            finished_at_ms=_START_MS + lap_ms.cumsum(),
            flag=(*("FCY" if yellow else "GF" for yellow in is_yellow[:-1]), "FF"),
            is_pit_in=np.zeros(laps, dtype=np.bool_),
            pit_time_ms=np.zeros(laps, dtype=np.int64),
            top_speed_kmh=np.full(laps, 200.0),
        ),
    )


def growth_exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """b of value = a x size^b, by least squares over the logarithms: 1 is linear."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def render_laps(measured: Sequence[LapsMeasurement]) -> str:
    """The measurements as Markdown: a column a size, and the exponent of each row's growth."""
    sizes = [one.laps for one in measured]
    rows: dict[str, list[float]] = {
        "timing file, MB": [one.raw_bytes / 1e6 for one in measured],
        "JSON of laps, MB": [one.json_bytes / 1e6 for one in measured],
        **{f"{name}, s": [one.seconds[name] for one in measured] for name in measured[0].seconds},
        "whole run from its start to every page, s": [one.total_s for one in measured],
        "peak memory, MiB": [one.peak_mib for one in measured],
    }
    lines = [
        f"| {name} | {' | '.join(f'{value:,.2f}' for value in values)} | {growth_exponent(sizes, values):.2f} |"
        for name, values in rows.items()
    ]
    return "\n".join(
        [
            "# A million official laps",
            "",
            f"{describe_machine()}. {measured[0].cars} cars without telemetry, one run of each size in a process of its"
            " own. The exponent is b of laps^b: 1 is linear, less is better.",
            "",
            f"| official laps | {' | '.join(f'{size:,}' for size in sizes)} | exponent |",
            f"|---|{'---:|' * (len(sizes) + 1)}",
            *lines,
            "",
        ]
    )
