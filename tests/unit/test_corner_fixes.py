"""Corners as a team corrects them for a session."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grx_pipeline.errors import InputError
from grx_pipeline.track.circuits import Corner, corner_problems
from grx_pipeline.track.corner_fixes import CornerFix, fix_corners

LENGTH_M = 1000.0


def corner(number: str, start: float, apex: float, end: float, direction: str = "left") -> Corner:
    return Corner(corner=number, name=None, direction=direction, start_m=start, apex_m=apex, end_m=end)


CORNERS = (corner("T1", 100, 150, 200), corner("T2", 200, 260, 300, "right"), corner("T3", 950, 990, 40))


def fixed(*fixes: CornerFix) -> tuple[Corner, ...]:
    return fix_corners(CORNERS, fixes, LENGTH_M)


def test_what_is_said_is_changed_and_all_else_stays() -> None:
    named = fixed(CornerFix(line=1, corner="T2", name="Web", apex_m=250.0))
    assert named == (CORNERS[0], replace(CORNERS[1], name="Web", apex_m=250.0), CORNERS[2])


def test_a_corner_gets_another_number_and_another_takes_its_own() -> None:
    swapped = fixed(
        CornerFix(line=1, corner="T1", renumber="T2"), CornerFix(line=3, corner="T2", renumber="T1", name="First")
    )
    assert [found.corner for found in swapped] == ["T2", "T1", "T3"]
    assert swapped[1].name == "First"


def test_corners_are_removed_added_and_merged() -> None:
    assert fixed(CornerFix(line=1, corner="T2", is_removed=True)) == (CORNERS[0], CORNERS[2])
    new = CornerFix(line=1, corner="T2A", direction="right", start_m=400.0, apex_m=410.0, end_m=450.0)
    assert fixed(new) == (*CORNERS[:2], corner("T2A", 400, 410, 450, "right"), CORNERS[2])
    assert fixed(CornerFix(line=1, corner="T1-T2", merge=("T1", "T2"))) == (
        corner("T1-T2", 100, 150, 300),
        CORNERS[2],
    )


def test_a_complex_over_start_and_finish_is_merged_in_the_order_it_is_driven() -> None:
    over = fixed(CornerFix(line=1, corner="T3-T1", merge=("T3", "T1"), apex_m=995.0, direction="right"))
    assert over == (CORNERS[1], corner("T3-T1", 950, 995, 200, "right"))


@pytest.mark.parametrize(
    ("fixes", "words"),
    [
        ((CornerFix(line=4, corner="T9", name="Web"),), "line 4: no corner T9; corners are T1, T2, T3 "),
        ((CornerFix(line=4, corner="T9", is_removed=True),), "line 4: no corner T9"),
        ((CornerFix(line=4, corner="T1-T9", merge=("T1", "T9")),), "line 4: no corner T9"),
        (
            (CornerFix(line=1, corner="T1", name="x"), CornerFix(line=4, corner="T1", is_removed=True)),
            "lines 1 and 4: both correct T1",
        ),
        (
            (CornerFix(line=1, corner="T1-T2", merge=("T1", "T2")), CornerFix(line=4, corner="T2", name="x")),
            "lines 1 and 4: both correct T2",
        ),
        ((CornerFix(line=4, corner="T2", start_m=190.0),), "line 4: .*T2 has to begin where T1 ends.*T1 100 to 200 m"),
        ((CornerFix(line=4, corner="T2", apex_m=310.0),), "line 4: .*T2 has to lie in 0 to 1000 m"),
        ((CornerFix(line=4, corner="T2", renumber="T1"),), "line 4: .*T1 is there twice"),
    ],
)
def test_what_makes_no_corners_is_told_with_its_line(fixes: tuple[CornerFix, ...], words: str) -> None:
    with pytest.raises(InputError, match=f"session.toml {words}"):
        fixed(*fixes)


@given(st.lists(st.sampled_from(["T1", "T2", "T3"]), unique=True))
def test_the_order_of_the_fixes_does_not_matter_and_the_outcome_is_a_table(numbers: list[str]) -> None:
    fixes = [CornerFix(line=n, corner=number, renumber=f"{number}A") for n, number in enumerate(numbers)]
    outcome = fixed(*fixes)
    assert fixed(*reversed(fixes)) == outcome
    assert corner_problems(outcome, LENGTH_M) == []
    assert {found.corner.rstrip("A") for found in outcome} == {"T1", "T2", "T3"}
