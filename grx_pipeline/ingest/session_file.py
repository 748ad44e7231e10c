"""`session.toml` beside the raw files: what the team says about a session that its files do not."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from grx_pipeline.errors import InputError
from grx_pipeline.ingest.delimited import read_delimited
from grx_pipeline.ingest.manifest import RawFile
from grx_pipeline.ingest.rawfiles import open_raw, read_raw
from grx_pipeline.ingest.results import RESULTS
from grx_pipeline.ingest.timing import ANALYSIS

# `demo` is the stamp of the program that made a simulated session; nothing reads it but that program.
_KNOWN = ("simulated", "drivers", "demo")


@dataclass(frozen=True, kw_only=True)
class SessionFile:
    """`is_simulated` says that no car ever drove this race; its reports say so too.

    `drivers` are names by car number, or by driver id where a number stands for two cars.
    """

    is_simulated: bool = False
    drivers: Mapping[str, str] = field(default_factory=dict)


def read_session_file(file: RawFile) -> SessionFile:
    """What the file says. Raises InputError where it is no TOML, or names something unknown."""
    try:
        document = tomllib.loads(read_raw(file).decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{file.path}: not valid TOML: {error}") from error
    unknown = sorted(set(document) - set(_KNOWN))
    if unknown:
        raise InputError(f"{file.path}: unknown setting {unknown[0]!r}; known are {', '.join(_KNOWN)}")
    simulated = document.get("simulated", False)
    if not isinstance(simulated, bool):
        raise InputError(f"{file.path}: simulated is {simulated!r}, but has to be true or false")
    return SessionFile(is_simulated=simulated, drivers=_driver_names(document.get("drivers", {}), file))


def _driver_names(names: Any, file: RawFile) -> dict[str, str]:
    if not isinstance(names, dict) or not all(isinstance(name, str) and name.strip() for name in names.values()):
        raise InputError(f'{file.path}: [drivers] has to hold lines as "13" = "Name"')
    return {str(car): name.strip() for car, name in names.items()}


def check_drivers(names: Iterable[str], files: Iterable[RawFile], *, session: str) -> None:
    """Raises InputError that lists every name of no car in the timing's `files`, before the long work begins.

    A driver id behind a car's number is left to the step that makes the ids. Nothing is said where the files cannot
    be read: the step that reads them says why.
    """
    wanted = list(names)
    if not wanted:
        return
    try:
        cars = {str(number) for file in files for number in _car_numbers(file)}
    except InputError:
        return
    wrong = [name for name in wanted if name not in cars and name.rpartition("-")[0].split("-")[0] not in cars]
    if cars and wrong:
        raise InputError(f"{session}: {no_such_cars(wrong, cars)}")


def no_such_cars(wrong: Iterable[str], cars: Iterable[str]) -> str:
    """What is wrong with [drivers], and what the cars are called."""
    listed = sorted(set(cars), key=lambda number: (len(number.lstrip("0")), number.lstrip("0"), number))
    named = " and ".join(repr(name) for name in sorted(wrong))
    return (
        f"session.toml: [drivers] names {named}, but no car of the timing is that; cars: {', '.join(listed)}"
        " (written as the timing writes them: 03 is not 3)"
    )


def _car_numbers(file: RawFile) -> Iterable[str]:
    layout = {"analysis": ANALYSIS, "results": RESULTS}.get(file.kind)
    if layout is None:
        return ()
    with open_raw(file) as raw:
        return tuple(read_delimited(raw, file=file.name, layout=layout).frame["car_number"].unique())
