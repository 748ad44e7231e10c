"""All settings of a run, and where they are read from: defaults, grx.toml, environment, arguments."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from grx_pipeline.errors import SettingsError
from grx_pipeline.settings.analysis import (
    CornerSettings,
    DptadSettings,
    LedgerSettings,
    OpportunitySettings,
    TrackSettings,
)
from grx_pipeline.settings.methods import (
    FeatureSettings,
    ReferenceSettings,
    SiwtlSettings,
    StudySettings,
    TraceSettings,
)
from grx_pipeline.settings.narratives import AUTO, GROQ, RULES, LlmSettings, NarrativeSettings
from grx_pipeline.settings.running import (
    ClockSettings,
    EngineSettings,
    IngestSettings,
    LapSettings,
    MatchSettings,
    QualitySettings,
    ReportSettings,
    RunSettings,
    SensorSettings,
)
from grx_pipeline.settings.serving import ServeSettings
from grx_pipeline.settings.threshold import allowed_of, unit_of

KEY_NAME = "GROQ_API_KEY"
# The address of a SQLite file ends at a `?` and is percent-decoded; DuckDB takes a backslash for a slash.
_NO_PLACE = re.compile(r"[?\\]|%[0-9A-Fa-f]{2}")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings of one run."""

    data_dir: Path = Path("data")
    reports_dir: Path = Path("reports")
    engine: EngineSettings = field(default_factory=EngineSettings)
    ingest: IngestSettings = field(default_factory=IngestSettings)
    match: MatchSettings = field(default_factory=MatchSettings)
    laps: LapSettings = field(default_factory=LapSettings)
    clock: ClockSettings = field(default_factory=ClockSettings)
    sensors: SensorSettings = field(default_factory=SensorSettings)
    trace: TraceSettings = field(default_factory=TraceSettings)
    features: FeatureSettings = field(default_factory=FeatureSettings)
    track: TrackSettings = field(default_factory=TrackSettings)
    corners: CornerSettings = field(default_factory=CornerSettings)
    dptad: DptadSettings = field(default_factory=DptadSettings)
    ledger: LedgerSettings = field(default_factory=LedgerSettings)
    opportunities: OpportunitySettings = field(default_factory=OpportunitySettings)
    reference: ReferenceSettings = field(default_factory=ReferenceSettings)
    siwtl: SiwtlSettings = field(default_factory=SiwtlSettings)
    study: StudySettings = field(default_factory=StudySettings)
    narrative: NarrativeSettings = field(default_factory=NarrativeSettings)
    llm: LlmSettings = field(default_factory=LlmSettings)
    report: ReportSettings = field(default_factory=ReportSettings)
    quality: QualitySettings = field(default_factory=QualitySettings)
    run: RunSettings = field(default_factory=RunSettings)
    serve: ServeSettings = field(default_factory=ServeSettings)

    def with_llm(self, *, is_off: bool, budget: int | None) -> "Settings":
        """The same with the language model off, or with another budget of requests."""
        llm = self.llm if budget is None else replace(self.llm, budget=budget)
        return replace(self, llm=replace(llm, mode=RULES) if is_off and llm.is_asked else llm)


def load_settings(
    *,
    environment: Mapping[str, str] = os.environ,
    config: Path = Path("grx.toml"),
    data_dir: Path | None = None,
    reports_dir: Path | None = None,
) -> Settings:
    """Settings from defaults, then `config` where it exists, then the environment, then the arguments.

    Whether a language model is asked is decided here, by whether there is a key; the key itself is not kept.

    Raises SettingsError for an unknown group or name, a value of another type than its default or one that makes no
    sense, and a data folder that databases cannot be kept in.
    """
    settings = Settings()
    if config.is_file():
        settings = _apply_file(settings, config)
    chosen_data = data_dir or _folder(environment.get("GRX_DATA_DIR")) or settings.data_dir
    chosen_reports = reports_dir or _folder(environment.get("GRX_REPORTS_DIR")) or settings.reports_dir
    return replace(
        settings,
        data_dir=_for_databases(chosen_data.expanduser()),
        reports_dir=chosen_reports.expanduser(),
        llm=_decided(settings.llm, has_key=find_key(environment, dotenv=config.parent / ".env") is not None),
    )


def find_key(environment: Mapping[str, str], *, dotenv: Path) -> str | None:
    """GROQ_API_KEY of the environment, else of the file `dotenv`; None without one."""
    key = environment.get(KEY_NAME, "").strip()
    if key or not dotenv.is_file():
        return key or None
    for line in dotenv.read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, value = line.strip().removeprefix("export ").partition("=")
        if name.strip() == KEY_NAME and value.strip().strip("\"'"):
            return value.strip().strip("\"'")
    return None


def _decided(llm: LlmSettings, *, has_key: bool) -> LlmSettings:
    """With a key auto becomes groq; without one groq becomes auto, which asks nobody."""
    if has_key and llm.mode == AUTO:
        return replace(llm, mode=GROQ)
    return replace(llm, mode=AUTO) if llm.mode == GROQ and not has_key else llm


def _folder(text: str | None) -> Path | None:
    return Path(text) if text else None


def _for_databases(folder: Path) -> Path:
    """The folder. Raises SettingsError where DuckDB or SQLite would look for a file elsewhere than it lies."""
    sign = _NO_PLACE.search(str(folder.absolute()))
    if sign:
        raise SettingsError(
            f"{folder.absolute()}: databases cannot be kept under a folder with {sign[0]} in its path; "
            "name another data folder with --data or GRX_DATA_DIR"
        )
    return folder


def _apply_file(settings: Settings, config: Path) -> Settings:
    try:
        document = tomllib.loads(config.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{config}: not valid TOML: {error}") from error
    known = {f.name: f for f in fields(Settings)}
    changes: dict[str, Any] = {}
    for name, value in document.items():
        if name in ("data_dir", "reports_dir"):
            changes[name] = config.parent / str(value)
        elif name in known and isinstance(value, dict):
            changes[name] = _apply_group(getattr(settings, name), value, where=f"{config}: [{name}]")
        else:
            raise SettingsError(f"{config}: unknown setting {name!r}; known are {', '.join(known)}")
    return replace(settings, **changes)


def _apply_group(group: Any, values: Mapping[str, Any], *, where: str) -> Any:
    known = {f.name: f for f in fields(group)}
    for name, value in values.items():
        if name not in known:
            raise SettingsError(f"{where}: unknown setting {name!r}; known are {', '.join(known)}")
        _require_allowed(known[name], value, where=where)
    changed = replace(group, **{name: type(getattr(group, name))(value) for name, value in values.items()})
    for name, setting in known.items():
        other = setting.metadata["below"]
        if other and getattr(changed, name) > getattr(changed, other):
            raise SettingsError(
                f"{where} {name} is {getattr(changed, name)}, but has to be at most {other}, "
                f"which is {getattr(changed, other)}"
            )
    return changed


def _require_allowed(setting: Field[Any], value: Any, *, where: str) -> None:
    """Raises SettingsError for a value of another type than the default, or one that makes no sense."""
    wanted = type(setting.default)
    is_number = wanted is float and isinstance(value, int) and not isinstance(value, bool)
    if not is_number and type(value) is not wanted:
        raise SettingsError(f"{where} {setting.name} is {value!r}, but has to be of type {wanted.__name__}")
    allowed, unit = allowed_of(setting), unit_of(setting)
    if not allowed.holds(value):
        raise SettingsError(f"{where} {setting.name} is {value!r}, but has to be {allowed.text}{unit and f' ({unit})'}")
