"""The tags that a run of Dagster carries: its session, who works on it, and where its files were seen."""

from grx_pipeline.storage.processes import process_mark

PARTITION_TAG = "dagster/partition"
# Which process works on a run: run id and process, so that a tag copied to a re-execution does not count.
WORKER_TAG = "grx/worker"
# Where the sensor saw a session land, so that its run looks there and not where the files were before.
LANDED_TAG = "grx/landed"


def worker_tag(run_id: str) -> dict[str, str]:
    """The tag by which this process claims a run."""
    return {WORKER_TAG: f"{run_id} {process_mark()}"}
