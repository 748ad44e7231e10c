import pytest
from support.built_session import BuiltSession
from support.fake_chain import fake_chain

from grx_pipeline import steps


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> BuiltSession:
    return BuiltSession(tmp_path_factory.mktemp("built"))


@pytest.fixture
def built(built_once: BuiltSession, monkeypatch: pytest.MonkeyPatch) -> BuiltSession:
    """A session as it was built, with the working directory in its folder."""
    built_once.reset()
    monkeypatch.chdir(built_once.folder)
    monkeypatch.setattr(steps, "STEPS", fake_chain())
    monkeypatch.setattr("grx_pipeline.upkeep.session_files.STEPS", fake_chain())
    return built_once
