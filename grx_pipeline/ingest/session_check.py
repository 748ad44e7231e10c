"""What session.toml says against the timing's files, before the long work begins: the cars and laps it names.

A driver id behind a car's number, loggers and corners are left to the steps that know them.
"""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from grx_pipeline.errors import InputError
from grx_pipeline.formats import counted
from grx_pipeline.ingest.delimited import read_delimited
from grx_pipeline.ingest.manifest import RawFile
from grx_pipeline.ingest.rawfiles import open_raw
from grx_pipeline.ingest.results import RESULTS
from grx_pipeline.ingest.session_file import SessionFile
from grx_pipeline.ingest.timing import ANALYSIS

_LAYOUTS = {"analysis": ANALYSIS, "results": RESULTS}


def check_session_file(says: SessionFile, files: Sequence[RawFile], *, session: str) -> None:
    """Raises InputError that lists what is wrong: names of no car, and laps that the timing does not have.

    Where the result says that the car drove the lap, it is the file of laps that is wrong.

    Nothing is said where the files cannot be read: the step that reads them says why.
    """
    named = {name.car: name.line for name in says.drivers} | {entry.car: entry.line for entry in says.exclusions}
    named |= {logger.car: logger.line for logger in says.loggers if logger.car is not None}
    if not named:
        return
    try:
        rows = [_laps_of(file) for file in files if file.kind in _LAYOUTS]
    except InputError:
        return
    laps = pd.concat([pd.DataFrame({"car_number": [], "lap_number": [], "laps": []}), *rows])
    cars = {str(number) for number in laps["car_number"].unique()}
    if not cars:
        return
    wrong = {name: line for name, line in named.items() if number_of(name, cars) is None}
    if wrong:
        raise InputError(f"{session}: {no_such_cars(wrong, cars)}")
    driven = laps.dropna(subset=["lap_number"]).groupby("car_number")["lap_number"].unique()
    in_result = laps.dropna(subset=["laps"]).groupby("car_number")["laps"].max()
    timing = " and ".join(file.name for file in files if file.kind == "analysis")
    for entry in says.exclusions:
        number = number_of(entry.car, cars) or entry.car
        have = {int(lap) for lap in driven.get(number, ())}
        missing = sorted(set(entry.laps) - have)
        if missing and missing[0] <= in_result.get(number, 0):
            wanted = counted(int(in_result[number]), "lap")
            raise InputError(
                f"{session}: {timing} lacks lap {missing[0]} of car {number}, to which the result gives {wanted};"
                f" export that file again (session.toml line {entry.line} excludes that lap)"
            )
        if missing:
            raise InputError(f"{session}: {no_such_lap(entry.line, entry.car, missing[0], have)}")


def number_of(car: str, cars: Iterable[str]) -> str | None:
    """The car number that a number or driver id begins with; None where there is no such car."""
    return next((number for number in (car, car.rpartition("-")[0].split("-")[0]) if number in cars), None)


def no_such_cars(wrong: Mapping[str, int], cars: Iterable[str]) -> str:
    """Which names, each with its line, are of no car, and what the cars are called."""
    listed = sorted(set(cars), key=lambda number: (len(number.lstrip("0")), number.lstrip("0"), number))
    named = " and ".join(f"{name!r} in line {line}" for name, line in sorted(wrong.items()))
    return (
        f"session.toml names {named}, but no car of the timing is that; cars: {', '.join(listed)}"
        " (written as the timing writes them: 03 is not 3)"
    )


def no_such_lap(line: int, car: str, lap: int, have: Iterable[int]) -> str:
    """That the car did not drive that lap, and which it did."""
    return f"session.toml line {line}: car {car} has no lap {lap}; its laps are {_range(have)}"


def _range(laps: Iterable[int]) -> str:
    numbers = sorted(laps)
    return f"{numbers[0]} to {numbers[-1]}" if numbers else "none"


def _laps_of(file: RawFile) -> pd.DataFrame:
    """The laps of a file of laps, the numbers of laps of a result."""
    with open_raw(file) as raw:
        frame = read_delimited(raw, file=file.name, layout=_LAYOUTS[file.kind]).frame
    return frame.reindex(columns=["car_number", "lap_number" if file.kind == "analysis" else "laps"])
