"""A circuit for a person to read, check and correct: its corners and timing lines, a drawing, a table to paste."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from grx_pipeline.errors import InputError
from grx_pipeline.paths import Paths
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import Settings
from grx_pipeline.storage.parquet import read_frame
from grx_pipeline.track.circuits import Circuit, Corner, circuit_of, known_circuits
from grx_pipeline.track.corners import detect_corners
from grx_pipeline.track.drawing import draw_circuit
from grx_pipeline.track.field import measured_length
from grx_pipeline.track.line import Line

CORNER_COLUMNS = (
    *("corner", "name", "direction", "start m", "apex m", "end m", "radius m"),
    *("slowest within tolerance", "braking from m", "full throttle m"),
)
LINE_COLUMNS = ("line", "measured m", "spread m", "map m", "note")


@dataclass(frozen=True, kw_only=True)
class CircuitView:
    """A circuit as one session's cars drove it, or as its table alone says where no session has been run.

    `session` is None then, and the frames are empty. Frames are the tables of their names, in order.
    """

    circuit: Circuit
    session: str | None
    length_m: float | None
    line: pd.DataFrame
    sources: pd.DataFrame
    corners: pd.DataFrame
    timing_lines: pd.DataFrame


def view_circuit(target: str, settings: Settings) -> CircuitView:
    """The circuit of a session's id, or a circuit by slug, name or alias in its session with most laps.

    Raises InputError where there is neither such a session nor such a circuit.
    """
    paths = Paths.of(settings)
    built = sorted(file.parent.name for file in paths.lake.glob("*/corners.parquet"))
    if target in built:
        return _view(paths, target)
    circuits = {session: _circuit_slug(paths, session) for session in built}
    slug = next((slug for slug in circuits.values() if slug == target), _slug_of(target))
    if slug is None:
        known = sorted({*circuits.values(), *known_circuits()})
        raise InputError(f"{target}: no circuit, and no session that was run; circuits are {', '.join(known)}")
    views = [_view(paths, session) for session, circuit in circuits.items() if circuit == slug]
    return max(views, key=lambda view: _laps(view.sources), default=_unseen(circuit_of(slug)))


def summary(view: CircuitView) -> tuple[str, ...]:
    """What the figures rest on, in sentences."""
    length = f"{view.length_m:.1f} m" if view.length_m else "of unknown length"
    return (f"{view.circuit.name}, {length}", _origin(view), _rests_on(view))


def corner_rows(view: CircuitView) -> list[tuple[str, ...]]:
    """The corners, one row each under CORNER_COLUMNS."""
    return [
        (
            *(str(row["corner"]), _text(row["name"]), str(row["direction"])),
            *(_metres(row[column]) for column in ("start_m", "apex_m", "end_m", "radius_m")),
            f"{row['apex_share']:.0%}" if pd.notna(row["apex_share"]) else "",
            *(_metres(row[column]) for column in ("brake_onset_m", "full_throttle_m")),
        )
        for row in view.corners.to_dict("records")
    ]


def line_rows(view: CircuitView, settings: Settings) -> list[tuple[str, ...]]:
    """The timing lines, one row each under LINE_COLUMNS; a map that is off by more than the tolerance is said."""
    rows: list[tuple[str, ...]] = []
    for row in view.timing_lines.sort_values("distance_m").to_dict("records"):
        off = row["map_m"] - row["distance_m"]
        is_off = abs(off) > settings.track.map_warning_m
        rows.append(
            (
                *(str(row["line"]), f"{row['distance_m']:.1f}", f"{row['spread_m']:.1f}"),
                f"{row['map_m']:.1f}" if pd.notna(row["map_m"]) else "",
                f"warning: the map has it {abs(off):.0f} m {'further on' if off > 0 else 'earlier'}" if is_off else "",
            )
        )
    return rows


def drawing(view: CircuitView) -> str:
    """The SVG of the session's line. Raises InputError where there is no line to draw."""
    if view.line.empty or not view.length_m:
        raise InputError(f"{view.circuit.name}: no line to draw, as no session with telemetry has been run")
    lines = view.timing_lines.set_index("line")["distance_m"]
    title, *notes = summary(view)
    return draw_circuit(
        view.line,
        [_corner(row) for row in view.corners.to_dict("records")],
        {str(name): float(place) for name, place in lines.items()},
        length_m=view.length_m,
        title=title,
        note=" ".join(notes),
    )


def detected_table(view: CircuitView, settings: Settings) -> str:
    """The corners that detection finds, as TOML to paste into the circuit's table and to correct there."""
    if view.line.empty or not view.length_m:
        raise InputError(f"{view.circuit.name}: nothing to detect, as no session with telemetry has been run")
    found = detect_corners(_line(view.line), view.length_m, settings.track)
    rows = [
        f'    {{ number = "{corner.corner}", direction = "{corner.direction}", start_m = {corner.start_m:.0f}, '
        f"apex_m = {corner.apex_m:.0f}, end_m = {corner.end_m:.0f} }},"
        for corner in found
    ]
    origin = f"# Detected in {view.session} and numbered as they come: put in the official numbers."
    return "\n".join(["[corner_table]", origin, "version = 1", "verified = false", "corners = [", *rows, "]", ""])


def _origin(view: CircuitView) -> str:
    if view.corners.empty:
        return "No corners are known."
    if (view.corners["source"] == "detected").all():
        return "Corners: detected and numbered as they come, not verified."
    of_team = int((view.corners["source"] == "team").sum())
    if of_team == len(view.corners):
        return "Corners: the team's, from session.toml."
    others = view.corners[view.corners["source"] != "team"]
    table = view.circuit.corner_table
    version = f" version {table.version}" if table else ""
    origin = f"table{version}" if (others["source"] == "table").all() else "detected"
    is_verified = others["is_verified"].all()
    corrected = f"; {of_team} of the team's, from session.toml" if of_team else ""
    return f"Corners: {origin}, {'' if is_verified else 'not '}verified against the official map{corrected}."


def _rests_on(view: CircuitView) -> str:
    if view.session is None:
        return "No session of it has been run: there is no line, and no figure of the field."
    used = view.sources[view.sources["is_used"]] if len(view.sources) else view.sources
    if used.empty:
        return f"Session {view.session}: no lap with telemetry."
    approximate = ", approximate" if used["is_approximate"].iloc[0] else ""
    return f"Session {view.session}: {used['source'].iloc[0]} line of {_laps(used)} laps{approximate}."


def _circuit_slug(paths: Paths, session: str) -> str:
    return str(read_frame(paths.table(session, "sessions"), columns=["circuit"])["circuit"].iloc[0])


def _slug_of(text: str) -> str | None:
    """The known circuit that `text` is the slug, the name or an alias of."""
    for slug, circuit in known_circuits().items():
        if text.casefold() in (slug, circuit.name.casefold(), *circuit.aliases):
            return slug
    return None


def _view(paths: Paths, session: str) -> CircuitView:
    frames = {
        name: read_frame(paths.table(session, name))
        for name in ("sessions", "track_line", "track_sources", "corners", "timing_lines", "lap_distances")
    }
    length = frames["sessions"]["length_m"].iloc[0]
    distances = frames["lap_distances"]
    if pd.isna(length) and len(distances):
        length = measured_length(distances)
    return CircuitView(
        circuit=circuit_of(_circuit_slug(paths, session)),
        session=session,
        length_m=None if pd.isna(length) else float(length),
        line=frames["track_line"],
        sources=frames["track_sources"],
        corners=frames["corners"],
        timing_lines=frames["timing_lines"],
    )


def _unseen(circuit: Circuit) -> CircuitView:
    table = circuit.corner_table
    columns = TABLES["corners"].column_names
    rows = [
        {**asdict(corner), "is_verified": table.is_verified, "source": "table"}
        for table in ([table] if table else [])
        for corner in table.corners
    ]
    empty = {name: pd.DataFrame(columns=TABLES[name].column_names) for name in ("track_line", "track_sources")}
    return CircuitView(
        circuit=circuit,
        session=None,
        length_m=circuit.length_m,
        line=empty["track_line"],
        sources=empty["track_sources"],
        corners=pd.DataFrame(rows, columns=columns),
        timing_lines=pd.DataFrame(columns=TABLES["timing_lines"].column_names),
    )


def _laps(sources: pd.DataFrame) -> int:
    return int(sources["laps"].max()) if len(sources) else 0


def _corner(row: Mapping[Any, Any]) -> Corner:
    return Corner(
        corner=str(row["corner"]),
        name=None,
        direction=str(row["direction"]),
        start_m=float(row["start_m"]),
        apex_m=float(row["apex_m"]),
        end_m=float(row["end_m"]),
    )


def _line(frame: pd.DataFrame) -> Line:
    columns = {name: frame[name].to_numpy(float) for name in frame.columns}
    return Line(**columns, laps=0, sources=())


def _metres(value: float) -> str:
    return f"{value:.0f}" if pd.notna(value) else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
