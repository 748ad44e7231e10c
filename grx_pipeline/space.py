"""Whether the disks have room for a run, before it begins: what it will write, from the size of its raw files."""

import shutil
from collections.abc import Container, Iterable
from pathlib import Path

from grx_pipeline.errors import StorageError
from grx_pipeline.ingest.manifest import RawFile, read_manifest
from grx_pipeline.settings import RunSettings
from grx_pipeline.storage.steps import StepContext

_INGEST = "raw_telemetry"
_MB = 1_000_000


def require_space(context: StepContext, stale: Container[str]) -> None:
    """Raises StorageError where a disk has less room than running the `stale` steps takes."""
    for place, needed in _needs(context, stale).items():
        free = shutil.disk_usage(place).free
        if free < needed:
            raise StorageError(
                f"{place}: {free / _MB:,.0f} MB are free on this disk and the run needs about {needed / _MB:,.0f} MB;"
                " free some (`grx clean` says what can go), or set GRX_DATA_DIR and GRX_REPORTS_DIR to another disk"
            )


def bytes_to_ingest(file: RawFile, settings: RunSettings) -> int:
    """Room that a raw file takes on the way to samples: they themselves, and a zip's member while it is read."""
    if file.name.casefold().endswith(".gz"):
        return round(file.size * settings.disk_per_gz_byte)
    unpacked = 0 if file.member is None else file.size
    return unpacked + round(file.size * settings.disk_per_raw_byte)


def megabytes_of_a_run(files: Iterable[RawFile], settings: RunSettings) -> int:
    """Room that a first run of a session with these raw files takes."""
    ingested = sum(bytes_to_ingest(file, settings) for file in files)
    return settings.disk_warehouse_mb + settings.disk_site_mb + round(ingested / _MB)


def _needs(context: StepContext, stale: Container[str]) -> dict[Path, int]:
    """Bytes by folder; one folder for each disk."""
    paths, settings = context.paths, context.settings.run
    data, site = 0, 0
    if _INGEST in stale:
        files = read_manifest(paths.manifest(context.session)).files
        data += sum(bytes_to_ingest(file, settings) for file in files)
    data += settings.disk_warehouse_mb * _MB if "out_warehouse" in stale else 0
    site += settings.disk_site_mb * _MB if "out_reports" in stale else 0
    data_folder, site_folder = _standing(paths.data), _standing(paths.reports)
    if data_folder.stat().st_dev == site_folder.stat().st_dev:
        return {data_folder: data + site}
    return {data_folder: data, site_folder: site}


def _standing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there already."""
    return next(path for path in (folder, *folder.parents) if path.is_dir())
