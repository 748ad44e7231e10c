"""What the front page says of a session's last run: that it failed, was killed, or what its checks found."""

import re
from datetime import datetime
from pathlib import Path

from grx_pipeline.errors import DiscoveryError
from grx_pipeline.formats import long_date
from grx_pipeline.ingest.manifest import read_manifest
from grx_pipeline.ingest.refusals import Refusal, read_refusals
from grx_pipeline.paths import Paths
from grx_pipeline.reports.formats import counted
from grx_pipeline.reports.site_records import LastRunRemark, RefusedFiles
from grx_pipeline.schemas.season import SEASON_STEP
from grx_pipeline.storage.last_run import LastRun, outcome_of, read_last_run
from grx_pipeline.storage.steps import read_record

# Where these fail a new report was or can be made all the same.
_BESIDE_THE_REPORT = ("out_warehouse", SEASON_STEP)
_REPORT_STEP = "out_reports"
_WARNINGS_TOLD = 3
_REASON_LENGTH = 300


def run_remark(paths: Paths, session: str, *, is_published: bool) -> LastRunRemark | None:
    """None where the last run came to its end, found nothing wrong, and the report shows what it made.

    While a run goes on nothing is said of it but what its checks have found.
    """
    last = read_last_run(paths, session)
    if last is None:
        return None
    outcome = outcome_of(last, paths, session)
    sentences = [*_ending(last, outcome), *_warnings(paths, session)]
    if is_published and outcome in ("failed", "died") and (_kept_report(last) or _is_report_older(paths, session)):
        sentences.append("What is shown is the report of an earlier run.")
    if not sentences:
        return None
    return LastRunRemark(
        outcome="built" if outcome == "running" else outcome,
        at=None if outcome in ("built", "running") else last.began_at,
        sentences=tuple(_without_folders(text, paths, session) for text in sentences),
    )


def refused_files(paths: Paths) -> tuple[RefusedFiles, ...]:
    """What the last runs were given and did not take in, without the folders of this machine."""
    return tuple(
        RefusedFiles(
            name=refusal.session or Path(refusal.target).name,
            reason=_short(_below(refusal)),
            at=refusal.at,
        )
        for refusal in read_refusals(paths)
    )


def _below(refusal: Refusal) -> str:
    """The reason with paths from the target's own name on."""
    text = refusal.reason.removeprefix(f"{refusal.session}: ")
    folder = re.escape(f"{Path(refusal.target).parent}/")
    return re.sub(rf"(?<![\w./-]){folder}", "", text)


def _ending(last: LastRun, outcome: str) -> list[str]:
    if outcome == "died":
        return [f"The last run on {_moment(last.began_at)} was killed before its end: run the session again."]
    if outcome == "failed":
        reasons = "; ".join(f"{step}: {_short(reason)}" for step, reason in last.failures.items())
        return [f"The last run on {_moment(last.began_at)} failed: {reasons.rstrip('.')}."]
    return []


def _warnings(paths: Paths, session: str) -> list[str]:
    """What checks found at each step that stands; the report's own record, a long one, has none."""
    files = sorted(paths.step_record(session, "").parent.glob("*.json"))
    records = (read_record(file) for file in files if file.stem != _REPORT_STEP)
    found = [text for record in records if record for text in record.warnings]
    told = [_short(text) for text in found[:_WARNINGS_TOLD]]
    more = len(found) - len(told)
    return [*told, f"{counted(more, 'more warning')} of its checks."] if more > 0 else told


def _kept_report(last: LastRun) -> bool:
    return any(step not in _BESIDE_THE_REPORT for step in last.failures)


def _is_report_older(paths: Paths, session: str) -> bool:
    """Whether a step's result is another one now than when the report was made."""
    report = read_record(paths.step_record(session, _REPORT_STEP))
    if report is None:
        return True
    used = {name.removeprefix("step "): version for name, version in report.inputs.items() if name.startswith("step ")}
    records = {step: read_record(paths.step_record(session, step)) for step in used}
    return any(record is None or record.version != used[step] for step, record in records.items())


def _moment(text: str) -> str:
    at = datetime.fromisoformat(text)
    return f"{long_date(at.date().isoformat())} at {at:%H:%M} UTC"


def _short(text: str) -> str:
    """One line of a message."""
    line = " ".join(text.split())
    return line if len(line) <= _REASON_LENGTH else f"{line[:_REASON_LENGTH].rstrip()} …"


def _without_folders(text: str, paths: Paths, session: str) -> str:
    """The page is for everybody: file names stay, the folders of this machine do not."""
    try:
        root = Path(read_manifest(paths.manifest(session)).root)
    except DiscoveryError:
        root = paths.data
    for folder in (root, paths.data, paths.reports):
        if folder.is_absolute():
            text = text.replace(f"{folder}/", "").replace(str(folder), folder.name)
    return text
