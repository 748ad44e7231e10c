"""What a worker is given and what it gives back. Nothing here starts a process."""

import signal
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from grx_pipeline import steps
from grx_pipeline.ingest.manifest import Manifest
from grx_pipeline.paths import Paths
from grx_pipeline.settings import Settings
from grx_pipeline.storage.code import code_hash
from grx_pipeline.storage.steps import combined_hash


@dataclass(frozen=True, kw_only=True)
class Job:
    """One session to bring up to date, `sharing` of them at once on the machine; `code` is the sender's version."""

    manifest: Manifest
    settings: Settings
    sharing: int
    force: bool
    code: str


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a session. `peak_mib` is the peak memory of its worker's largest process."""

    session: str
    status: Literal["built", "unchanged", "failed"]
    reason: str = ""
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()
    error: str | None = None
    worker: str = ""
    peak_mib: float | None = None


# Takes each outcome as it comes.
Tell = Callable[[Outcome], None]


def jobs_of(manifests: Iterable[Manifest], settings: Settings, *, sharing: int, force: bool) -> list[Job]:
    """A job a session. Folders are absolute: a worker may stand elsewhere."""
    paths, code = Paths.of(settings), code_version()
    settings = replace(settings, data_dir=paths.data, reports_dir=paths.reports)
    return [
        Job(manifest=manifest, settings=settings, sharing=sharing, force=force, code=code) for manifest in manifests
    ]


def shared_settings(settings: Settings, *, sharing: int, cores: int) -> Settings:
    """DuckDB's threads and memory, and vehicles read at once, divided by the sessions that run beside each other."""
    engine = settings.engine
    return replace(
        settings,
        engine=replace(
            engine,
            threads=max(1, (engine.threads or cores) // sharing),
            memory_limit_mb=max(min(engine.least_mb, engine.memory_limit_mb), engine.memory_limit_mb // sharing),
            readers=max(1, engine.readers // sharing),
        ),
    )


def code_version() -> str:
    """A hash of all code that steps depend on: workers elsewhere have to have the same."""
    packages = sorted({package for step in steps.STEPS.values() for package in step.packages})
    return combined_hash({package: code_hash(package) for package in packages})


def death_text(status: int) -> str:
    """How a worker process ended, for a person."""
    if status >= 0:
        return f"its worker process ended with status {status}; run the session again"
    name = signal.Signals(-status).name
    hint = "; the system may have run out of memory: fewer at once need less" if name == "SIGKILL" else ""
    return f"its worker process was ended by {name}{hint}; run the session again"
