"""A disk that fills up: a message says what, where and what to do, the old site stands, and the next run works."""

import dataclasses
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.demo_race import make_race
from support.run_server import settings_in

from grx_pipeline import space
from grx_pipeline.demo.write import write_race
from grx_pipeline.errors import StorageError
from grx_pipeline.ingest.catalogue import find_sessions
from grx_pipeline.paths import Paths
from grx_pipeline.publishing.place import Place
from grx_pipeline.publishing.verify import verify_site
from grx_pipeline.runner import SessionRun, run_session
from grx_pipeline.settings import RunSettings, Settings
from grx_pipeline.space import bytes_to_ingest, require_space
from grx_pipeline.storage.steps import StepContext

_MB, _MIB = 1_000_000, 2**20


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("race") / "raw"
    return write_race(make_race(cars=4, laps=4), folder, seed=1, channel_set="pedal", progress=lambda _: None)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of a few MB, for whoever may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small tmpfs cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def _resize(disk: Path, mebibytes: float) -> None:
    size = f"remount,size={int(mebibytes * 1024)}k"
    subprocess.run(["mount", "-o", size, str(disk)], check=True)


def _used(disk: Path) -> int:
    usage = shutil.disk_usage(disk)
    return usage.total - usage.free


def _unguarded(settings: Settings) -> Settings:
    """Settings that believe every disk to be large enough."""
    run = dataclasses.replace(
        settings.run, disk_per_raw_byte=0.0, disk_per_gz_byte=0.0, disk_warehouse_mb=0, disk_site_mb=0
    )
    return dataclasses.replace(settings, run=run)


def _run(settings: Settings, raw: Path) -> SessionRun:
    [manifest] = find_sessions([str(raw)], Paths.of(settings)).sessions
    return run_session(manifest.session, settings=settings, progress=lambda _: None, manifest=manifest)


def test_a_disk_that_fills_up_at_any_point_is_named_and_the_old_site_stands(raw: Path, disk: Path) -> None:
    settings, paths = _unguarded(settings_in(disk)), Paths.of(settings_in(disk))
    _resize(disk, 200)
    first = _run(settings, raw)
    assert first.status == "built", first.error
    page = paths.published(first.session) / "index.html"
    before, used = page.read_bytes(), _used(disk)
    miles = _unguarded(settings_in(disk, speed_unit="mph"))
    _resize(disk, used / _MIB + 0.1)
    failed = _run(miles, raw)
    assert failed.status == "failed"
    assert str(disk) in (failed.error or "")
    assert page.read_bytes() == before
    assert verify_site(Place.at(str(paths.reports)), progress=lambda _: None).problems == ()
    _resize(disk, 200)
    assert _run(miles, raw).status == "built"
    assert page.read_bytes() != before
    for folder in (paths.data, paths.reports):
        shutil.rmtree(folder)
    for share in (0.01, 0.05, 0.2, 0.5, 0.9):
        _resize(disk, share * used / _MIB)
        run = _run(settings, raw)
        assert run.status == "failed", share
        assert str(disk) in (run.error or ""), share
        assert "free" in (run.error or ""), share
        assert "Traceback" not in (run.error or ""), share
    _resize(disk, 200)
    assert _run(settings, raw).status == "built"
    assert page.read_bytes() == before


def test_a_run_that_the_disk_has_no_room_for_does_not_begin(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = space.shutil.disk_usage(tmp_path)._replace(free=50 * _MB)
    monkeypatch.setattr(space.shutil, "disk_usage", lambda _: free)
    run = _run(settings_in(tmp_path), raw)
    assert run.status == "failed"
    assert run.results == ()
    # 23 MB of raw files take a tenth of that, database and site 160 MB.
    assert f"{tmp_path / 'data'}: 50 MB are free on this disk and the run needs about 162 MB" in (run.error or "")


def test_only_what_will_run_needs_room(tmp_path: Path, raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_in(tmp_path)
    context = StepContext(session="none", paths=Paths.of(settings), settings=settings, progress=lambda _: None)
    free = space.shutil.disk_usage(tmp_path)._replace(free=99 * _MB)
    monkeypatch.setattr(space.shutil, "disk_usage", lambda _: free)
    require_space(context, [])
    require_space(context, ["core_laps", "out_warehouse"])
    with pytest.raises(StorageError, match="needs about 100 MB"):
        require_space(context, ["out_reports"])


@pytest.mark.parametrize(
    ("name", "member", "needed"),
    [("a.csv", None, 100), ("a.csv.gz", None, 3000), ("a.zip", "in/a.csv", 1100), ("a.zip", "in/a.csv.gz", 3000)],
)
def test_what_a_raw_file_takes_depends_on_how_it_is_packed(name: str, member: str | None, needed: int) -> None:
    file = space.RawFile(kind="telemetry", path=f"/raw/{name}", member=member, size=1000, sha256="")
    assert bytes_to_ingest(file, RunSettings()) == needed
