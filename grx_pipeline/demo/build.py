"""Demo sessions in a folder: simulated, written, and left alone where they already stand as asked for."""

import shutil
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from grx_pipeline.demo.logger_files import ChannelSet
from grx_pipeline.demo.simulate import simulate_race
from grx_pipeline.demo.write import write_race
from grx_pipeline.errors import InputError
from grx_pipeline.ingest.recognition import SESSION_FILE
from grx_pipeline.storage.code import code_hash

Size = Literal["small", "race"]

# Cars and laps.
SIZES: Mapping[Size, tuple[int, int]] = {"small": (8, 12), "race": (20, 27)}
CHANNEL_SETS: tuple[ChannelSet, ChannelSet] = ("pedal", "blade")
RACES_PER_WEEKEND = 2
# Races of a season are numbered through, and race numbers of raw files have one digit.
MAX_SESSIONS = 9


def make_demo(folder: Path, *, size: Size, sessions: int, seed: int, progress: Callable[[str], None]) -> list[Path]:
    """Make sure that `folder` holds the first `sessions` demo sessions; returns the folder of each.

    The first race of a weekend has pedals, GPS and lap distance, the second one has the throttle blade. A session of
    the same size, seed and code is not made again. Raises InputError for more than MAX_SESSIONS, and where other
    files stand in a session's place.
    """
    if sessions > MAX_SESSIONS:
        raise InputError(f"{sessions} demo sessions are too many; ask for {MAX_SESSIONS} at most")
    return [_make_session(folder, number, size=size, seed=seed, progress=progress) for number in range(sessions)]


def _make_session(folder: Path, number: int, *, size: Size, seed: int, progress: Callable[[str], None]) -> Path:
    weekend, race_of_weekend = divmod(number, RACES_PER_WEEKEND)
    place = folder / f"weekend{weekend + 1}" / f"race{number + 1}"
    channel_set = CHANNEL_SETS[race_of_weekend]
    stamp: dict[str, str | int] = {"size": size, "code": code_hash("demo")}
    stands = read_stamp(place)
    if stands == {"seed": seed, "channel_set": channel_set, **stamp}:
        progress(f"{place}: already there")
        return place
    if stands is None and place.exists():
        raise InputError(f"{place}: not a demo session; name another folder, or move it away")
    cars, laps = SIZES[size]
    progress(f"{place}: simulating {cars} cars over {laps} laps")
    simulated = simulate_race(cars=cars, laps=laps, seed=seed, race=number + 1, weekend=weekend)
    partial = place.with_name(f"{place.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    write_race(simulated, partial, seed=seed, channel_set=channel_set, progress=progress, stamp=stamp)
    if stands is not None:
        shutil.rmtree(place)
    return partial.rename(place)


def read_stamp(place: Path) -> dict[str, Any] | None:
    """What the demo session in `place` was made from; None where there is none."""
    try:
        document = tomllib.loads((place / SESSION_FILE).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, tomllib.TOMLDecodeError):
        return None
    stamp: dict[str, Any] | None = document.get("demo")
    return stamp
