"""The team's word on cars, laps and loggers: whom it is about, and what it does to laps and matches."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.logger_crossings import BIAS_MS, by_logger, logged, official

from grx_pipeline.errors import InputError
from grx_pipeline.laps.corrections import TeamWord, team_word
from grx_pipeline.laps.matching import Matching, match_loggers
from grx_pipeline.laps.validity import EXCLUDED, exclude_laps, judge_laps
from grx_pipeline.methods.siwtl import compute_siwtl
from grx_pipeline.schemas import TABLES
from grx_pipeline.settings import LapSettings, MatchSettings, SiwtlSettings

CARS = pd.DataFrame(
    {"car": [0, 1, 2, 3], "car_number": ["7", "3", "3", "03"], "driver_id": ["7-1", "3-1", "3-1-2", "03-1"]}
)
LAPS = pd.DataFrame({"car": [0, 0, 0, 1, 2], "lap_number": [1, 2, 3, 1, 1]})
LOGGERS = ("GR86-006-7", "GR86-040-3")


def word(*entries: dict[str, Any]) -> TeamWord:
    """Of entries in lines 1, 2, ...; those of laps have `lap_number`."""
    names = TABLES["corrections"].column_names
    rows = [{"line": line, **entry} for line, entry in enumerate(entries, start=1)]
    return team_word(pd.DataFrame(rows, columns=list(names)), CARS, LAPS, LOGGERS)


def name(car: str, driver: str) -> dict[str, Any]:
    return {"kind": "driver", "car": car, "driver_name": driver}


def excluded(car: str, lap: int | None = None) -> dict[str, Any]:
    return {"kind": "excluded_car" if lap is None else "excluded_lap", "car": car, "lap_number": lap, "reason": "x"}


def logger(logger_id: str, car: str | None) -> dict[str, Any]:
    return {"kind": "logger", "logger_id": logger_id, "car": car}


def test_without_a_word_nothing_is_said() -> None:
    assert word() == TeamWord()


def test_a_number_names_every_car_that_has_it_and_a_driver_id_one_of_them() -> None:
    assert word(name("7", "Ada"), name("3", "Max"), name("3-1-2", "Zoë")).names == {0: "Ada", 1: "Max", 2: "Zoë"}


def test_laps_cars_and_loggers_are_those_of_one_car() -> None:
    said = word(excluded("7", 3), excluded("7-1", 1), excluded("3-1"), logger(LOGGERS[1], "3-1-2"))
    assert said.laps == {(0, 3), (0, 1)}
    assert said.cars == {1}
    assert said.loggers == {LOGGERS[1]: 2}
    assert word(logger(LOGGERS[0], None)).loggers == {LOGGERS[0]: None}


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (
            (name("07", "a"), excluded("3-2", 1)),
            "names '07' in line 1 and '3-2' in line 2, .*; cars: 03, 3, 7, 3-1, 3-1-2 ",
        ),
        ((excluded("3", 1),), "line 1: number 3 stands for 2 cars; name 3-1 or 3-1-2"),
        ((logger(LOGGERS[0], "3"),), "line 1: number 3 stands for 2 cars"),
        ((excluded("7", 4),), "line 1: car 7 has no lap 4; its laps are 1 to 3"),
        ((excluded("03", 1),), "line 1: car 03 has no lap 1; its laps are none"),
        ((excluded("7", 2), excluded("7-1", 2)), "lines 1 and 2 exclude the same lap"),
        ((excluded("7"), excluded("7-1")), "lines 1 and 2 exclude the same car"),
        ((excluded("7", 2), excluded("7")), "lines 2 and 1: car 7 is excluded whole, so its lap 2 cannot be excluded"),
        ((name("7", "a"), name("7-1", "b")), "lines 1 and 2 name the same driver"),
        ((logger("GR86-1-1", "7"),), "line 1: no logger GR86-1-1; loggers .* are GR86-006-7, GR86-040-3"),
        ((logger(LOGGERS[0], "7"), logger(LOGGERS[1], "7-1")), "lines 1 and 2 put a logger into the same car"),
    ],
)
def test_what_is_of_nobody_of_several_or_said_twice_is_an_error_with_its_line(
    entries: tuple[dict[str, Any], ...], words: str
) -> None:
    with pytest.raises(InputError, match=f"session.toml.* {words}"):
        word(*entries)


def matched(given_cars: dict[str, int | None], *, bias_ms: int | None = BIAS_MS) -> Matching:
    """Two cars with the loggers of each other's names, and what the team says of them."""
    first, second = official("2", 1), official("111", 2)
    crossings = pd.concat([logged("GR86-060-2", second), logged("GR86-002-000", first)])
    return match_loggers(
        crossings, pd.concat([first, second]), bias_ms=bias_ms, settings=MatchSettings(), given=given_cars
    )


def test_a_logger_is_in_the_car_that_the_team_says_and_the_others_go_by_their_crossings() -> None:
    found = by_logger(matched({"GR86-060-2": 2}))
    assert found == by_logger(matched({}))
    spare = by_logger(matched({"GR86-060-2": None}))["GR86-060-2"]
    assert (spare.car, spare.reason) == (None, "by the team's word")


def test_a_word_against_the_crossings_stands_and_is_marked_uncertain() -> None:
    matching = matched({"GR86-060-2": 1, "GR86-002-000": 2})
    found = by_logger(matching)["GR86-060-2"]
    assert (found.car, found.is_reliable, found.second_best) == (1, False, 20)
    assert found.reason is not None
    assert found.reason.endswith("20 car 111")
    assert found.crossings_matched < 5
    assert matching.lap_crossings.empty


def test_a_word_with_a_crossing_or_two_pairs_them_and_stays_uncertain() -> None:
    laps = official("7", 3)
    matching = match_loggers(
        logged("GR86-1-9", laps, keep=slice(4, 5)),
        laps,
        bias_ms=BIAS_MS,
        settings=MatchSettings(),
        given={"GR86-1-9": 3},
    )
    assert matching.lap_crossings["lap_number"].tolist() == [5]
    (found,) = matching.loggers
    assert (found.car, found.is_reliable) == (3, False)
    assert found.reason == "the car is the team's word: 1 of 1 crossing in the race fit it"


def test_a_word_holds_where_no_crossing_can_tell() -> None:
    for found in (
        by_logger(matched({"GR86-1-9": 1}))["GR86-1-9"],
        *matched({"GR86-060-2": 1}, bias_ms=None).loggers[1:],
    ):
        assert (found.car, found.is_reliable) == (1, False)
        assert found.reason == "the car is the team's word: no crossing tells"


LAP_COLUMNS = ("sector_1_ms", "sector_2_ms", "sector_3_ms")


@st.composite
def races(draw: st.DrawFn) -> pd.DataFrame:
    """Two cars with clean laps, slow ones, yellows, pit stops, laps without a sector and cut ones."""
    rows = []
    for car in ("a", "b"):
        for number in range(1, draw(st.integers(4, 12)) + 1):
            kind = draw(st.sampled_from(["", "", "", "", "slow", "FCY", "pit", "missing", "cut"]))
            sectors = [30_000, 40_000, 25_000 + draw(st.integers(0, 800))]
            sectors = [
                time * (3 if kind == "slow" else 2) // 2 if kind in ("slow", "FCY") else time for time in sectors
            ]
            sectors[1] -= 9_000 if kind == "cut" else 0
            lap = {"car": car, "vehicle_id": car, "lap_number": number, "lap_time_ms": float(sum(sectors))}
            lap |= dict(zip(LAP_COLUMNS, map(float, sectors), strict=True))
            lap |= {"sector_1_ms": np.nan} if kind == "missing" else {}
            lap |= {"flag": "FCY" if kind == "FCY" else "GF", "is_pit_in": kind == "pit", "pit_time_ms": np.nan}
            rows.append(lap | {"logger_lap": np.nan, "has_logger": False})
    return pd.DataFrame(rows)


def targets_of(laps: pd.DataFrame, judged: pd.DataFrame) -> Any:
    sections = {f"{name}_ms": np.nan for name in ("im1a", "im1", "im2a", "im2", "im3a", "fl")}
    tables = compute_siwtl(laps.assign(**sections).join(judged), ["a", "b"], SiwtlSettings())
    return tables.targets, tables.sectors


@given(race=races(), data=st.data())
@settings(max_examples=40)
def test_excluding_laps_that_were_not_clean_changes_no_target_and_no_other_lap(
    race: pd.DataFrame, data: st.DataObject
) -> None:
    judged = judge_laps(race, LapSettings(), sector_sum_tolerance_ms=2.0)
    unclean = np.flatnonzero(~judged["is_clean"])
    chosen = np.isin(np.arange(len(race)), data.draw(st.lists(st.sampled_from(unclean.tolist()))))
    left = exclude_laps(judged, chosen)
    assert targets_of(race, left) == targets_of(race, judged)
    pd.testing.assert_frame_equal(left[~chosen], judged[~chosen])
    assert not left.loc[chosen, ["is_valid", "is_clean"]].any(axis=None)
    assert [codes[1:] for codes in left.loc[chosen, "reasons"]] == judged.loc[chosen, "reasons"].to_list()
    assert all(codes[0] == EXCLUDED for codes in left.loc[chosen, "reasons"])


@given(race=races())
@settings(max_examples=20)
def test_the_other_cars_are_judged_as_if_an_excluded_car_had_not_raced(race: pd.DataFrame) -> None:
    is_out = (race["car"] == "b").to_numpy()
    judged = judge_laps(race, LapSettings(), sector_sum_tolerance_ms=2.0, is_outside=is_out)[~is_out]
    pd.testing.assert_frame_equal(judged, judge_laps(race[~is_out], LapSettings(), sector_sum_tolerance_ms=2.0))
