"""The growth study: what its sessions are made of, and the exponent it prints."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grx_pipeline.benchmarks.laps import LapsMeasurement, growth_exponent, many_laps, render_laps
from grx_pipeline.demo.timing_files import analysis_lines


def test_every_lap_of_every_car_is_a_line_of_the_timing_file() -> None:
    header, *rows = analysis_lines(many_laps(3, 40))
    names = [name.strip() for name in header.split(";")]
    cells = [dict(zip(names, row.split(";"), strict=True)) for row in rows]
    assert [(cell["NUMBER"], int(cell["LAP_NUMBER"])) for cell in cells] == [
        (str(car), lap) for car in (1, 2, 3) for lap in range(1, 41)
    ]
    assert {cell["FLAG_AT_FL"] for cell in cells} == {"GF", "FCY", "FF"}


def test_sections_of_the_study_add_up_to_the_lap() -> None:
    for car in many_laps(2, 200).cars:
        assert (car.laps.sections_ms.sum(axis=1) == car.laps.lap_time_ms).all()


@given(exponent=st.floats(0.2, 3), factor=st.floats(0.01, 100))
def test_the_exponent_of_a_power_law_is_found(exponent: float, factor: float) -> None:
    sizes = [10_000.0, 100_000.0, 1_000_000.0]
    assert growth_exponent(sizes, [factor * size**exponent for size in sizes]) == pytest.approx(exponent)


def test_the_table_has_a_column_a_size_and_says_linear_growth_is_one() -> None:
    measured = [
        LapsMeasurement(
            cars=100,
            laps=laps,
            raw_bytes=250 * laps,
            json_bytes=500 * laps,
            seconds={"reading the timing file": laps / 1e5},
            total_s=laps / 1e4,
            peak_mib=laps / 1e3,
        )
        for laps in (10_000, 1_000_000)
    ]
    text = render_laps(measured)
    assert "| official laps | 10,000 | 1,000,000 | exponent |" in text
    assert "| reading the timing file, s | 0.10 | 10.00 | 1.00 |" in text
