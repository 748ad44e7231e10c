import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from grx_pipeline.laps.cars import split_cars


def timing(number: str, times: list[int | None]) -> list[dict[str, object]]:
    elapsed = pd.Series(times, dtype="float64").fillna(0).cumsum()
    return [
        {"car_number": number, "lap_number": lap, "lap_time_ms": time, "elapsed_ms": end}
        for lap, (time, end) in enumerate(zip(times, elapsed, strict=True), 1)
    ]


def frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    return pd.DataFrame(rows).assign(row_number=range(1, len(rows) + 1))


def test_one_car_a_number_is_the_first() -> None:
    rows = frame(timing("3", [100, 101]) + timing("03", [100, 101]))
    assert split_cars(rows).tolist() == [1, 1, 1, 1]


def test_two_blocks_of_one_number_are_two_cars_in_file_order() -> None:
    rows = frame(timing("3", [100, 101, 102]) + timing("3", [110, 111]))
    assert split_cars(rows).tolist() == [1, 1, 1, 2, 2]


def test_interleaved_rows_are_told_apart_by_the_race_time() -> None:
    first, second = timing("3", [100, 101, 102]), timing("3", [110, 90, 105])
    rows = frame([row for pair in zip(first, second, strict=True) for row in pair])
    assert split_cars(rows).tolist() == [1, 2, 1, 2, 1, 2]


def test_a_missing_lap_time_does_not_make_a_third_car() -> None:
    rows = frame(timing("3", [100, None, 102]) + timing("3", [110, 111, 112]))
    assert split_cars(rows).tolist() == [1, 1, 1, 2, 2, 2]


@given(st.lists(st.integers(30_000, 200_000), min_size=1, max_size=12), st.randoms())
def test_the_order_of_the_rows_does_not_change_who_drove_together(times: list[int], random: object) -> None:
    rows = frame(timing("3", list(times)) + timing("3", [time + 7 for time in times]))
    expected = split_cars(rows)
    order = list(range(len(rows)))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = split_cars(rows.iloc[order])
    together = {frozenset(expected.index[expected == car]) for car in (1, 2)}
    assert {frozenset(shuffled.index[shuffled == car]) for car in (1, 2)} == together
