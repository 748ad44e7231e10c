"""A small session that is run in processes of its own, again and again, and what each run leaves on the disk."""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from grx_pipeline.demo.write import write_race
from grx_pipeline.paths import Paths
from support.demo_race import make_race
from support.run_server import RAW, settings_in

SESSION = "raw-2026-r1"
_SERVER = Path(__file__).with_name("run_server.py")
_WRITTEN = ("data", "reports")
# What differs between runs by its nature: who ran, when, and the records of Dagster.
_OF_THE_RUN = ("lock", "last_run.json", "dagster", "hashes.cache", "out_season.json", "tmp")


@dataclass(frozen=True, kw_only=True)
class Watched:
    """A run to its end or its death: the steps it finished, when each did (s since its start), and its last line."""

    steps: tuple[str, ...]
    ends_s: tuple[float, ...]
    status: int
    said: str

    @property
    def was_killed(self) -> bool:
        return self.status == -signal.SIGKILL


class SmallRuns:
    """The session in `folder`, and the process that runs it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths = Paths.of(settings_in(folder))
        write_race(make_race(cars=4, laps=4), folder / RAW, seed=1, channel_set="pedal", progress=lambda _: None)
        path = os.pathsep.join(entry for entry in sys.path if entry)
        self._server = subprocess.Popen(
            [sys.executable, str(_SERVER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )

    def __enter__(self) -> "SmallRuns":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.kill()
        self._server.communicate()

    def keep(self, name: str) -> None:
        """Keep what stands, to come back to it."""
        for part in _WRITTEN:
            shutil.copytree(self.folder / part, self.folder / name / part, symlinks=True)

    def reset(self, name: str | None) -> None:
        """Make everything stand as it was kept, or nothing stand."""
        for part in _WRITTEN:
            shutil.rmtree(self.folder / part, ignore_errors=True)
            if name is not None:
                shutil.copytree(self.folder / name / part, self.folder / part, symlinks=True)

    def run(self, *, force: bool = False, kill_after: tuple[int, float] | None = None, **settings: Any) -> Watched:
        """Run; with `kill_after` (steps, s) kill it that long after it finished so many steps."""
        assert self._server.stdin is not None
        asked = {"folder": str(self.folder), "settings": settings, "force": force}
        self._server.stdin.write(json.dumps(asked) + "\n")
        self._server.stdin.flush()
        began, pid, said = time.perf_counter(), 0, ""
        steps: dict[str, float] = {}
        while not (line := self._line()).startswith("end "):
            said = line or said
            pid = int(line.removeprefix("pid ")) if line.startswith("pid ") else pid
            name = _step_of(line)
            if name is not None:
                steps.setdefault(name, time.perf_counter() - began)
            if kill_after is not None and len(steps) == kill_after[0] and pid:
                # The wait is the random moment itself.
                time.sleep(kill_after[1])
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                kill_after = None
        ends_s = (*steps.values(), time.perf_counter() - began)
        return Watched(steps=tuple(steps), ends_s=ends_s, status=int(line.removeprefix("end ")), said=said)

    def outputs(self) -> Mapping[str, str]:
        """Every file that a run makes, with a hash of its bytes; of a database its tables', of a record its names."""
        return dict(_outputs_of(self.paths))

    def _line(self) -> str:
        assert self._server.stdout is not None
        line = self._server.stdout.readline()
        assert line, "the server ended"
        return line.rstrip("\n")


def differences(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Names that are not the same in both."""
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def _outputs_of(paths: Paths) -> Iterator[tuple[str, str]]:
    for root, folder in (("data", paths.data), ("reports", paths.reports)):
        for name in sorted(_files(folder)):
            path = folder / name
            if path.suffix == ".duckdb":
                yield from ((f"{name} {table}", text) for table, text in _tables_of(path))
            elif path.parent.name == "steps":
                record = json.loads(path.read_bytes())
                # The bytes of a database are never the same twice.
                outputs = [] if path.stem == "out_warehouse" else record["outputs"]
                yield f"{root}/{name}", json.dumps([record["inputs"], outputs], sort_keys=True)
            else:
                yield f"{root}/{name}", hashlib.sha256(path.read_bytes()).hexdigest()


def _files(folder: Path) -> Iterator[str]:
    """Names of files under `folder`, builds by the names they are published under."""
    for place, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in _OF_THE_RUN]
        names = (name for name in files if name not in _OF_THE_RUN)
        yield from (str((Path(place) / name).relative_to(folder)) for name in names)


def _tables_of(path: Path) -> Iterator[tuple[str, str]]:
    with duckdb.connect(str(path), read_only=True) as database:
        kinds = "SELECT table_name, table_type FROM information_schema.tables ORDER BY table_name"
        for name, kind in database.execute(kinds).fetchall():
            rows = f'SELECT md5(string_agg(t::VARCHAR, chr(10) ORDER BY t::VARCHAR)), count(*) FROM "{name}" t'
            yield f"{kind} {name}", str(database.execute(rows).fetchone())


def _step_of(line: str) -> str | None:
    """The step that a line of progress says is done."""
    if line.startswith("season page"):
        return "out_season"
    parts = line.split("  ")
    is_step = len(parts) > 2 and parts[0] == SESSION and parts[1].startswith(("raw_", "core_", "out_"))
    return parts[1] if is_step else None
