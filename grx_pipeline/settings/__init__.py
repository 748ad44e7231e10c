"""Typed settings: folders, limits, and every threshold of the methods with its unit and its reason.

A number that decides something lives here and nowhere else. Defaults can be changed in `grx.toml` (one table per
group) and the two folders by `GRX_DATA_DIR` and `GRX_REPORTS_DIR`. Table and column names do not belong here
(schemas), nor file names (paths.py).
"""

from grx_pipeline.settings.analysis import (
    CornerSettings,
    DptadSettings,
    LedgerSettings,
    OpportunitySettings,
    TrackSettings,
)
from grx_pipeline.settings.load import (
    Settings,
    load_settings,
)
from grx_pipeline.settings.methods import (
    FeatureSettings,
    ReferenceSettings,
    SiwtlSettings,
    StudySettings,
    TraceSettings,
)
from grx_pipeline.settings.narratives import LlmSettings, NarrativeSettings
from grx_pipeline.settings.running import (
    ClockSettings,
    EngineSettings,
    FileTimes,
    IngestSettings,
    LapSettings,
    MatchSettings,
    QualitySettings,
    ReportSettings,
    RunSettings,
    SensorSettings,
    usable_cores,
)
from grx_pipeline.settings.serving import ChatLimits, ServeSettings
from grx_pipeline.settings.threshold import threshold

__all__ = [
    "ChatLimits",
    "ClockSettings",
    "CornerSettings",
    "DptadSettings",
    "EngineSettings",
    "FeatureSettings",
    "FileTimes",
    "IngestSettings",
    "LapSettings",
    "LedgerSettings",
    "LlmSettings",
    "MatchSettings",
    "NarrativeSettings",
    "OpportunitySettings",
    "QualitySettings",
    "ReferenceSettings",
    "ReportSettings",
    "RunSettings",
    "SensorSettings",
    "ServeSettings",
    "Settings",
    "SiwtlSettings",
    "StudySettings",
    "TraceSettings",
    "TrackSettings",
    "load_settings",
    "threshold",
    "usable_cores",
]
