"""What the heaviest driver pages weigh, and how soon their traces stand here and on a processor four times slower.

Pages are opened from disk in a headless Chromium, as wide as a phone. Playwright is a tool of the tests and no part of
the product; without it, or without a Chromium, there is nothing to measure with.
"""

import gzip
import re
import shutil
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from grx_pipeline.benchmarks.workers import describe_machine
from grx_pipeline.errors import DiscoveryError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SLOW = 4
_PHONE = {"width": 390, "height": 844}
_READY_MS = 60_000
_ASSETS = re.compile(r'(?:src|href)="\.\./(assets/[^"]+\.(?:js|css|svg))"')
_MARKS = """() => [
    performance.getEntriesByName("first-contentful-paint")[0].startTime,
    performance.getEntriesByName("traces")[0].startTime,
]"""


@dataclass(frozen=True, kw_only=True)
class PageMeasurement:
    """One page: kB on the wire, and by slowdown of the processor ms to the first paint and until the traces stand."""

    name: str
    html_kb: float
    whole_kb: float
    paint_ms: dict[int, float]
    traces_ms: dict[int, float]


@dataclass(frozen=True, kw_only=True)
class PagesMeasurement:
    """The pages that were opened, of how many driver pages with traces, and with which browser."""

    pages: tuple[PageMeasurement, ...]
    weighed: int
    browser: str
    rounds: int


def measure_pages(
    reports: Path, browser: "Browser", *, pages: int, rounds: int, progress: Callable[[str], None]
) -> PagesMeasurement:
    """Weigh every driver page under `reports` and open the `pages` heaviest. Raises DiscoveryError without any."""
    weights = sorted(((*page_weight(page), page) for page in driver_pages(reports)), key=lambda entry: -entry[1])
    if not weights:
        raise DiscoveryError(f"{reports}: no published driver page has traces; run `grx run PATH` or `grx demo` first")
    measured = []
    for html, whole, page in weights[:pages]:
        progress(f"{page.relative_to(reports)}")
        loads = {slowdown: [_load(browser, page, slowdown) for _ in range(rounds)] for slowdown in (1, SLOW)}
        medians = {s: [statistics.median(times) for times in zip(*found, strict=True)] for s, found in loads.items()}
        measured.append(
            PageMeasurement(
                name=f"{page.parent.parent.name}, {page.stem}",
                html_kb=html / 1000,
                whole_kb=whole / 1000,
                paint_ms={slowdown: paint for slowdown, (paint, _) in medians.items()},
                traces_ms={slowdown: traces for slowdown, (_, traces) in medians.items()},
            )
        )
    return PagesMeasurement(
        pages=tuple(measured), weighed=len(weights), browser=f"Chromium {browser.version}", rounds=rounds
    )


def driver_pages(reports: Path) -> list[Path]:
    """The published driver pages that draw traces."""
    found = sorted(page for page in reports.glob("*/drivers/*.html") if not page.parent.parent.name.startswith("."))
    sites = {page.parent.parent.resolve(): page.parent.parent for page in reversed(found)}
    pages = [page for page in found if sites[page.parent.parent.resolve()] == page.parent.parent]
    return [page for page in pages if b'id="trace-data"' in page.read_bytes()]


def page_weight(page: Path) -> tuple[int, int]:
    """Bytes on the wire of a driver page's HTML, and of all that it loads at once."""
    text = page.read_text("utf-8")
    html = wire_size(text.encode())
    return html, html + sum(wire_size((page.parent.parent / name).read_bytes()) for name in _ASSETS.findall(text))


def wire_size(content: bytes) -> int:
    return len(gzip.compress(content, 9))


@contextmanager
def chromium() -> Iterator["Browser"]:
    """A headless browser. Raises DiscoveryError where Playwright or Chromium is missing."""
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError as error:
        raise DiscoveryError("pages are opened with Playwright: pip install '.[dev]'") from error
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        raise DiscoveryError("pages are opened in Chromium, and none is installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def _load(browser: "Browser", page: Path, slowdown: int) -> tuple[float, float]:
    """First contentful paint and standing traces, ms after the navigation began; the browser's cache is empty."""
    with browser.new_context(viewport=_PHONE) as context:  # type: ignore[arg-type]
        tab = context.new_page()
        context.new_cdp_session(tab).send("Emulation.setCPUThrottlingRate", {"rate": slowdown})
        tab.goto(page.resolve().as_uri(), wait_until="commit")
        tab.wait_for_selector("html[data-ready]", state="attached", timeout=_READY_MS)
        tab.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0", timeout=_READY_MS)
        paint, traces = tab.evaluate(_MARKS)
    return paint, traces


def render_pages(measured: PagesMeasurement) -> str:
    """The measurement in Markdown."""
    lines = [
        f"The {len(measured.pages)} heaviest of {measured.weighed} driver pages with traces, opened from disk in a "
        f"headless {measured.browser}, {_PHONE['width']} px wide; medians of {measured.rounds} loads; "
        f"{describe_machine()}. Sizes are gzipped, without laps that are loaded when asked for. Asked are 35 kB of "
        f"HTML, 70 kB in all, and traces within 1,000 ms at {SLOW} × CPU.",
        "",
        f"| page | HTML kB | in all kB | first paint ms | at {SLOW} × CPU | traces ms | at {SLOW} × CPU |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {page.name} | {page.html_kb:.1f} | {page.whole_kb:.1f} | {page.paint_ms[1]:.0f} | "
        f"{page.paint_ms[SLOW]:.0f} | {page.traces_ms[1]:.0f} | {page.traces_ms[SLOW]:.0f} |"
        for page in measured.pages
    ]
    return "\n".join(lines)
