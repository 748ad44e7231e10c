"""The machine and what is installed on it: versions, folders, disks, memory, settings, the key."""

import platform
import shutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

from grx_pipeline.paths import Paths
from grx_pipeline.settings import Settings
from grx_pipeline.settings.load import KEY_NAME
from grx_pipeline.storage.atomic import temporary_name
from grx_pipeline.upkeep.findings import Finding, fault, note, ok

_PACKAGE = "grx-pipeline"
_SHOWN = ("dagster", "duckdb", "pyarrow", "numpy", "pandas")
_MB = 1_000_000
_MEMINFO, _CGROUP = Path("/proc/meminfo"), Path("/sys/fs/cgroup")


def look_at_machine(settings: Settings, *, disk_mb: int) -> Iterator[Finding]:
    """Everything that is not of a session; `disk_mb` is what the largest session that is known takes."""
    yield from _versions()
    yield _settings_file()
    paths = Paths.of(settings)
    for what, folder in (("data folder", paths.data), ("reports folder", paths.reports)):
        yield from _folder(what, folder, disk_mb)
    yield _memory(settings)
    yield _key(settings)


def _versions() -> Iterator[Finding]:
    missing = []
    for text in metadata.requires(_PACKAGE) or []:
        wanted = Requirement(text)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            found = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            missing.append(f"{wanted.name} is not installed")
            continue
        if not wanted.specifier.contains(found, prereleases=True):
            missing.append(f"{wanted.name} is {found}, asked for is {wanted.specifier}")
    shown = ", ".join(f"{name} {metadata.version(name)}" for name in _SHOWN)
    text = f"{_PACKAGE} {metadata.version(_PACKAGE)}, Python {platform.python_version()}, {shown}"
    yield (
        fault("versions", _PACKAGE, "; ".join(missing), "install the package again: `make run` does")
        if missing
        else ok("versions", _PACKAGE, text)
    )


def _settings_file() -> Finding:
    file = Path("grx.toml").absolute()
    return ok("settings", file, "read, and nothing unknown in it" if file.is_file() else "not there; all defaults")


def _folder(what: str, folder: Path, disk_mb: int) -> Iterator[Finding]:
    standing = next(path for path in (folder, *folder.parents) if path.is_dir())
    probe = temporary_name(standing / "probe")
    try:
        probe.write_bytes(b"x" * 4096)
    except OSError as error:
        probe.unlink(missing_ok=True)
        yield fault(
            what,
            folder,
            f"cannot be written ({error.strerror})",
            "make room there or give rights, or name another folder with --data and --reports",
        )
        return
    probe.unlink()
    free = shutil.disk_usage(standing).free // _MB
    if free < disk_mb:
        yield fault(
            what,
            folder,
            f"{free:,} MB free, and a run of the largest session here takes about {disk_mb:,} MB",
            "free some; `grx clean` says what of the pipeline can go",
        )
    else:
        yield ok(what, folder, f"can be written, {free:,} MB free")


def _memory(settings: Settings) -> Finding:
    free = available_memory_mb()
    given = settings.engine.memory_limit_mb
    needed = given + settings.run.python_memory_mb
    if free is None:
        return note("memory", "this machine", f"the system does not say what is free; a run takes up to {needed:,} MB")
    text = f"{free:,} MB free; a run takes up to {needed:,} MB, {given:,} MB of it DuckDB's"
    if free < needed:
        remedy = "end other programs, or lower memory_limit_mb under [engine] in grx.toml: DuckDB then uses the disk"
        return fault("memory", "this machine", text, remedy)
    return ok("memory", "this machine", text)


def available_memory_mb() -> int | None:
    """What a new process could take, in MB of 10^6 bytes: of the machine, or of the container that it runs in."""
    try:
        fields = dict(line.split(":", 1) for line in _MEMINFO.read_text(encoding="utf-8").splitlines())
        free = int(fields["MemAvailable"].split()[0]) * 1024
        limit, used = ((_CGROUP / f"memory.{name}").read_text(encoding="utf-8").strip() for name in ("max", "current"))
    except FileNotFoundError as error:
        return None if error.filename == str(_MEMINFO) else free // _MB
    return (free if limit == "max" else min(free, int(limit) - int(used))) // _MB


def _key(settings: Settings) -> Finding:
    if settings.llm.is_asked:
        return ok("language model", KEY_NAME, f"a key is set; texts are asked of {settings.llm.model}")
    return ok("language model", KEY_NAME, "not asked; the rules write all texts")
