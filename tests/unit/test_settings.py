import math
import re
import tempfile
from dataclasses import Field, fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grx_pipeline.errors import SettingsError
from grx_pipeline.settings import Settings, load_settings, threshold
from grx_pipeline.settings.load import find_key
from grx_pipeline.settings.reference import render_settings
from grx_pipeline.settings.threshold import allowed_of, allowed_text


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
        ("[engine]\nmemory_limit_mb = -5\n", "memory_limit_mb is -5, but has to be from 100 to 1,000,000 \\(MB"),
        ("[laps]\npace_factor = 0.5\n", "pace_factor is 0.5, but has to be from 1 to 2 \\(ratio"),
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


NUMBERS = [
    (group.name, setting)
    for group in fields(Settings)
    if is_dataclass(getattr(Settings(), group.name))
    for setting in fields(getattr(Settings(), group.name))
    if not isinstance(setting.default, str)
]


def limits_of(setting: Field[Any]) -> tuple[float, float]:
    """The range of a setting, from the words that a person reads."""
    low, high = re.findall(r"from ([-\d.,]+) to ([\d.,]+)", allowed_text(setting))[0]
    return float(low.replace(",", "")), float(high.replace(",", ""))


def load_one(config: Path, group: str, setting: Field[Any], value: object) -> Settings:
    is_whole = isinstance(setting.default, int) and isinstance(value, float) and math.isfinite(value)
    config.write_text(f"[{group}]\n{setting.name} = {round(value) if is_whole else value}\n")
    return load_settings(environment={}, config=config)


@pytest.mark.parametrize("group", dict(NUMBERS))
def test_every_number_is_refused_beyond_its_range_with_file_name_value_and_range(tmp_path: Path, group: str) -> None:
    for setting in [setting for name, setting in NUMBERS if name == group]:
        low, high = limits_of(setting)
        beyond = [low - max(1, abs(low) / 50), high + max(1, high / 50)]
        for value in beyond + ([math.inf, math.nan] if isinstance(setting.default, float) else []):
            with pytest.raises(SettingsError) as refused:
                load_one(tmp_path / "grx.toml", group, setting, value)
            said = str(refused.value)
            assert said.startswith(f"{tmp_path / 'grx.toml'}: [{group}] {setting.name} is ")
            assert allowed_of(setting).text in said


@given(st.sampled_from(NUMBERS), st.floats(0, 1))
def test_every_number_in_its_range_is_taken_unless_another_setting_bounds_it(
    one: tuple[str, Field[Any]], place: float
) -> None:
    group, setting = one
    low, high = limits_of(setting)
    # The range is told in three figures.
    value = min(max(low + (high - low) * place, low * 1.01), high * 0.99)
    value = round(value) if isinstance(setting.default, int) else value
    with tempfile.TemporaryDirectory() as folder:
        try:
            settings = load_one(Path(folder) / "grx.toml", group, setting, value)
        except SettingsError as error:
            assert "has to be at most" in str(error)
            assert not is_between_its_neighbours(group, setting, value)
        else:
            assert getattr(getattr(settings, group), setting.name) == value
            assert is_between_its_neighbours(group, setting, value)


def is_between_its_neighbours(group: str, setting: Field[Any], value: float) -> bool:
    values = getattr(Settings(), group)
    above = setting.metadata["below"]
    under = [other.name for other in fields(values) if other.metadata["below"] == setting.name]
    return all(getattr(values, name) <= value for name in under) and (not above or value <= getattr(values, above))


def test_a_threshold_that_must_not_exceed_another_is_compared_after_both_are_read(tmp_path: Path) -> None:
    config = tmp_path / "grx.toml"
    config.write_text("[corners]\nbraking_bar = 12\n")
    with pytest.raises(
        SettingsError, match=r"braking_bar is 12\.0, but has to be at most braking_peak_bar, which is 10"
    ):
        load_settings(environment={}, config=config)
    config.write_text("[corners]\nbraking_bar = 12\nbraking_peak_bar = 20\n")
    assert load_settings(environment={}, config=config).corners.braking_bar == 12.0


@pytest.mark.parametrize(
    ("group", "wrong", "said"),
    [
        ("report", 'speed_unit = "knots"', "km/h or mph"),
        ("report", 'decimal_sign = ","', "point or comma"),
        ("report", 'time_zone = "Mars/Base"', "Europe/Berlin"),
        ("serve", 'address = "localhost"', "http://"),
        ("serve", 'address = "http://"', "http://"),
        ("llm", 'model = " "', "name of a model"),
    ],
)
def test_a_word_that_no_setting_knows_is_refused(tmp_path: Path, group: str, wrong: str, said: str) -> None:
    config = tmp_path / "grx.toml"
    config.write_text(f"[{group}]\n{wrong}\n")
    with pytest.raises(SettingsError, match=rf"\[{group}\] {wrong.split(maxsplit=1)[0]} is .*{said}"):
        load_settings(environment={}, config=config)


def test_no_text_is_declared_without_what_it_may_be_and_no_default_outside_its_range() -> None:
    with pytest.raises(TypeError, match="say what it is allowed to be"):
        threshold("some", unit="word", why="")
    with pytest.raises(ValueError, match="is not between"):
        threshold(3.0, unit="share", why="")


def test_the_list_of_settings_is_up_to_date() -> None:
    page = Path(__file__).parents[2] / "docs" / "settings.md"
    assert page.read_text(encoding="utf-8") == render_settings(), "run `make docs`"


@pytest.mark.parametrize("sign", ["?", "\\", "%20", "%2F"])
def test_a_data_folder_that_databases_would_look_for_elsewhere_is_refused(tmp_path: Path, sign: str) -> None:
    with pytest.raises(SettingsError, match=f"with {re.escape(sign)} in its path") as refused:
        load_settings(environment={}, config=tmp_path / "grx.toml", data_dir=tmp_path / f"a{sign}b" / "data")
    assert str(tmp_path) in str(refused.value)
    odd = load_settings(environment={}, config=tmp_path / "grx.toml", reports_dir=tmp_path / f"a{sign}b")
    assert odd.reports_dir == tmp_path / f"a{sign}b"
