"""No step reads other raw bytes than its record will name, whatever the file's size and times say."""

import os
import zipfile
from pathlib import Path

import pytest

from grx_pipeline.errors import InputError
from grx_pipeline.ingest.hashes import HashCache
from grx_pipeline.ingest.manifest import RawFile
from grx_pipeline.ingest.raw_check import is_altered, unchanged


@pytest.fixture
def raw(tmp_path: Path) -> RawFile:
    path = tmp_path / "26_Weather.CSV"
    path.write_bytes(b"TIME;AIR\n1;20\n")
    return _raw_file(path)


def _raw_file(path: Path) -> RawFile:
    digest = HashCache(path.with_name("none")).file_hash(path)
    return RawFile(kind="weather", path=str(path), member=None, size=path.stat().st_size, sha256=digest)


def _write_hidden(path: Path, content: bytes) -> None:
    status = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_a_file_as_it_was_found_is_read(raw: RawFile) -> None:
    with unchanged([raw]):
        assert Path(raw.path).read_bytes() == b"TIME;AIR\n1;20\n"


def test_a_file_that_lost_a_bit_is_refused_before_it_is_read(raw: RawFile) -> None:
    _write_hidden(Path(raw.path), b"TIME;AIR\n1;30\n")
    with pytest.raises(InputError, match=r"26_Weather\.CSV: its bytes are not those"), unchanged([raw]):
        raise AssertionError("it was read")


def test_a_file_that_changes_while_it_is_read_is_refused(raw: RawFile) -> None:
    with pytest.raises(InputError, match=r"26_Weather\.CSV: its bytes are not those"), unchanged([raw]):
        _write_hidden(Path(raw.path), b"TIME;AIR\n1;20\n2;21\n")


def test_a_file_that_is_gone_is_left_to_its_reader(raw: RawFile) -> None:
    Path(raw.path).unlink()
    assert not is_altered(raw)
    with unchanged([raw]):
        pass


def test_a_member_is_judged_by_its_own_bytes(tmp_path: Path) -> None:
    path = tmp_path / "races.zip"

    def pack(**members: bytes) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in members.items():
                archive.writestr(zipfile.ZipInfo(name), content)

    pack(laps=b"1;97.4", other=b"x")
    with zipfile.ZipFile(path) as archive:
        digest = HashCache(tmp_path / "none").member_hash(path, archive.getinfo("laps"))
    member = RawFile(kind="analysis", path=str(path), member="laps", size=6, sha256=digest)
    assert not is_altered(member)
    pack(laps=b"1;97.4", other=b"another")
    assert not is_altered(member)
    pack(laps=b"1;97.5", other=b"x")
    assert is_altered(member)
    pack(other=b"x")
    assert is_altered(member)
    path.write_bytes(b"no zip any more")
    assert is_altered(member)
