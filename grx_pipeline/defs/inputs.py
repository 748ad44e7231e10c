"""What the lineage starts from: the files of a session, by kind, and the thresholds of the methods.

They are assets that nothing here makes. A run and the sensor tell the instance what they hold; where that differs
from what an asset was made from, the UI shows the asset as out of date. Whether a step runs is steps.py's to say.
"""

import dataclasses
import json
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

import dagster as dg

from grx_pipeline.defs.partitions import SESSIONS
from grx_pipeline.defs.showing import table_metadata
from grx_pipeline.ingest.catalogue import find_sessions
from grx_pipeline.ingest.manifest import Manifest
from grx_pipeline.paths import Paths
from grx_pipeline.settings import Settings, load_settings
from grx_pipeline.settings.threshold import allowed_text, unit_of
from grx_pipeline.steps import STEPS, Step
from grx_pipeline.storage.steps import combined_hash

FILES = "files"
THRESHOLDS = "thresholds"
FILES_GROUP = "1_from_the_track"
THRESHOLDS_GROUP = "2_thresholds"
_OWNER = "team:data"
DATA_VERSION_TAG = "dagster/data_version"


@dataclasses.dataclass(frozen=True, kw_only=True)
class FileCard:
    """Raw files that arrive together, and what they are to people."""

    kinds: tuple[str, ...]
    text: str


FILE_CARDS: dict[str, FileCard] = {
    "telemetry": FileCard(
        kinds=("telemetry", "telemetry_json"), text="The telemetry file off the cars' loggers, 1 to 3.6 GB."
    ),
    "logger_laps": FileCard(
        kinds=("lap_start", "lap_end", "lap_time"), text="The loggers' own laps: lap_start, lap_end, lap_time."
    ),
    "timing": FileCard(
        kinds=("analysis", "results", "class_results", "best_laps"),
        text="What timing and scoring hands out: laps with sectors (23_*), results (03_*, 05_*), best laps (99_*).",
    ),
    "weather": FileCard(kinds=("weather",), text="The weather station's sheet (26_*)."),
    "session_toml": FileCard(kinds=("session",), text="session.toml: what the team itself says about the session."),
}


def file_key(name: str) -> dg.AssetKey:
    """The asset of the files under `name` in FILE_CARDS."""
    return dg.AssetKey([FILES, name])


def threshold_key(group: str) -> dg.AssetKey:
    """The asset of a group of settings."""
    return dg.AssetKey([THRESHOLDS, group])


def inputs_of(step: Step) -> list[dg.AssetKey]:
    """The files and thresholds that a step uses."""
    files = [file_key(name) for name, card in FILE_CARDS.items() if not set(card.kinds).isdisjoint(step.raw_kinds)]
    return [*files, *(threshold_key(group) for group in step.settings)]


def input_assets(chain: Sequence[Step]) -> list[dg.AssetsDefinition]:
    """The assets of all files and thresholds that the chain uses. `Observe` in the UI looks at them."""
    used = {key for step in chain for key in inputs_of(step)}
    with warnings.catch_warnings():
        # Beta in the version of Dagster that is pinned; tests/defs show that it does what is wanted.
        warnings.simplefilter("ignore", dg.BetaWarning)
        files = [_files_asset(name, card) for name, card in FILE_CARDS.items()]
        thresholds = [_thresholds_asset(group) for group in _groups(chain)]
    return [asset for asset in (*files, *thresholds) if asset.keys <= used]


def _files_asset(name: str, card: FileCard) -> dg.AssetsDefinition:
    spec = dg.AssetSpec(
        file_key(name),
        partitions_def=SESSIONS,
        group_name=FILES_GROUP,
        kinds={"file"},
        owners=[_OWNER],
        description=f"{card.text} They land in data/raw, or lie where `grx run PATH` found them.",
    )

    @dg.multi_observable_source_asset(name=f"look_at_{name}", specs=[spec])
    def files(context: dg.AssetExecutionContext) -> dg.ObserveResult:
        found = find_sessions([context.partition_key], Paths.of(load_settings()))
        manifest = next(iter(found.sessions), None)
        if manifest is None:
            raise dg.Failure("; ".join(found.problems), allow_retries=False)
        return _observed(file_observations(manifest), spec.key)

    return cast(dg.AssetsDefinition, files)


def _thresholds_asset(group: str) -> dg.AssetsDefinition:
    spec = dg.AssetSpec(
        threshold_key(group),
        group_name=THRESHOLDS_GROUP,
        kinds={"toml"},
        owners=[_OWNER],
        description=f"{_purpose(group)} Change one in grx.toml under [{group}]; "
        "what was made with the old one then shows as out of date.",
    )

    @dg.multi_observable_source_asset(name=f"look_at_{group}_thresholds", specs=[spec])
    def thresholds() -> dg.ObserveResult:
        return _observed(threshold_observations(load_settings(), [group]), spec.key)

    return cast(dg.AssetsDefinition, thresholds)


def _observed(found: Iterable[dg.AssetObservation], key: dg.AssetKey) -> dg.ObserveResult:
    one = next(observation for observation in found if observation.asset_key == key)
    version = dg.DataVersion(one.tags[DATA_VERSION_TAG])
    return dg.ObserveResult(asset_key=key, metadata=one.metadata, data_version=version)


def _files_version(manifest: Manifest, card: FileCard) -> str:
    return combined_hash({f"{file.kind} file {file.name}": file.sha256 for file in manifest.of_kind(*card.kinds)})


def _groups(chain: Iterable[Step]) -> list[str]:
    return list({group: None for step in chain for group in step.settings})


def report_inputs(instance: dg.DagsterInstance, settings: Settings, manifest: Manifest) -> list[dg.AssetObservation]:
    """Tell the instance what a session's files and the thresholds hold; returns what it did not know yet."""
    return [*report_files(instance, manifest), *report_thresholds(instance, settings)]


def report_files(instance: dg.DagsterInstance, manifest: Manifest) -> list[dg.AssetObservation]:
    """Tell the instance what a session's files hold; returns what it did not know yet."""
    return _report_changes(instance, manifest.session, file_observations(manifest))


def report_thresholds(instance: dg.DagsterInstance, settings: Settings) -> list[dg.AssetObservation]:
    """Tell the instance which thresholds hold; returns what it did not know yet."""
    return _report_changes(instance, THRESHOLDS, threshold_observations(settings, _groups(STEPS.values())))


def file_observations(manifest: Manifest) -> Iterator[dg.AssetObservation]:
    """One for each asset of files, also where the session has none of them."""
    for name, card in FILE_CARDS.items():
        files = manifest.of_kind(*card.kinds)
        rows: list[Mapping[str, str | float]] = [
            {"file": file.name, "holds": file.kind, "MB": round(file.size / 1e6, 1), "sha256": file.sha256[:12]}
            for file in files
        ]
        yield dg.AssetObservation(
            asset_key=file_key(name),
            partition=manifest.session,
            tags={DATA_VERSION_TAG: _files_version(manifest, card)},
            metadata={"files": table_metadata(rows)},
        )


def threshold_observations(settings: Settings, groups: Sequence[str]) -> Iterator[dg.AssetObservation]:
    """One for each group of settings."""
    for group in groups:
        values = dataclasses.asdict(getattr(settings, group))
        yield dg.AssetObservation(
            asset_key=threshold_key(group),
            tags={DATA_VERSION_TAG: combined_hash({name: repr(value) for name, value in values.items()})},
            metadata={"thresholds": table_metadata(_threshold_rows(getattr(settings, group)))},
        )


def _report_changes(
    instance: dg.DagsterInstance, about: str, found: Iterable[dg.AssetObservation]
) -> list[dg.AssetObservation]:
    """Record those observations that say something else than was told last; returns them.

    What was told last stands in the instance's cursors: one query, where the events take one for each asset.
    """
    cursor, told = f"grx/inputs/{about}", instance.daemon_cursor_storage
    known = json.loads(told.get_cursor_values({cursor}).get(cursor, "{}"))
    versions = {one.asset_key.to_user_string(): (one, one.tags[DATA_VERSION_TAG]) for one in found}
    changed = [one for name, (one, version) in versions.items() if known.get(name) != version]
    for one in changed:
        instance.report_runless_asset_event(one)
    if changed:
        told.set_cursor_values({cursor: json.dumps({name: version for name, (_, version) in versions.items()})})
    return changed


def _purpose(group: str) -> str:
    settings = next(field for field in dataclasses.fields(Settings) if field.name == group)
    text: str = getattr(settings.default_factory, "__doc__", "") or ""
    return text.splitlines()[0]


def _threshold_rows(group: Any) -> list[Mapping[str, str]]:
    return [
        {
            "threshold": field.name,
            "value": f"{getattr(group, field.name)} {unit_of(field)}".strip(),
            "changed from": "" if getattr(group, field.name) == field.default else str(field.default),
            "may be": allowed_text(field),
            "why": str(field.metadata["why"]),
        }
        for field in dataclasses.fields(group)
    ]
