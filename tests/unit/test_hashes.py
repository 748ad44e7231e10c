import hashlib
import os
import time
import zipfile
from pathlib import Path

import pytest

from grx_pipeline.ingest.hashes import HashCache
from grx_pipeline.storage.sealed import sealed


def _stamp(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that runs three seconds ahead, so that files just written count as settled."""
    now_ns = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now_ns() + 3_000_000_000)


@pytest.mark.usefixtures("later")
def test_a_remembered_hash_is_used_while_the_file_is_untouched(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", b"one")
    cache = HashCache(tmp_path / "hashes.json")
    assert cache.file_hash(path) == hashlib.sha256(b"one").hexdigest()
    cache.save()
    (tmp_path / "hashes.json").write_bytes(sealed({str(path): [*_stamp(path), "remembered"]}))
    assert HashCache(tmp_path / "hashes.json").file_hash(path) == "remembered"


@pytest.mark.usefixtures("later")
def test_a_change_of_the_same_size_with_its_old_time_set_back_is_still_seen(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", b"one")
    status = path.stat()
    cache = HashCache(tmp_path / "hashes.json")
    cache.file_hash(path)
    path.write_bytes(b"two")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert cache.file_hash(path) == hashlib.sha256(b"two").hexdigest()


def test_a_fresh_file_is_not_remembered(tmp_path: Path) -> None:
    cache = HashCache(tmp_path / "hashes.json")
    cache.file_hash(written(tmp_path / "a.csv", b"one"))
    cache.save()
    assert not (tmp_path / "hashes.json").exists()


def test_a_members_hash_is_of_its_own_bytes_in_the_zip(tmp_path: Path) -> None:
    def write(name: str, other: str) -> tuple[Path, zipfile.ZipInfo]:
        path = tmp_path / name
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo("other.csv"), other)
            archive.writestr(zipfile.ZipInfo("laps.csv"), "a,b\n1,2\n")
        with zipfile.ZipFile(path) as archive:
            return path, archive.getinfo("laps.csv")

    cache = HashCache(tmp_path / "hashes.json")
    assert cache.member_hash(*write("one.zip", "x")) == cache.member_hash(*write("two.zip", "a longer one"))


@pytest.mark.parametrize("damage", ["cut", "altered"])
def test_a_damaged_cache_is_forgotten(tmp_path: Path, damage: str) -> None:
    path = written(tmp_path / "a.csv", b"one")
    content = sealed({str(path): [*_stamp(path), "remembered"]})
    (tmp_path / "hashes.json").write_bytes(content[:-9] if damage == "cut" else content.replace(b"remem", b"renem"))
    assert HashCache(tmp_path / "hashes.json").file_hash(path) == hashlib.sha256(b"one").hexdigest()
