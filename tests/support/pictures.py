"""Takes the pictures of pages in docs/pictures from published sites: `make pictures REPORTS=PATH`.

A picture whose session is not published under REPORTS stays as it is. The print is made with pdftoppm (poppler-utils).
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page

from grx_pipeline.benchmarks.pages import chromium

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
PAPER_DPI = 60


@dataclass(frozen=True, kw_only=True)
class Picture:
    """`page` is a path under REPORTS or a pattern, of which the page with most to show is taken."""

    name: str
    page: str
    size: tuple[int, int] = (1280, 1800)
    scheme: Literal["light", "dark"] = "light"
    is_print: bool = False


PAGES = (
    Picture(name="driver-page", page="harrow-gap-2025-r1/drivers/*.html", size=(1200, 1700)),
    Picture(name="session-page", page="harrow-gap-2025-r1/index.html", size=(1200, 1500)),
    Picture(name="barber-driver-desktop", page="barber-2025-r1/drivers/*.html"),
    Picture(name="cota-session-desktop", page="cota-2025-r1/index.html"),
    Picture(name="cota-session-phone", page="cota-2025-r1/index.html", size=(390, 2400)),
    Picture(name="indianapolis-compare-desktop", page="indianapolis-2025-r1/compare/*/*.html"),
    Picture(
        name="indianapolis-driver-dark", page="indianapolis-2025-r1/drivers/*.html", size=(1280, 1400), scheme="dark"
    ),
    Picture(name="indianapolis-driver-desktop", page="indianapolis-2025-r1/drivers/*.html"),
    Picture(name="indianapolis-driver-phone", page="indianapolis-2025-r1/drivers/*.html", size=(390, 2400)),
    Picture(name="indianapolis-driver-print", page="indianapolis-2025-r1/drivers/*.html", is_print=True),
    Picture(name="season-desktop", page="index.html", size=(1280, 1200)),
)


def main(reports: Path) -> None:
    with chromium() as browser:
        for picture in PAGES:
            page = chosen(reports, picture)
            if page is None:
                sys.stdout.write(f"{picture.name}: no {picture.page} under {reports}, it stays as it is\n")
                continue
            take(browser, picture, page)
            sys.stdout.write(f"{picture.name}: {page.relative_to(reports)}\n")


def chosen(reports: Path, picture: Picture) -> Path | None:
    """The page of a picture: with time to find, then the most cards, then the most laps, then the first by name."""
    pages = sorted(reports.glob(picture.page))
    is_season = picture.page == "index.html"
    if is_season and not any(reports.glob("cota-*/index.html")):
        return None
    return max(pages, key=_richness, default=None)


def _richness(page: Path) -> tuple[bool, int, int]:
    text = page.read_text(encoding="utf-8")
    headline = text.partition("<h1>")[2].partition("</h1>")[0].replace("\u00a0", " ")
    cards = text.count('<p class="do">')
    laps = re.search(r'"more":\{([^}]*)', text)
    return "s to find" in headline and cards > 0, cards, 1 + laps[1].count(":") if laps else 0


def take(browser: Browser, picture: Picture, page: Path) -> None:
    width, height = picture.size
    with _opened(browser, page, width=width, height=height, scheme=picture.scheme) as tab:
        target = PICTURES / f"{picture.name}.png"
        if picture.is_print:
            _print(tab, target)
        else:
            tab.screenshot(path=target)


@contextmanager
def _opened(
    browser: Browser, page: Path, *, width: int, height: int, scheme: Literal["light", "dark"]
) -> Iterator[Page]:
    with browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme) as context:
        tab = context.new_page()
        tab.goto(page.resolve().as_uri())
        if tab.locator("#trace-data").count():
            tab.wait_for_selector("html[data-ready]", state="attached")
        yield tab


def _print(tab: Page, target: Path) -> None:
    """The first sheet."""
    with tempfile.TemporaryDirectory() as folder:
        paper, picture = Path(folder) / "page.pdf", Path(folder) / "page"
        tab.pdf(path=paper, prefer_css_page_size=True)
        command = [shutil.which("pdftoppm") or "pdftoppm", "-r", str(PAPER_DPI), "-png", "-singlefile", "-l", "1"]
        subprocess.run([*command, str(paper), str(picture)], check=True)
        shutil.copyfile(picture.with_suffix(".png"), target)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
