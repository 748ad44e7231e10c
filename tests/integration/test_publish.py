"""Publishing under readers and under kill -9, with real processes.

The full counts are one command: GRX_CRASHES=100 .venv/bin/python -m pytest tests/integration/test_publish.py -s
"""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.publisher import PAGES, SESSION, data_of, number_of, publish_number, site_files
from support.servers import ask, grx_serve, nginx

from grx_pipeline.publishing.place import Place
from grx_pipeline.publishing.verify import verify_site

CRASHES = int(os.environ.get("GRX_CRASHES", "10"))
PUBLICATIONS = 50
SUPPORT = str(Path(__file__).parents[1])


def _publisher(reports: Path, first: int, count: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "support.publisher", str(reports), str(first), str(count)]
    environment = {**os.environ, "PYTHONPATH": SUPPORT}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_kill_9_at_any_moment_of_a_publication_leaves_a_site_that_verifies(tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    publish_number(reports, 0)
    moments = random.Random(20251)  # noqa: S311
    reached = 0
    for crash in range(CRASHES):
        with _publisher(reports, 1 + 1000 * crash, 1000) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(moments.uniform(0, 0.25))
            process.kill()
        found = verify_site(Place.at(str(reports)), progress=lambda _: None)
        assert found.problems == ()
        number = number_of((reports / SESSION / "index.html").read_bytes())
        assert number > 1000 * crash
        for page in PAGES:
            assert (reports / SESSION / page).read_bytes() == site_files(number)[page]
        reached += number - 1000 * crash
    sys.stdout.write(f"\n{CRASHES} times killed, {reached} publications, every site whole")


Get = Callable[[str], bytes]


def _from_folder(reports: Path) -> Get:
    return lambda path: (reports / path).read_bytes()


def _over_http(port: int) -> Get:
    def get(path: str) -> bytes:
        answer = ask(port, f"/{path}")
        assert answer.status == 200, (path, answer.status)
        return answer.body

    return get


class _Reader(threading.Thread):
    """Opens pages and what they name, and counts what a person would have seen go wrong."""

    def __init__(self, name: str, get: Get, done: threading.Event) -> None:
        super().__init__(name=name)
        self.get, self.done = get, done
        self.pages, self.errors, self.torn, self.mixed = 0, list[str](), 0, 0
        self.numbers: set[int] = set()

    def run(self) -> None:
        draw = random.Random(self.name)  # noqa: S311
        while not self.done.is_set():
            name = draw.choice(PAGES)
            try:
                page = self.get(f"{SESSION}/{name}")
                data = self.get(f"{SESSION}/{data_of(page)}")
            except (OSError, AssertionError) as error:
                self.errors.append(repr(error))
                continue
            number = number_of(page)
            expected = site_files(number)
            self.pages += 1
            self.numbers.add(number)
            self.torn += page != expected[name]
            self.mixed += data != expected[data_of(page)]


def test_readers_see_no_error_and_no_mixture_while_fifty_builds_are_published(tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    publish_number(reports, 0)
    done = threading.Event()
    with grx_serve(reports) as server, nginx(reports, tmp_path / "nginx", server=server) as proxy:
        ways = {"folder": _from_folder(reports), "grx serve": _over_http(server), "nginx": _over_http(proxy)}
        readers = [_Reader(name, get, done) for name, get in ways.items()]
        for reader in readers:
            reader.start()
        with _publisher(reports, 1, PUBLICATIONS) as publisher:
            output, errors = publisher.communicate(timeout=120)
        time.sleep(0.2)
        done.set()
        for reader in readers:
            reader.join()
        assert output.split() == [str(n) for n in range(1, PUBLICATIONS + 1)], errors
        last = ask(server, f"/{SESSION}/index.html").body
    assert number_of(last) == PUBLICATIONS
    for reader in readers:
        sys.stdout.write(f"\n{reader.name}: {reader.pages} pages of {len(reader.numbers)} builds")
        assert (reader.errors, reader.torn, reader.mixed) == ([], 0, 0)
        assert len(reader.numbers) > 5


def test_the_site_is_copied_while_it_is_published(tmp_path: Path) -> None:
    reports, copy = tmp_path / "reports", tmp_path / "copy"
    publish_number(reports, 0)
    command = [sys.executable, "-m", "grx_pipeline", "publish", "--to", str(copy), "--reports", str(reports)]
    with _publisher(reports, 1, 8) as publisher:
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        publisher.communicate(timeout=60)
    assert verify_site(Place.at(str(copy)), progress=lambda _: None).problems == ()


@pytest.mark.parametrize("damage", ["a byte", "a missing file", "a stray file", "a dead link"])
def test_verify_site_finds(tmp_path: Path, damage: str) -> None:
    reports = tmp_path / "reports"
    publish_number(reports, 0)
    page = reports / SESSION / PAGES[1]
    if damage == "a byte":
        page.write_bytes(page.read_bytes().replace(b"lap", b"LAP", 1))
    elif damage == "a missing file":
        (reports / SESSION / data_of(page.read_bytes())).unlink()
    elif damage == "a stray file":
        (reports / SESSION / "notes.txt").write_bytes(b"mine")
    else:
        (reports / "index.html").resolve().parent.joinpath("assets").rename(reports / "elsewhere")
    command = [sys.executable, "-m", "grx_pipeline", "verify-site", "--reports", str(reports)]
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    said = {
        "a byte": "not those",
        "a missing file": "missing",
        "a stray file": "in no manifest",
        "a dead link": "missing",
    }
    assert result.returncode == 1
    assert said[damage] in result.stderr
