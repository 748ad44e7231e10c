import pandas as pd

from grx_pipeline.laps.crossings import debounced_crossings
from grx_pipeline.settings import MatchSettings


def crossings(kind: str, *rows: tuple[str, float, int]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"kind": kind, "vehicle_id": vehicle, "crossed_at_ms": int(at * 1000), "logger_lap": lap, "row_number": n}
            for n, (vehicle, at, lap) in enumerate(rows, 1)
        ]
    )


def test_a_triplet_at_the_line_is_one_crossing() -> None:
    rows = crossings("lap_end", ("A", 53.193, 2), ("A", 53.195, 3), ("A", 53.403, 2), ("A", 151.0, 3))
    kept = debounced_crossings(rows, MatchSettings())
    assert kept["crossed_at_ms"].tolist() == [53_193, 151_000]
    assert kept["logger_lap"].tolist() == [2, 3]


def test_two_cars_at_the_line_together_are_no_ghosts_of_each_other() -> None:
    rows = crossings("lap_end", ("A", 53.193, 2), ("B", 53.2, 2))
    assert len(debounced_crossings(rows, MatchSettings())) == 2


def test_starts_are_used_only_where_there_are_no_ends() -> None:
    ends, starts = crossings("lap_end", ("A", 50.0, 2)), crossings("lap_start", ("A", 50.001, 3), ("A", 90.0, 4))
    both = pd.concat([starts, ends])
    assert debounced_crossings(both, MatchSettings())["crossed_at_ms"].tolist() == [50_000]
    assert debounced_crossings(starts, MatchSettings())["crossed_at_ms"].tolist() == [50_001, 90_000]
    assert debounced_crossings(starts.head(0), MatchSettings()).empty
