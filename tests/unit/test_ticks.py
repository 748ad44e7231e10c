import statistics
from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from grx_pipeline.ingest.ticks import NO_LAP, Values, collect_ticks, samples_of
from grx_pipeline.schemas import CHANNELS

RAW_NAMES = [raw for raw, *_ in CHANNELS]
PACE = [pace for _, _, _, pace, _ in CHANNELS]
Row = tuple[int, int, int, int, float]

rows_of_a_vehicle = st.lists(
    st.tuples(
        st.sampled_from([-43, 0, 43, 86, 1_757_032_100_000]),
        st.sampled_from([500, 900, 1400]),
        st.sampled_from([2, 3, NO_LAP]),
        st.sampled_from([0, 4, RAW_NAMES.index("gear"), RAW_NAMES.index("speed")]),
        st.sampled_from([-0.25, 0.1, 0.2, 0.3, 4.0, 1e6]),
    ),
    min_size=1,
    max_size=40,
)


def values_of(rows: list[Row]) -> Values:
    ecu_ms, received_at_ms, logger_lap, channel, value = zip(*rows, strict=True)
    return Values(
        ecu_ms=np.array(ecu_ms),
        received_at_ms=np.array(received_at_ms),
        logger_lap=np.array(logger_lap),
        channel=np.array(channel),
        value=np.array(value),
    )


def by_cell(rows: list[Row]) -> dict[tuple[int, int], list[Row]]:
    cells: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for row in rows:
        cells[row[0], row[3]].append(row)
    return cells


def decided(rows: list[Row]) -> float:
    """The rule in words: duplicates once; fast mean, slow median, of the gear a value that it had."""
    values = sorted(row[-1] for row in set(rows))
    pace = PACE[rows[0][3]]
    if pace == "fast":
        return sum(values) / len(values)
    return statistics.median_low(values) if pace == "state" else statistics.median(values)


@given(rows_of_a_vehicle)
def test_each_cell_holds_what_the_rule_says(rows: list[Row]) -> None:
    ticks = collect_ticks(values_of(rows))
    found = {
        (int(stamp), channel): value
        for channel, values in enumerate(ticks.channels)
        for stamp, value in zip(ticks.ecu_ms, values, strict=True)
        if not np.isnan(value)
    }
    assert found == {cell: decided(inside) for cell, inside in by_cell(rows).items()}


@given(rows_of_a_vehicle)
def test_every_value_is_counted_once(rows: list[Row]) -> None:
    ticks = collect_ticks(values_of(rows))
    assert ticks.kept + ticks.exact_duplicates + ticks.merged == len(rows)
    assert ticks.exact_duplicates == len(rows) - len(set(rows))
    cells = by_cell(rows).values()
    assert ticks.conflict_rows == sum(len(inside) for inside in cells if len({row[-1] for row in inside}) > 1)


@given(rows_of_a_vehicle)
def test_a_stamp_has_its_earliest_receipt_its_least_lap_and_its_most_repeated_fast_channel(rows: list[Row]) -> None:
    ticks = collect_ticks(values_of(rows))
    assert ticks.ecu_ms.tolist() == sorted({row[0] for row in rows})
    for stamp, received, lap, count in zip(
        ticks.ecu_ms, ticks.received_at_ms, ticks.logger_lap, ticks.tick_values, strict=True
    ):
        on_stamp = [row for row in rows if row[0] == stamp]
        assert received == min(row[1] for row in on_stamp)
        assert lap == min(row[2] for row in on_stamp)
        fast = [inside for inside in by_cell(on_stamp).values() if PACE[inside[0][3]] == "fast"]
        assert count == max((len({row[-1] for row in inside}) for inside in fast), default=1)


@given(rows_of_a_vehicle, st.randoms())
def test_the_order_of_the_rows_does_not_matter(rows: list[Row], random: object) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    forward, other = (
        samples_of(collect_ticks(values_of(given_rows)), fast_step_ms=43.0) for given_rows in (rows, shuffled)
    )
    assert forward.equals(other)


def test_a_missing_lap_and_a_missing_value_are_null() -> None:
    samples = samples_of(collect_ticks(values_of([(0, 500, NO_LAP, 0, 0.1), (43, 500, 3, 4, 2.0)])), fast_step_ms=43.0)
    assert samples.column("logger_lap").to_pylist() == [None, 3]
    assert samples.column("accel_x_g").to_pylist() == [0.1, None]


def test_a_tick_is_never_moved_before_the_middle_of_the_gap_before_it() -> None:
    rows = [(0, 500, 3, 0, 0.1), *((20, 500, 3, 0, value) for value in (0.1, 0.2, 0.3))]
    samples = samples_of(collect_ticks(values_of(rows)), fast_step_ms=43.0)
    assert samples.column("tick_values").to_pylist() == [1, 3]
    assert samples.column("sample_ms").to_pylist() == [0.0, 10.0]
