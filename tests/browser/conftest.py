"""A site built once, Debian's Chromium, and pages that remember what they complained of and asked for."""

import functools
import shutil
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from support.browser_site import Open, Opened, Site, build_site

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
READY_MS = 20_000


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return build_site(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One a module: while Playwright is on, no other test can run an event loop."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def address(site: Site) -> Iterator[str]:
    """The reports folder over http."""
    handler = functools.partial(_QuietHandler, directory=str(site.reports))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/{site.folder.name}"
    server.shutdown()
    server.server_close()


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def open_page(browser: Browser, site: Site) -> Iterator[Open]:
    """Opens a page of the site: `open_page("drivers/x.html?ref=best#t8", width=390)`, by default from its file."""
    contexts: list[BrowserContext] = []

    def open_(name: str, *, width: int = 1280, root: str = "", is_ready: bool = True, **options: Any) -> Opened:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        opened = Opened(page=page)
        page.on("console", lambda message: opened.complaints.append(message.text))
        page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (opened.complaints.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: opened.requests.append(request.url))
        page.goto(f"{root or Path(site.folder).as_uri()}/{name}")
        if is_ready:
            page.wait_for_selector("html[data-ready]", timeout=READY_MS, state="attached")
        return opened

    yield open_
    for context in contexts:
        context.close()
