"""Pages of a session with everything there is: corners, ledger, events, opportunities and comparisons."""

import gzip
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import html5lib
import pytest
from jsonschema import Draft202012Validator
from support.api_schemas import schema_of
from support.html_pages import assert_links_hold, assert_runs_nothing
from support.page_records import HOSTILE, full_records, make_event
from support.report_session import LONE, NAMES, ODD, PATHS_OF, PLAIN, SESSION, session_tables, write_session

from grx_pipeline.paths import Paths
from grx_pipeline.reports import steps as report_steps
from grx_pipeline.reports.api import SessionRecords
from grx_pipeline.reports.json_schema import schema_files
from grx_pipeline.reports.steps import build_reports, build_season
from grx_pipeline.settings import ReportSettings, Settings
from grx_pipeline.storage.steps import StepContext, StepOutcome

Change = Callable[[SessionRecords], SessionRecords]


class Site:
    """A session that can be built again with some of its records changed."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        settings = Settings(data_dir=folder / "data", reports_dir=folder / "reports")
        self.context = StepContext(
            session=SESSION, paths=Paths.of(settings), settings=settings, progress=lambda text: None
        )
        self.monkeypatch = monkeypatch
        self.tables_to_records = report_steps.session_records
        write_session(self.context, session_tables())
        monkeypatch.setattr(report_steps, "read_manifest", lambda path: _ManifestDouble())

    def build(self, change: Change = lambda records: records, *, report: ReportSettings | None = None) -> StepOutcome:
        context = replace(self.context, settings=replace(self.context.settings, report=report or ReportSettings()))
        self.monkeypatch.setattr(
            report_steps, "session_records", lambda *tables: change(full_records(self.tables_to_records(*tables)))
        )
        return build_reports(context)

    @property
    def folder(self) -> Path:
        return self.context.paths.published(SESSION)

    def page(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def driver(self, vehicle: str) -> str:
        return self.page(f"drivers/{PATHS_OF[vehicle]}.html")

    def html(self) -> list[Path]:
        return sorted(self.folder.rglob("*.html"))


class _ManifestDouble:
    missing_kinds = ()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site(tmp_path, monkeypatch)


def change_events(records: SessionRecords) -> SessionRecords:
    """The same records with one more event of the first car."""
    first = records.cars[0]
    dptad = replace(first.dptad, events=(*first.dptad.events, make_event(4, lost_ms=60.0)))
    return replace(records, cars=(replace(first, dptad=dptad), *records.cars[1:]))


def test_every_page_is_strict_html_with_links_that_hold_and_texts_that_stay_texts(site: Site) -> None:
    site.build()
    build_season(site.context.paths, site.context.settings)
    for path in (*site.html(), site.context.paths.season_page()):
        html5lib.HTMLParser(strict=True).parse(path.read_bytes())
        assert_links_hold(path)
        assert_runs_nothing(path)
    page = site.driver(PLAIN)
    assert page.count("&lt;img src=x onerror=&#34;alert(1)&#34;&gt;") >= 4
    assert HOSTILE not in page
    assert site.driver(LONE).count("🏁 סוזי " + "x" * 200) >= 2


def test_every_place_of_a_driver_page_has_an_address(site: Site) -> None:
    site.build()
    page = site.driver(PLAIN)
    addresses = set(re.findall(r' id="([^"]+)"', page))
    assert {"t1", "t2", "t3", "t4", "lap-1", "lap-6", "e-5-1", "e-5-2", "e-5-3"} <= addresses
    assert '<a href="#t2">Show T2 on the traces</a>' in page
    assert 'href="?laps=5#e-5-2"' in page


def test_cards_corners_and_ledger_say_what_the_records_say(site: Site) -> None:
    site.build()
    page = site.driver(PLAIN)
    gain = json.loads((site.folder / f"api/ledger/{PATHS_OF[PLAIN]}.json").read_bytes())["data"]["potential_gain_ms"]
    assert "<b>0.21 s</b> T2 braking" in page
    assert "Lost on 14 of 18 clean laps; as good as the reference on 3." in page
    foot = re.search(r"<tfoot>(.*?)</tfoot>", page, re.DOTALL)
    assert foot is not None
    assert re.findall(r'"row">([^<]+)</th>', foot[1]) == ["Straights", "Sector 3, not divided", "Lap"]
    assert f'<b class="gain">{gain / 1000:.3f}</b>' in foot[1]
    assert "−0.007" in foot[1]


def test_gains_and_losses_are_never_green_or_red_and_zero_has_no_colour(site: Site) -> None:
    site.build()
    for path in site.html():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r'class="(gain|loss)">[+−]?0\.0+<', text), path


def test_a_pair_is_compared_on_one_page_that_both_drivers_link_to(site: Site) -> None:
    site.build()
    name = f"{PATHS_OF[PLAIN]}/{PATHS_OF[ODD]}.html"
    page = site.page(f"compare/{name}")
    assert "<h1>#2 is 0.57\u00a0s faster than #03, 0.25\u00a0s of it in T2</h1>" in page
    assert page.count('class="faster-a"') >= 2
    quoted = name.replace("%", "%25")
    for vehicle in (PLAIN, ODD):
        assert f'href="../compare/{quoted}"' in site.driver(vehicle)
    # Three cars in a row: every pair is one of neighbours or has the winner in it.
    assert len(list((site.folder / "compare").rglob("*.html"))) == 3


def test_a_car_without_anything_has_sentences_in_every_place(site: Site) -> None:
    site.build()
    page = site.driver(LONE)
    sections = re.findall(r'<section.*?aria-labelledby="(\w+)">(.*?)</section>', page, re.DOTALL)
    assert {"places", "traces", "corners", "ledger", "laps", "driving", "coach", "quality"} <= {n for n, _ in sections}
    for name, content in sections:
        text = re.sub(r"<h2.*?</h2>|<[^>]+>", "", content).strip()
        assert len(text) > 20, name


def test_every_json_file_is_valid_by_its_published_schema(site: Site) -> None:
    site.build()
    published = {name: (site.folder / name).read_bytes() for name in schema_files()}
    assert published == schema_files()
    for content in published.values():
        Draft202012Validator.check_schema(json.loads(content))
    files = [path.relative_to(site.folder).as_posix() for path in site.folder.glob("api/**/*.json")]
    checked = 0
    for name in files:
        if not name.startswith("api/schemas/"):
            Draft202012Validator(schema_of(name)).validate(json.loads((site.folder / name).read_bytes()))
            checked += 1
    assert checked == len(files) - len(published)


def test_a_schema_refuses_a_missing_an_additional_and_a_wrong_field(site: Site) -> None:
    site.build()
    name = f"api/ml/siwtl/calculate/{PATHS_OF[PLAIN]}.json"
    validator = Draft202012Validator(schema_of(name))
    document = json.loads((site.folder / name).read_bytes())
    assert validator.is_valid(document)
    assert not validator.is_valid({key: value for key, value in document.items() if key != "build"})
    for change in ({"siwtl_lap_ms": 98_326.5}, {"extra": 1}, {"jackknife_range_ms": [1, 2, 3]}, {"sectors": [{}]}):
        assert not validator.is_valid({**document, "data": {**document["data"], **change}}), change


def test_only_pages_whose_records_changed_are_rendered_again(site: Site) -> None:
    first = site.build()
    assert first.figures["pages_rendered"] == first.figures["pages"] == len(NAMES) + 1 + 3
    inodes = {path.relative_to(site.folder): path.stat().st_ino for path in site.html()}
    assert site.build().figures["pages_rendered"] == 0
    changed = site.build(change_events)
    assert changed.figures["pages_rendered"] == 2
    again = {path.relative_to(site.folder): path.stat().st_ino for path in site.html()}
    assert {path.as_posix() for path in inodes if inodes[path] != again[path]} == {
        "index.html",
        f"drivers/{PATHS_OF[PLAIN]}.html",
    }
    assert "e-5-4" in site.driver(PLAIN)
    build_season(site.context.paths, site.context.settings)
    for path in site.html():
        assert_links_hold(path)


def test_a_lost_page_is_made_again(site: Site) -> None:
    site.build()
    kept = site.driver(PLAIN)
    (site.folder / f"drivers/{PATHS_OF[PLAIN]}.html").unlink()
    site.build()
    assert site.driver(PLAIN) == kept


def test_render_settings_change_every_page_and_no_record(site: Site) -> None:
    site.build()
    before = {path: path.read_bytes() for path in site.folder.glob("api/**/*.json")}
    outcome = site.build(report=ReportSettings(speed_unit="mph", decimal_sign="comma"))
    assert outcome.figures["pages_rendered"] == outcome.figures["pages"]
    assert {path: path.read_bytes() for path in site.folder.glob("api/**/*.json")} == before
    page = site.driver(PLAIN)
    assert "<b>0,21 s</b> T2 braking" in page
    assert "speeds in mph" in page
    assert "exit speed 2,5 mph lower (49,9 against 52,4 mph)" in page
    assert [path.name for path in site.html() if "km/h" in path.read_text("utf-8")] == []
    assert re.search(r"\d:\d\d\.\d\d\d", re.sub(r"<script.*?</script>|api/[^ ]+", "", page, flags=re.DOTALL)) is None


def test_what_changed_since_the_last_build_stands_on_the_page_of_the_car(site: Site) -> None:
    site.build()
    assert "New since the build" not in site.driver(PLAIN)

    def rename(records: SessionRecords) -> SessionRecords:
        first = records.cars[0]
        return replace(
            records, cars=(replace(first, driver=replace(first.driver, driver_name="Ada")), *records.cars[1:])
        )

    site.build(rename)
    assert "New since the build" in site.driver(PLAIN)
    assert "The driver was Driver 1 and is Ada now." in site.driver(PLAIN)
    assert "New since the build" not in site.driver(ODD)


def test_a_driver_page_keeps_to_its_bytes(site: Site) -> None:
    site.build()
    for vehicle in NAMES:
        page = site.driver(vehicle)
        without_traces = re.sub(r'<script type="application/json".*?</script>', "", page, flags=re.DOTALL)
        assert len(gzip.compress(page.encode())) <= 35_000
        assert len(gzip.compress(without_traces.encode())) <= 15_000
