from pathlib import Path

import pytest

from grx_pipeline.errors import SettingsError
from grx_pipeline.settings import Settings, load_settings
from grx_pipeline.settings.load import find_key


def test_defaults_need_no_file(tmp_path: Path) -> None:
    assert load_settings(environment={}, config=tmp_path / "grx.toml") == Settings()


def test_folders_come_from_argument_before_environment_before_file(tmp_path: Path) -> None:
    config = tmp_path / "grx.toml"
    config.write_text('data_dir = "from-file"\nreports_dir = "site"\n')
    environment = {"GRX_DATA_DIR": "/from/environment"}
    chosen = load_settings(environment=environment, config=config)
    assert (chosen.data_dir, chosen.reports_dir) == (Path("/from/environment"), tmp_path / "site")
    assert load_settings(environment=environment, config=config, data_dir=Path("/arg")).data_dir == Path("/arg")


def test_a_threshold_in_the_file_replaces_its_default_only(tmp_path: Path) -> None:
    config = tmp_path / "grx.toml"
    config.write_text("[siwtl]\nkappa = 1\n")
    settings = load_settings(environment={}, config=config)
    assert settings.siwtl.kappa == 1.0
    assert settings.siwtl.prior_laps == Settings().siwtl.prior_laps
    assert settings.laps == Settings().laps


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[siwtl]\nkapa = 0.5\n", "unknown setting 'kapa'"),
        ("[siwtll]\nkappa = 0.5\n", "unknown setting 'siwtll'"),
        ('[siwtl]\nkappa = "much"\n', "has to be of type float"),
        ("[siwtl]\nlow_confidence_laps = true\n", "has to be of type int"),
        ("[engine]\nmemory_limit_mb = -5\n", "has to be 0 or more"),
        ("[siwtl\n", "not valid TOML"),
    ],
)
def test_a_mistake_in_the_file_is_named(tmp_path: Path, text: str, words: str) -> None:
    config = tmp_path / "grx.toml"
    config.write_text(text)
    with pytest.raises(SettingsError, match=words):
        load_settings(environment={}, config=config)


@pytest.mark.parametrize(
    ("environment", "dotenv", "mode"),
    [
        ({}, None, "auto"),
        ({"GROQ_API_KEY": "gsk_x"}, None, "groq"),
        ({"GROQ_API_KEY": "  "}, None, "auto"),
        ({}, "# keys\nexport GROQ_API_KEY='gsk_y'\n", "groq"),
        ({}, "GROQ_API_KEY=\nOTHER=1\n", "auto"),
    ],
)
def test_a_key_turns_the_language_model_on_and_is_not_kept(
    tmp_path: Path, environment: dict[str, str], dotenv: str | None, mode: str
) -> None:
    if dotenv is not None:
        (tmp_path / ".env").write_text(dotenv)
    settings = load_settings(environment=environment, config=tmp_path / "grx.toml")
    assert settings.llm.mode == mode
    assert settings.llm.is_asked == (mode == "groq")
    assert "gsk_" not in repr(settings)


def test_the_key_of_the_environment_comes_before_that_of_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("GROQ_API_KEY=from-file\n")
    assert find_key({"GROQ_API_KEY": "from-environment"}, dotenv=tmp_path / ".env") == "from-environment"
    assert find_key({}, dotenv=tmp_path / ".env") == "from-file"
    assert find_key({}, dotenv=tmp_path / "none") is None


def test_the_file_can_turn_the_language_model_off_and_a_run_too(tmp_path: Path) -> None:
    config = tmp_path / "grx.toml"
    config.write_text('[llm]\nmode = "rules"\n')
    assert not load_settings(environment={"GROQ_API_KEY": "x"}, config=config).llm.is_asked
    config.write_text('[llm]\nmode = "groq"\n')
    asked = load_settings(environment={"GROQ_API_KEY": "x"}, config=config)
    assert not load_settings(environment={}, config=config).llm.is_asked, "no key, nothing to ask with"
    assert not asked.with_llm(is_off=True, budget=None).llm.is_asked
    assert asked.with_llm(is_off=False, budget=7).llm.budget == 7
    assert asked.with_llm(is_off=False, budget=None) == asked


@pytest.mark.parametrize("wrong", ['mode = "gpt"', 'base_url = "ftp://x"', "concurrency = 0"])
def test_a_language_model_that_cannot_be_is_an_error(tmp_path: Path, wrong: str) -> None:
    config = tmp_path / "grx.toml"
    config.write_text(f"[llm]\n{wrong}\n")
    with pytest.raises(SettingsError, match=r"\[llm\]"):
        load_settings(environment={}, config=config)
