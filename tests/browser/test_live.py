"""What pages gain where a server answers: questions, and word of a new build. Elsewhere nothing of it appears."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from support.browser_site import Open, Site
from support.servers import grx_serve

from grx_pipeline.paths import Paths
from grx_pipeline.publishing.manifest import SCHEMA_VERSION
from grx_pipeline.reports.publish import publish
from grx_pipeline.settings import Settings

# How often the page was told which build stands.
_COUNT_NEWS = """
  window.told = 0;
  window.EventSource = class extends EventSource {
    constructor(address) {
      super(address);
      this.addEventListener("build", () => { window.told += 1; });
    }
  };
"""


@pytest.fixture(scope="module")
def served(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A copy of the site's reports folder, and the address of the server over it."""
    reports = tmp_path_factory.mktemp("live") / "reports"
    shutil.copytree(site.reports, reports, symlinks=True)
    with grx_serve(reports) as port:
        yield reports, f"http://127.0.0.1:{port}"


def _open(browser: Browser, address: str, *, width: int = 1280, scheme: str = "light") -> tuple[Page, list[str]]:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page, complaints = context.new_page(), list[str]()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.add_init_script(_COUNT_NEWS)
    page.goto(address)
    return page, complaints


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (320, "dark")])
def test_a_driver_asks_and_is_answered_from_the_facts(
    browser: Browser, site: Site, served: tuple[Path, str], width: int, scheme: str
) -> None:
    address = f"{served[1]}/{site.folder.name}/drivers/{site.with_target}"
    page, complaints = _open(browser, f"{address}.html", width=width, scheme=scheme)
    page.get_by_text("Ask about this page").click()
    page.get_by_role("button", name="How did it go?").click()
    told = site.record(f"context/drivers/{site.with_target}")["answers"][0]["answer"]
    expect(page.locator(".chat-answer")).to_have_text(told)
    page.get_by_label("Your question").fill("<b>Where is my time?</b>")
    page.get_by_label("Your question").press("Enter")
    expect(page.locator(".chat-answer")).to_have_count(2)
    expect(page.locator(".chat-question").last).to_have_text("<b>Where is my time?</b>")
    assert page.locator(".chat-ideas button").count() > 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    violations = Axe().run(page).response["violations"]
    assert [violation["id"] for violation in violations] == []
    assert complaints == []
    page.context.close()


def test_an_open_page_offers_the_new_build(browser: Browser, site: Site, served: tuple[Path, str]) -> None:
    reports, address = served
    page, complaints = _open(browser, f"{address}/{site.folder.name}/index.html")
    page.get_by_text("Ask about this page").wait_for()
    page.wait_for_function("told > 0")
    paths, name = Paths.of(Settings(reports_dir=reports)), site.folder.name
    folder = paths.published(name)
    files = {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.suffix != ".gz" and file.name != "manifest.json"
    }
    files["index.html"] = files["index.html"].replace(b"</main>", b"<p>The new one.</p></main>")
    publish(
        files,
        site=folder,
        builds=paths.builds(name),
        session=name,
        schema_version=SCHEMA_VERSION,
        now="2025-01-01T00:00:00Z",
        keep=3,
    )
    page.get_by_role("button", name="Show it").click()
    expect(page.get_by_text("The new one.")).to_be_visible()
    assert complaints == []
    page.context.close()


def test_nothing_of_it_appears_from_a_file_or_a_plain_copy(open_page: Open, browser: Browser, address: str) -> None:
    opened = open_page("index.html", is_ready=False)
    opened.page.wait_for_load_state("networkidle")
    assert opened.page.locator(".chat, .live-notice").count() == 0
    page, complaints = _open(browser, f"{address}/index.html")
    page.wait_for_load_state("networkidle")
    assert page.locator(".chat, .live-notice").count() == 0
    assert (opened.complaints, complaints) == ([], [])
    page.context.close()


def test_a_server_that_went_is_told_in_words(browser: Browser, site: Site, served: tuple[Path, str]) -> None:
    page, _ = _open(browser, f"{served[1]}/{site.folder.name}/index.html", width=390)
    page.get_by_text("Ask about this page").click()
    page.route("**/api/ai/chat", lambda route: route.fulfill(status=502, content_type="text/html", body="<h1>Bad"))
    page.get_by_role("button", name="Who won, and how?").click()
    expect(page.locator(".chat-answer")).to_have_text("The server does not answer.")
    page.unroute("**/api/ai/chat")
    page.get_by_label("Your question").fill("Who finished last?")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".chat-answer").last).to_contain_text("P")
    page.context.close()


def test_a_page_that_nobody_looks_at_holds_no_connection(
    browser: Browser, site: Site, served: tuple[Path, str]
) -> None:
    page, complaints = _open(browser, f"{served[1]}/latest/index.html")
    page.get_by_text("Ask about this page").wait_for()
    with page.expect_event("requestfailed", lambda request: "/api/events" in request.url) as closed:
        page.evaluate(
            """() => {
              Object.defineProperty(document, "hidden", { value: true, configurable: true });
              document.dispatchEvent(new Event("visibilitychange"));
            }"""
        )
    assert closed.value.url.endswith("session=latest")
    with page.expect_request("**/api/events*"):
        page.evaluate(
            """() => {
              Object.defineProperty(document, "hidden", { value: false });
              document.dispatchEvent(new Event("visibilitychange"));
            }"""
        )
    assert complaints == []
    page.context.close()


@pytest.mark.parametrize("name", ["docs", "redoc"])
def test_the_apis_pages_work_without_another_host(browser: Browser, served: tuple[Path, str], name: str) -> None:
    page, complaints = _open(browser, "about:blank")
    asked = list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{served[1]}/{name}")
    expect(page.get_by_text("GR Cup race reports").first).to_be_visible()
    expect(page.get_by_text("Every published session").locator("visible=true").first).to_be_visible()
    assert [url for url in asked if not url.startswith((served[1], "data:", "blob:"))] == []
    assert complaints == []
    page.goto((served[0] / f"{name}.html").as_uri())
    expect(page.get_by_text("Opened as a file")).to_be_visible()
    assert complaints == []
    page.context.close()
