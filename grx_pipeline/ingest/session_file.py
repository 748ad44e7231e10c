"""`session.toml` beside the raw files: what the team says about a session that its files do not."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from grx_pipeline.errors import InputError
from grx_pipeline.ingest.manifest import RawFile
from grx_pipeline.ingest.rawfiles import read_raw

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
