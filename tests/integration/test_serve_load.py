"""The server under load, beside nginx on the same files in the same run.

The measurement of docs/serving.md is GRX_LOAD_SECONDS=10 with -s, on a real session where there is one:
GRX_LOAD_SITE=reports/barber-2025-r1.
"""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from support.published_site import LATEST, publish_sessions
from support.servers import grx_serve, nginx

from grx_pipeline.benchmarks.serving import addresses, measure, render

SECONDS = float(os.environ.get("GRX_LOAD_SECONDS", "1"))
SITE = os.environ.get("GRX_LOAD_SITE", "")
READERS = 16
# The measured bound is 10 ms; a machine that builds and tests at the same time gets more.
WORST_P99_MS = 10 if SECONDS >= 10 else 100


def test_answers_are_quick_and_right_under_load_and_etags_save_most_of_them(tmp_path: Path) -> None:
    reports, session = (Path(SITE).parent.absolute(), Path(SITE).name) if SITE else (publish_sessions(tmp_path), LATEST)
    urls = addresses(reports, session)
    loads = []
    with grx_serve(reports) as server, nginx(reports, tmp_path / "nginx", server=server) as proxy:
        for name, port in (("grx serve, 1 worker", server), ("nginx, 1 worker", proxy)):
            loads.append(measure(name=name, port=port, urls=urls, readers=READERS, seconds=SECONDS))
    sys.stdout.write("\n" + render(loads, readers=READERS, date=f"{datetime.now(UTC):%Y-%m-%d}"))
    assert [load.errors for load in loads] == [0, 0]
    assert all(load.requests > 100 for load in loads)
    assert all(load.unchanged > load.requests / 10 for load in loads)
    assert loads[0].p99_ms < WORST_P99_MS
