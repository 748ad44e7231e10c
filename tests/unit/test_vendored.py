"""What is vendored is what its package holds, with its licence, and every site carries both."""

import hashlib
import json
from importlib import resources

from grx_pipeline.reports.renderer import static_files

VENDOR = resources.files("grx_pipeline.reports") / "static" / "vendor"


def test_vendored_files_are_those_of_the_recorded_package() -> None:
    record = json.loads((VENDOR / "uPlot.json").read_text(encoding="utf-8"))
    assert record["integrity"].startswith("sha512-")
    assert record["version"] in (VENDOR / "uPlot.iife.min.js").read_text(encoding="utf-8")[:200]
    present = {file.name for file in VENDOR.iterdir()} - {"uPlot.json"}
    assert present == set(record["files"])
    for name, entry in record["files"].items():
        assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == entry["sha256"]


def test_a_site_carries_the_vendored_files_byte_for_byte_with_their_licence() -> None:
    files = static_files()
    carried = {
        "uPlot.iife.min.js": "traces.js",
        "uPlot.min.css": "site.css",
        "uPlot.LICENSE.txt": "vendor/uPlot.LICENSE.txt",
    }
    for name, where in carried.items():
        assert (VENDOR / name).read_bytes() in files[where][1]
    assert b"MIT License" in files["vendor/uPlot.LICENSE.txt"][1]
