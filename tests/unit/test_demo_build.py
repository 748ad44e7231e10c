from pathlib import Path

import pytest
from support.demo_race import make_race

from grx_pipeline.demo import build
from grx_pipeline.demo.build import make_demo, read_stamp
from grx_pipeline.demo.race import DemoRace
from grx_pipeline.errors import InputError


class Simulator:
    """Stands for the simulation and remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int, int]] = []

    def __call__(self, *, cars: int, laps: int, seed: int, race: int = 1, weekend: int = 0) -> DemoRace:
        assert (cars, laps) == build.SIZES["small"]
        self.asked.append((weekend, race, seed))
        return make_race(cars=4, laps=1, race=race)


@pytest.fixture
def simulator(monkeypatch: pytest.MonkeyPatch) -> Simulator:
    found = Simulator()
    monkeypatch.setattr(build, "simulate_race", found)
    return found


def make(folder: Path, *, sessions: int = 1, seed: int = 1) -> list[Path]:
    return make_demo(folder, size="small", sessions=sessions, seed=seed, progress=lambda _: None)


def test_sessions_are_the_races_of_one_weekend_after_the_other(tmp_path: Path, simulator: Simulator) -> None:
    made = make(tmp_path, sessions=3)
    assert [path.relative_to(tmp_path).as_posix() for path in made] == [
        *("weekend1/race1", "weekend1/race2", "weekend2/race3")
    ]
    assert simulator.asked == [(0, 1, 1), (0, 2, 1), (1, 3, 1)]
    sets = [(read_stamp(path) or {})["channel_set"] for path in made]
    assert sets == ["pedal", "blade", "pedal"]


def test_what_stands_there_already_is_not_made_again(tmp_path: Path, simulator: Simulator) -> None:
    (place,) = make(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in place.iterdir()}
    make(tmp_path, sessions=2)
    assert simulator.asked == [(0, 1, 1), (0, 2, 1)]
    assert {path: path.stat().st_mtime_ns for path in place.iterdir()} == before


def test_another_seed_replaces_the_session(tmp_path: Path, simulator: Simulator) -> None:
    (place,) = make(tmp_path)
    (place / "left over.csv").write_text("from an older version")
    make(tmp_path, seed=2)
    assert simulator.asked == [(0, 1, 1), (0, 1, 2)]
    assert (read_stamp(place) or {})["seed"] == 2
    assert not (place / "left over.csv").exists()
    assert [path.name for path in place.parent.iterdir()] == ["race1"]


def test_a_folder_of_other_files_is_left_alone(tmp_path: Path, simulator: Simulator) -> None:
    foreign = tmp_path / "weekend1" / "race1"
    foreign.mkdir(parents=True)
    (foreign / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="not a demo session"):
        make(tmp_path)
    assert [path.name for path in foreign.iterdir()] == ["notes.txt"]
    assert simulator.asked == []


def test_an_interrupted_session_is_made_again(
    tmp_path: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(build, "write_race", stop)
        make(tmp_path)
    assert read_stamp(tmp_path / "weekend1" / "race1") is None
    (place,) = make(tmp_path)
    assert read_stamp(place) is not None
    assert len(simulator.asked) == 2


def test_more_sessions_than_race_numbers_are_refused(tmp_path: Path, simulator: Simulator) -> None:
    with pytest.raises(InputError, match="at most"):
        make(tmp_path, sessions=10)
    assert simulator.asked == []
