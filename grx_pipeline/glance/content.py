"""What a glance is made of, and how it is drawn. Small: it stands in the record of every run.

The UI shows a table as it is, and a drawing without a click where its markdown has fewer than 1,000 characters.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import numpy as np
import pandas as pd

Cell = str | int | float
# Columns of a table of the session.
ReadTable = Callable[[str, Sequence[str]], pd.DataFrame]

_WIDTH, _HEIGHT, _EDGE = 300, 180, 14
_BLOCKS = "▏▎▍▌▋▊▉█"
_BAR_BLOCKS = 20
_POINTS = 40
# What need not be encoded between the angle brackets of a markdown link.
_PLAIN = " '=/:,.;()"
_COLOURS = ("#36c", "#c52")


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A small table; numbers are shown with that many decimals."""

    frame: pd.DataFrame
    decimals: int = 3

    def records(self, limit: int) -> list[dict[str, Cell]]:
        """The first rows as cells: what is missing is empty, yes and no are words."""
        rows = self.frame.head(limit).to_dict("records")
        return [{str(name): _cell(value, self.decimals) for name, value in row.items()} for row in rows]


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A drawing as SVG; `text` says in words what it shows."""

    svg: str
    text: str

    @property
    def markdown(self) -> str:
        """The drawing inside a line of markdown, without a file."""
        drawing = quote(self.svg, safe=_PLAIN)
        return f"![{self.text}](<data:image/svg+xml,{drawing}>)"


Glance = Mapping[str, Rows | Plot]


def bars(values: "pd.Series[float]", *, what: str, unit: str, decimals: int = 0) -> Rows:
    """A table of values by name, each with a bar, in the order given."""
    largest = max((abs(float(value)) for value in values), default=0.0) or 1.0
    drawn = [_bar(abs(float(value)) / largest) for value in values]
    names = [str(name) for name in values.index]
    return Rows(frame=pd.DataFrame({what: names, unit: values.to_numpy(), "": drawn}), decimals=decimals)


def lines(series: Mapping[str, Sequence[float]], *, text: str, unit: str) -> Plot:
    """Values one after the other, a line a series, on one scale; missing values are left out."""
    known = [value for values in series.values() for value in values if not pd.isna(value)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    scale = (_HEIGHT / 2 - 2 * _EDGE) / ((high - low) or 1.0)
    parts = []
    for (label, values), colour, place in zip(series.items(), _COLOURS, range(len(_COLOURS)), strict=False):
        chosen = [at for at in _spread(len(values)) if not pd.isna(values[at])]
        step = (_WIDTH - 2) / max(1, len(values) - 1)
        path = " ".join(f"{1 + step * at:.0f},{_EDGE + scale * (high - values[at]):.0f}" for at in chosen)
        parts.append(f"<polyline points='{path}' fill='none' stroke='{colour}'/>")
        parts.append(f"<text x='{60 * place}' y='{_HEIGHT // 2 - 2}' fill='{colour}'>{label}</text>")
    words = f"{low:.1f} to {high:.1f} {unit}"
    parts.append(f"<text x='{60 * len(series)}' y='{_HEIGHT // 2 - 2}'>{words}</text>")
    return Plot(svg=_svg("".join(parts), _HEIGHT // 2), text=text)


def circuit(x_m: Sequence[float], y_m: Sequence[float], marks: Iterable[tuple[str, int]], *, text: str) -> Plot:
    """A closed line seen from above, north up, with short labels at some of its points."""
    left, top = min(x_m), max(y_m)
    scale = min((_WIDTH - 2 * _EDGE) / ((max(x_m) - left) or 1), (_HEIGHT - 2 * _EDGE) / ((top - min(y_m)) or 1))
    points = [
        (round(_EDGE + (x - left) * scale), round(_EDGE + (top - y) * scale)) for x, y in zip(x_m, y_m, strict=True)
    ]
    line = " ".join(f"{points[at][0]},{points[at][1]}" for at in _spread(len(points)))
    # Every letter has a place of its own, so that all labels are one element.
    letters = [
        (letter, points[at][0] + 2 + 6 * n, points[at][1] - 2) for label, at in marks for n, letter in enumerate(label)
    ]
    across, down = (" ".join(str(letter[axis]) for letter in letters) for axis in (1, 2))
    labels = f"<text x='{across}' y='{down}'>{''.join(letter[0] for letter in letters)}</text>"
    return Plot(svg=_svg(f"<polygon points='{line}' fill='none' stroke='#36c'/>{labels}", _HEIGHT), text=text)


def _spread(count: int) -> list[int]:
    """Places over the whole of `count` values, as many as a small drawing takes."""
    return [int(at) for at in np.unique(np.linspace(0, count - 1, min(count, _POINTS)).round())] if count else []


def _bar(share: float) -> str:
    eighths = round(share * _BAR_BLOCKS * 8)
    whole, rest = divmod(eighths, 8)
    return _BLOCKS[-1] * whole + (_BLOCKS[rest - 1] if rest else "")


def _svg(body: str, height: int) -> str:
    size = f"width='{_WIDTH}' height='{height}'"
    return f"<svg xmlns='http://www.w3.org/2000/svg' {size} font-size='10' style='background:#fff'>{body}</svg>"


def _cell(value: object, decimals: int) -> Cell:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "" if pd.isna(value) else int(value) if value.is_integer() else round(value, decimals or None)
    return value if isinstance(value, int) else str(value or "")
