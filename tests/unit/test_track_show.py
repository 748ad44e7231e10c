"""What `grx track show` says and draws, on a small lake made by hand."""

import tomllib
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner

from grx_pipeline.cli import grx
from grx_pipeline.errors import InputError
from grx_pipeline.paths import Paths
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import Settings
from grx_pipeline.storage.parquet import write_table
from grx_pipeline.track.circuits import circuit_of
from grx_pipeline.track.show import corner_rows, detected_table, drawing, line_rows, summary, view_circuit

LENGTH_M = 1000.0
SVG = "{http://www.w3.org/2000/svg}"


def settings_of(folder: Path) -> Settings:
    return Settings(data_dir=folder / "data", reports_dir=folder / "reports")


def add_session(folder: Path, session: str, *, laps: int = 8) -> None:
    """A session on a round circuit to the left whose one corner is detected; without laps there is no line."""
    paths = Paths.of(settings_of(folder))
    distance = np.arange(0.0, LENGTH_M, 2.0)
    turned = 2 * np.pi * distance / LENGTH_M
    corner = {
        **{"corner_index": 1, "corner": "T1", "name": "Loop <1>", "direction": "left", "radius_m": 120.0},
        **{"start_m": 300.0, "apex_m": 412.0, "end_m": 500.0, "turn_deg": 90.0, "apex_spread_m": 4.0},
        **{"apex_share": 0.95, "brake_onset_m": 250.0, "is_verified": False, "source": "detected"},
    }
    source = {"source": "inertial", "is_used": True, "is_approximate": True, "laps": laps}
    lines = {"S1": (400.0, 380.0), "S2": (700.0, 690.0)}
    rows: dict[str, list[dict[str, object]]] = {
        "sessions": [{"session": session, "circuit": session.rsplit("-", 2)[0], "length_m": LENGTH_M, "year": "2025"}],
        "lap_distances": [],
        "track_sources": [source][:laps],
        "corners": [corner][:laps],
        "timing_lines": [
            {"line": name, "distance_m": place, "spread_m": 1.2, "laps": laps, "is_anchor": True, "map_m": on_map}
            for name, (place, on_map) in lines.items()
        ],
        "track_line": [
            {
                "distance_m": s,
                "x_m": 200 * np.sin(a),
                "y_m": 200 - 200 * np.cos(a),
                "speed_kmh": 140 + abs(s - 412) / 10,
            }
            | {"curvature_per_m": 1 / 120 if 300 <= s <= 500 else 1 / 600}
            for s, a in zip(distance, turned, strict=True)
        ][: laps * distance.size],
    }
    for name, table_rows in rows.items():
        schema = TABLES[name].arrow_schema()
        filled = [
            {c.name: row.get(c.name, _default(c.type, nullable=c.nullable)) for c in TABLES[name].columns}
            for row in table_rows
        ]
        write_table(pa.Table.from_pylist(filled, schema=schema), paths.table(session, name), TABLES[name])


def _default(kind: str, *, nullable: bool) -> object:
    if nullable:
        return None
    return {"VARCHAR": "", "BOOLEAN": False, "VARCHAR[]": []}.get(kind, 1)


def test_a_circuit_is_shown_as_its_session_with_most_laps_drove_it(tmp_path: Path) -> None:
    add_session(tmp_path, "test-ring-2025-r1", laps=3)
    add_session(tmp_path, "test-ring-2025-r2", laps=9)
    view = view_circuit("test-ring", settings_of(tmp_path))
    assert view.session == "test-ring-2025-r2"
    assert summary(view) == (
        "Test Ring, 1000.0 m",
        "Corners: detected and numbered as they come, not verified.",
        "Session test-ring-2025-r2: inertial line of 9 laps, approximate.",
    )
    assert view_circuit("test-ring-2025-r1", settings_of(tmp_path)).session == "test-ring-2025-r1"


def test_corners_and_lines_are_rows_with_a_warning_where_the_map_is_off(tmp_path: Path) -> None:
    add_session(tmp_path, "test-ring-2025-r1")
    settings = settings_of(tmp_path)
    view = view_circuit("test-ring-2025-r1", settings)
    assert corner_rows(view) == [("T1", "Loop <1>", "left", "300", "412", "500", "120", "95%", "250", "")]
    assert line_rows(view, settings) == [
        ("S1", "400.0", "1.2", "380.0", "warning: the map has it 20 m earlier"),
        ("S2", "700.0", "1.2", "690.0", ""),
    ]


def test_the_drawing_is_svg_with_every_corner_and_timing_line(tmp_path: Path) -> None:
    add_session(tmp_path, "test-ring-2025-r1")
    document = drawing(view_circuit("test-ring", settings_of(tmp_path)))
    root = ElementTree.fromstring(document)  # noqa: S314 - our own text
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert texts.count("T1") == 2, "on the plan and over the speed"
    assert {"S/F", "S1", "S2", "500 m"} <= set(texts)
    numbers = [
        float(v) for path in root.iter(f"{SVG}path") for v in path.attrib["d"].strip("MZ").replace(",", " ").split()
    ]
    assert np.isfinite(numbers).all()
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    assert 0 <= min(numbers) <= max(numbers) <= max(width, height)


def test_detected_corners_are_a_table_that_can_be_pasted(tmp_path: Path) -> None:
    add_session(tmp_path, "test-ring-2025-r1")
    settings = settings_of(tmp_path)
    table = tomllib.loads(detected_table(view_circuit("test-ring", settings), settings))["corner_table"]
    (corner,) = table.pop("corners")
    assert table == {"version": 1, "verified": False}
    assert corner == {"number": "T1", "direction": "left", "start_m": 300, "apex_m": 412, "end_m": 500}


def test_a_circuit_without_a_session_is_its_table(tmp_path: Path) -> None:
    view = view_circuit("Sonoma", settings_of(tmp_path))
    table = circuit_of("sonoma").corner_table
    assert table is not None
    assert [row[0] for row in corner_rows(view)] == [c.corner for c in table.corners]
    assert summary(view)[1] == "Corners: table version 1, verified against the official map."
    with pytest.raises(InputError, match="no line to draw"):
        drawing(view)
    with pytest.raises(InputError, match="nothing to detect"):
        detected_table(view, settings_of(tmp_path))


def test_a_circuit_without_anything_says_so(tmp_path: Path) -> None:
    assert summary(view_circuit("vir", settings_of(tmp_path)))[1:] == (
        "No corners are known.",
        "No session of it has been run: there is no line, and no figure of the field.",
    )


def test_a_session_without_telemetry_says_so(tmp_path: Path) -> None:
    add_session(tmp_path, "test-ring-2025-r1", laps=0)
    view = view_circuit("test-ring-2025-r1", settings_of(tmp_path))
    assert summary(view)[2] == "Session test-ring-2025-r1: no lap with telemetry."
    with pytest.raises(InputError, match="no line to draw"):
        drawing(view)


@pytest.mark.parametrize("target", ["nowhere", "barber-2025-r1"])
def test_what_is_not_there_is_an_error_with_a_way_out(tmp_path: Path, target: str) -> None:
    with pytest.raises(InputError, match=f"{target}: no circuit, and no session that was run; circuits are barber, "):
        view_circuit(target, settings_of(tmp_path))


def test_the_program_prints_draws_and_gives_the_table(tmp_path: Path) -> None:
    add_session(tmp_path, "test-ring-2025-r1")
    folders = ["--data", str(tmp_path / "data"), "--reports", str(tmp_path / "reports")]
    svg = tmp_path / "ring.svg"
    shown = CliRunner().invoke(grx, ["track", "show", "test-ring", "--svg", str(svg), *folders])
    assert shown.exit_code == 0, shown.output
    assert "Loop <1>" in shown.output
    assert "warning: the map has it 20 m earlier" in shown.output
    assert svg.read_text().startswith("<svg")
    table = CliRunner().invoke(grx, ["track", "show", "test-ring", "--toml", *folders])
    assert tomllib.loads(table.stdout)["corner_table"]["corners"][0]["number"] == "T1"
