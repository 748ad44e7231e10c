"""Files that are damaged between runs, one at a time, and what the next run makes of it."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from grx_pipeline.ingest.hashes import HashCache
from grx_pipeline.ingest.manifest import read_manifest
from grx_pipeline.publishing.place import Place
from grx_pipeline.publishing.verify import verify_site
from grx_pipeline.storage.sealed import sealed, unsealed
from grx_pipeline.upkeep.doctor import examine
from support.run_server import RAW, settings_in
from support.small_runs import SESSION, SmallRuns, differences

_BASE = "base"
# A setting that only pages depend on: everything before them is read and nothing but damage is made again.
AFTER = {"speed_unit": "mph"}


@dataclass(frozen=True, kw_only=True)
class Damaged:
    """A file that was damaged, and what became of it: `problems` where that must not be."""

    area: str
    file: str
    kind: str
    outcome: str
    problems: tuple[str, ...]


def flip_bit(content: bytes, random: Random) -> bytes:
    at = random.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << random.randrange(8)]) + content[at + 1 :]


def cut_short(content: bytes, random: Random) -> bytes:
    return content[: random.randrange(len(content))]


def zero_block(content: bytes, random: Random) -> bytes:
    """A block of a disk that was never written: what a power cut leaves."""
    start = random.randrange(len(content))
    length = min(4096, len(content) - start)
    return content[:start] + b"\0" * length + content[start + length :]


KINDS: dict[str, Callable[[bytes, Random], bytes]] = {"bit": flip_bit, "cut": cut_short, "zeros": zero_block}


def damage(path: Path, kind: str, random: Random, *, is_hidden: bool) -> bool:
    """Damage a file in place; `is_hidden` keeps its times. False where that changed nothing."""
    status, before = path.stat(), path.read_bytes()
    after = KINDS[kind](before, random) if before else b""
    if after == before:
        return False
    path.write_bytes(after)
    if is_hidden:
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    return True


class DamageStudy:
    """The session built once, and built again with `AFTER` where nothing was damaged."""

    def __init__(self, runs: SmallRuns) -> None:
        self.runs = runs
        first = runs.run()
        assert first.status == 0, first.said
        self.before = runs.outputs()
        runs.keep(_BASE)
        after = runs.run(**AFTER)
        assert after.status == 0, after.said
        self.expected = runs.outputs()
        runs.reset(_BASE)
        self._raw = {path: path.read_bytes() for path in (runs.folder / RAW).iterdir()}

    def areas(self) -> dict[str, list[Path]]:
        """Every file that is read or written, by where it belongs."""
        paths = self.runs.paths
        lake, build = paths.session_lake(SESSION), paths.published(SESSION).resolve()
        records = [*sorted((lake / "steps").iterdir()), paths.season_record()]
        return {
            "lake": sorted(lake.rglob("*.parquet")),
            "records": [*records, paths.manifest(SESSION), paths.hash_cache()],
            "warehouse": sorted(paths.warehouse_file(SESSION).parent.glob("*.duckdb")),
            "site": [path for path in sorted(build.rglob("*")) if path.is_file()],
            "front page": [path for path in sorted(paths.site().resolve().rglob("*")) if path.is_file()],
            "raw": sorted(Path(file.path) for file in read_manifest(paths.manifest(SESSION)).files),
        }

    def damage_once(self, area: str, random: Random) -> Damaged:
        """Damage a random file of the area, run, and judge."""
        self._restore()
        path = random.choice(self.areas()[area])
        kind, is_hidden = random.choice(list(KINDS)), random.random() < 0.5
        while not damage(path, kind, random, is_hidden=is_hidden):
            kind = random.choice(list(KINDS))
        is_rot = area == "raw" and is_hidden
        if is_rot:
            self.remember(path)
        if area == "warehouse" and is_hidden:
            # No step reads a database: the doctor is who looks at it.
            self._told_by_doctor(path)
        run = self.runs.run(force=is_rot, **AFTER)
        problems = verify_site(Place.at(str(self.runs.paths.reports)), progress=lambda _: None).problems
        if run.status and path.name in run.said:
            outcome = "refused"
        elif run.status:
            outcome, problems = "failed", (*problems, run.said)
        elif area == "raw":
            outcome = "told as a change"
            if is_rot or path.name not in run.said:
                problems = (*problems, f"said only: {run.said}")
        else:
            outcome = "made anew"
            problems = (*problems, *differences(self.runs.outputs(), self.expected))
        where = "times kept" if is_hidden else "new times"
        name = str(path.relative_to(self.runs.folder))
        return Damaged(area=area, file=name, kind=f"{kind}, {where}", outcome=outcome, problems=tuple(problems))

    def _told_by_doctor(self, path: Path) -> None:
        settings = settings_in(self.runs.folder)
        found = list(examine(settings, is_repairing=True, progress=lambda _: None))
        assert [finding.where for finding in found if finding.state == "fault"] == [str(path)]

    def remember(self, path: Path) -> None:
        """Have the hash that the file had count for what it holds now, as where a disk loses a bit by itself."""
        cache = self.runs.paths.hash_cache()
        entries = unsealed(cache.read_bytes()) if cache.is_file() else {}
        before = self._raw[path]
        other = path.with_name(f"{path.name}.before")
        other.write_bytes(before)
        digest = HashCache(cache.with_name("none")).file_hash(other)
        other.unlink()
        status = path.stat()
        entries[str(path)] = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, digest]
        cache.write_bytes(sealed(entries, is_ascii=True))

    def _restore(self) -> None:
        self.runs.reset(_BASE)
        for path, content in self._raw.items():
            if path.read_bytes() != content:
                path.write_bytes(content)
