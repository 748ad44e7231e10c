"""The CDN's function leads every address of the API to a file that `grx publish` put there."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from support.published_site import LATEST, publish_sessions
from support.report_session import PLAIN, TRACED

from grx_pipeline.publishing.place import Place
from grx_pipeline.publishing.target import copy_site

FUNCTION = Path(__file__).parents[2] / "deploy" / "cdn-rewrite.js"
ADDRESSES = {
    "/": "index.html",
    "/docs": "docs.html",
    "/openapi.json": "openapi.json",
    "/api/sessions": "api/sessions.json",
    "/api/season": "api/season.json",
    "/api/drivers": "latest/api/drivers.json",
    "/api/drivers.json": "latest/api/drivers.json",
    f"/api/telemetry/{PLAIN}/{TRACED[0]}": f"latest/api/telemetry/{PLAIN}/{TRACED[0]}.json",
    f"/api/sessions/{LATEST}/ml/siwtl/calculate/{PLAIN}": f"{LATEST}/api/ml/siwtl/calculate/{PLAIN}.json",
    f"/{LATEST}/": f"{LATEST}/index.html",
    f"/{LATEST}/api/drivers.json": f"{LATEST}/api/drivers.json",
    f"/{LATEST}/manifest.json": f"{LATEST}/manifest.json",
}


def test_every_address_leads_to_a_file_of_the_copy(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed")
    reports, copy = publish_sessions(tmp_path), tmp_path / "copy"
    copy_site(Place.at(str(reports)), Place.at(str(copy)), keep=3, progress=lambda _: None)
    script = FUNCTION.read_text(encoding="utf-8")
    script += f"\nconst uris = {json.dumps(list(ADDRESSES))};"
    script += "\nconsole.log(JSON.stringify(uris.map((uri) => handler({ request: { uri } }).uri)));"
    result = subprocess.run([node, "-e", script], check=True, capture_output=True, text=True)
    found = json.loads(result.stdout)
    assert found == [f"/{file}" for file in ADDRESSES.values()]
    assert all((copy / uri[1:]).is_file() for uri in found)
