"""Watches the folder of raw files and the thresholds: new sessions are run, changed inputs are shown as changed."""

from typing import Any

import dagster as dg

from grx_pipeline.defs.inputs import report_files, report_thresholds
from grx_pipeline.defs.jobs import SESSION_JOB
from grx_pipeline.defs.partitions import SESSIONS
from grx_pipeline.defs.tags import LANDED_TAG
from grx_pipeline.ingest.landing import Landed, look
from grx_pipeline.paths import Paths
from grx_pipeline.settings import load_settings

LANDING_SENSOR = "sessions_that_landed"


def landing_sensor(gap_s: float) -> Any:
    """The sensor, looking every `gap_s` seconds. All it remembers is its cursor."""

    @dg.sensor(
        name=LANDING_SENSOR,
        job_name=SESSION_JOB,
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=max(1, round(gap_s)),
        description="Runs a session once its files have fully landed in data/raw, and again when one was corrected. "
        "Each tick says what it is waiting for.",
    )
    def sessions_that_landed(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        settings = load_settings()
        seen = look(Paths.of(settings), context.cursor or "")
        report_thresholds(context.instance, settings)
        for landed in seen.landed:
            report_files(context.instance, landed.manifest)
        sessions = [landed.manifest.session for landed in seen.landed]
        return dg.SensorResult(
            run_requests=[_request(landed) for landed in seen.landed],
            dynamic_partitions_requests=[SESSIONS.build_add_request(sessions)] if sessions else [],
            cursor=seen.memory,
            skip_reason=None if sessions else " ".join(seen.sentences),
        )

    return sessions_that_landed


def _request(landed: Landed) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=landed.key, partition_key=landed.manifest.session, tags={LANDED_TAG: landed.manifest.root}
    )
