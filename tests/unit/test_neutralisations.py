import pandas as pd

from grx_pipeline.laps.neutralisations import yellow_phases


def crossings(text: str) -> pd.DataFrame:
    """`A12g B13y`: car, race time in seconds, green (g), yellow (y) or finish (f)."""
    flags = {"g": "GF", "y": "FCY", "f": "FF", "-": None}
    rows = [(part[0], float(part[1:-1]) * 1000, flags[part[-1]]) for part in text.split()]
    return pd.DataFrame(rows, columns=["car", "elapsed_ms", "flag"])


def test_a_phase_lies_between_the_green_crossings_around_it() -> None:
    (phase,) = yellow_phases(crossings("A10g B11g A20y B21y A40y B43y A60g B61f")).to_dict("records")
    assert phase == {
        "phase": 1,
        "green_until_ms": 11_000.0,
        "yellow_from_ms": 20_000.0,
        "yellow_until_ms": 43_000.0,
        "green_from_ms": 60_000.0,
        "crossings": 4,
        "cars": 2,
    }


def test_a_phase_from_the_start_or_to_the_end_has_no_bound_there() -> None:
    phases = yellow_phases(crossings("A10y B11y A20g B21g A30y B31y"))
    assert phases["phase"].tolist() == [1, 2]
    assert phases["green_until_ms"].isna().tolist() == [True, False]
    assert phases["green_from_ms"].isna().tolist() == [False, True]


def test_the_clock_orders_the_crossings_not_the_file() -> None:
    one = yellow_phases(crossings("A10g A20y B21y A60g"))
    other = yellow_phases(crossings("B21y A60g A20y A10g"))
    pd.testing.assert_frame_equal(one, other)


def test_a_race_without_yellow_and_rows_without_a_flag_give_none() -> None:
    assert yellow_phases(crossings("A10g B11g A20-")).empty
    assert yellow_phases(crossings("")).empty
