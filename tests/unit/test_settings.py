from pathlib import Path

import pytest

from grx_pipeline.errors import SettingsError
from grx_pipeline.settings import Settings, load_settings


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
