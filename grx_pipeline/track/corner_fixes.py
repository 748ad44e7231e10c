"""What a team corrects of a circuit's corners for one session: fixes in, corners as they then are out.

The words are those of the corner tables (circuits.py), so that what proves right can be moved there. Reading
session.toml does not belong here (ingest/session_file.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from grx_pipeline.errors import InputError
from grx_pipeline.track.circuits import Corner, corner_problems

# What a fix may change of a corner; one that has all but the name is a corner of its own.
PLACES = ("direction", "start_m", "apex_m", "end_m")


@dataclass(frozen=True, kw_only=True)
class CornerFix:
    """One `[[corners]]` of session.toml, in its `line`: what is not None is changed.

    `corner` is the number it has. Of `merge`, corners in lap order, it is the number that they have as one: from the
    first one's start to the last one's end, with the first one's apex and direction.
    """

    line: int
    corner: str
    renumber: str | None = None
    name: str | None = None
    direction: str | None = None
    start_m: float | None = None
    apex_m: float | None = None
    end_m: float | None = None
    merge: tuple[str, ...] = ()
    is_removed: bool = False

    @property
    def result(self) -> str:
        """The number of the corner when it is fixed."""
        return self.renumber or self.corner

    @property
    def is_whole(self) -> bool:
        """Whether it says all that a corner needs."""
        return all(getattr(self, name) is not None for name in PLACES)


def fix_corners(corners: Sequence[Corner], fixes: Sequence[CornerFix], length_m: float) -> tuple[Corner, ...]:
    """The corners in lap order with every fix made. All fixes speak of the corners as they were before any.

    Raises InputError for a fix of no corner, for two fixes of one, and where the outcome is no table of corners.
    """
    known = {corner.corner: corner for corner in corners}
    touched: dict[str, CornerFix] = {}
    for fix in fixes:
        for number in _numbers_of(fix, known):
            if number in touched:
                lines = f"{touched[number].line} and {fix.line}"
                raise InputError(f"session.toml lines {lines}: both correct {number}; leave one of them")
            touched[number] = fix
    kept = [corner for number, corner in known.items() if number not in touched]
    made = [_fixed(fix, known) for fix in fixes if not fix.is_removed]
    outcome = tuple(sorted([*kept, *made], key=lambda corner: corner.apex_m))
    problems = corner_problems(outcome, length_m)
    if problems:
        lines = ", ".join(str(fix.line) for fix in fixes)
        told = "; ".join(problems)
        raise InputError(f"session.toml line {lines}: [[corners]]: {told}; without it they are {_now(corners)}")
    return outcome


def _numbers_of(fix: CornerFix, known: Mapping[str, Corner]) -> tuple[str, ...]:
    """The corners that a fix is about; none for a new one."""
    numbers = fix.merge or (fix.corner,)
    missing = [number for number in numbers if number not in known]
    if not missing:
        return numbers
    if not fix.merge and fix.is_whole and not fix.is_removed and fix.renumber is None:
        return ()
    raise InputError(
        f"session.toml line {fix.line}: no corner {missing[0]}; corners are {', '.join(known) or 'none'}"
        " (a new one takes direction, start_m, apex_m and end_m)"
    )


def _fixed(fix: CornerFix, known: Mapping[str, Corner]) -> Corner:
    changes = {name: getattr(fix, name) for name in ("name", *PLACES) if getattr(fix, name) is not None}
    if fix.merge:
        base = replace(known[fix.merge[0]], name=None, end_m=known[fix.merge[-1]].end_m)
    elif fix.corner in known:
        base = known[fix.corner]
    else:
        base = Corner(corner=fix.corner, name=None, direction="", start_m=0.0, apex_m=0.0, end_m=0.0)
    return replace(base, corner=fix.result, **changes)


def _now(corners: Sequence[Corner]) -> str:
    return ", ".join(f"{c.corner} {c.start_m:.0f} to {c.end_m:.0f} m" for c in corners) or "none"
