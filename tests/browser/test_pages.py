"""Pages made by the server, in a browser: width, sorting, scrolling tables, colour schemes, paper."""

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from support.browser_site import HOSTILE_NAMES, Open, Opened, Site


def pages(site: Site) -> list[str]:
    """One page of each kind."""
    compare = sorted(path.relative_to(site.folder).as_posix() for path in site.folder.glob("compare/*/*.html"))
    return ["index.html", "../index.html", f"drivers/{site.with_target}.html", compare[0]]


def opened_pages(open_page: Open, site: Site, **options: Any) -> list[tuple[str, Opened]]:
    return [(name, open_page(name, is_ready=name.startswith("drivers"), **options)) for name in pages(site)]


def column(page: Page, table: str, index: int) -> list[str]:
    cells = page.locator(f"table:has(#{table}) tbody tr > :nth-child({index})")
    return [text.strip() for text in cells.all_inner_texts()]


def sort_by(page: Page, table: str, heading: str) -> str | None:
    """Press the heading's button; the aria-sort it then has."""
    header = page.locator(f"table:has(#{table}) thead th", has_text=heading)
    header.locator("button").click()
    assert page.locator(f"table:has(#{table}) thead th[aria-sort]").count() == 1
    return header.get_attribute("aria-sort")


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_no_page_is_wider_than_the_screen(open_page: Open, site: Site, width: int) -> None:
    for name, opened in opened_pages(open_page, site, width=width):
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert opened.complaints == [], name


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_an_accessibility_violation(open_page: Open, site: Site, scheme: Any) -> None:
    for name, opened in opened_pages(open_page, site, color_scheme=scheme, bypass_csp=True):
        results = Axe().run(opened.page)
        assert results.violations_count == 0, (name, results.generate_report())


def test_a_table_is_sorted_by_a_press_on_its_heading_and_by_the_keyboard(open_page: Open, site: Site) -> None:
    page = open_page("index.html", is_ready=False).page
    finish = column(page, "classification-table", 2)
    assert finish == sorted(finish, key=int)
    assert sort_by(page, "classification-table", "Best lap") == "ascending"
    times = column(page, "classification-table", 3)
    assert times == sorted(times)
    assert sort_by(page, "classification-table", "Best lap") == "descending"
    assert column(page, "classification-table", 3) == times[::-1]
    page.locator("table:has(#classification-table) thead th", has_text="Pos.").locator("button").focus()
    page.keyboard.press("Enter")
    assert column(page, "classification-table", 2) == finish


def test_what_is_missing_goes_last_whichever_way_a_table_is_sorted(open_page: Open, site: Site) -> None:
    page = open_page(f"drivers/{site.with_target}.html").page
    headings = page.locator("table:has(#corner-table) thead th").all_inner_texts()
    brakes = next(index for index, text in enumerate(headings, start=1) if text.startswith("Brakes"))
    for _ in range(2):
        sort_by(page, "corner-table", "Brakes")
        values = column(page, "corner-table", brakes)
        first_missing = values.index("–")
        assert set(values[first_missing:]) == {"–"}


def test_corners_are_sorted_by_what_they_lose_and_by_the_figure_before_the_difference(
    open_page: Open, site: Site
) -> None:
    page = open_page(f"drivers/{site.with_target}.html").page
    headings = page.locator("table:has(#corner-table) thead th").all_inner_texts()
    entry = next(index for index, text in enumerate(headings, start=1) if text.startswith("Entry"))
    assert sort_by(page, "corner-table", "Entry") == "ascending"
    speeds = [float(text.split()[0]) for text in column(page, "corner-table", entry) if text != "–"]
    assert len(speeds) > 3
    assert speeds == sorted(speeds)


def test_columns_that_cannot_be_sorted_have_no_button(open_page: Open, site: Site) -> None:
    page = open_page(f"drivers/{site.with_target}.html").page
    for header in page.locator("table.sortable thead th").all():
        assert (header.locator("button").count() == 1) == (header.get_attribute("data-sort") is not None)
    assert page.locator("table:not(.sortable) thead button").count() == 0


def test_a_table_that_goes_on_beside_the_screen_says_so_until_its_end(open_page: Open, site: Site) -> None:
    page = open_page("index.html", is_ready=False, width=320).page
    region = page.locator(".scroll:has(#classification-table)")
    expect(region).to_have_class(re.compile("goes-on"))
    region.evaluate("region => { region.scrollLeft = region.scrollWidth; }")
    page.wait_for_function("region => !region.classList.contains('goes-on')", arg=region.element_handle())
    wide = open_page("index.html", is_ready=False, width=1280).page
    wide.evaluate("() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    assert wide.locator(".scroll.goes-on:has(#classification-table)").count() == 0


def test_on_a_phone_what_is_looked_up_is_folded_but_for_what_the_address_asks(open_page: Open, site: Site) -> None:
    folds = "main details.fold"
    page = open_page("index.html", is_ready=False, width=390).page
    assert page.locator(folds).count() >= 3
    assert page.locator(f"{folds}[open]").count() == 0
    asked = open_page("index.html#t3", is_ready=False, width=390).page
    expect(asked.locator("#t3")).to_be_visible()
    assert asked.locator(f"{folds}[open]").count() == 1
    wide = open_page("index.html", is_ready=False).page
    assert wide.locator(f"{folds}:not([open])").count() == 0


def test_the_contents_stay_in_sight_and_a_jump_leaves_its_heading_below_them(open_page: Open, site: Site) -> None:
    for width in (390, 1280):
        page = open_page("index.html", is_ready=False, width=width).page
        page.locator(".contents a", has_text="Conditions").click()
        heading, contents = page.locator("h2#conditions").bounding_box(), page.locator(".contents").bounding_box()
        assert heading is not None
        assert contents is not None
        assert abs(contents["y"]) < 1
        assert contents["height"] <= heading["y"] < 200


def test_names_are_shown_as_they_are_written(open_page: Open, site: Site) -> None:
    page = open_page("index.html", is_ready=False).page
    shown = page.locator("table:has(#classification-table) tbody").inner_text()
    for name in HOSTILE_NAMES:
        assert name.split(" ")[0].strip("\u202e") in shown


def test_the_address_of_a_lap_is_found_and_marked(open_page: Open, site: Site) -> None:
    page = open_page(f"drivers/{site.with_target}.html#lap-3").page
    assert page.locator("#lap-3 > th").first.evaluate("cell => getComputedStyle(cell).boxShadow") != "none"


def test_a_page_prints_every_section_without_what_only_a_screen_can_do(open_page: Open, site: Site) -> None:
    opened = open_page(f"drivers/{site.with_target}.html", color_scheme="dark")
    opened.page.emulate_media(media="print")
    style = "element => getComputedStyle(element)"
    assert opened.page.locator("body").evaluate(f"({style})").get("backgroundColor") == "rgb(255, 255, 255)"
    for hidden in (".contents", ".neighbours", ".show", ".on-screen", "footer"):
        for element in opened.page.locator(hidden).all():
            assert not element.is_visible(), hidden
    for heading in opened.page.locator("main section:not(.on-screen) > h2").all():
        assert heading.is_visible()
    for folded in opened.page.locator("main details:not(.traces details)").all():
        assert folded.locator("summary ~ *").first.is_visible()
    assert len(opened.page.pdf(prefer_css_page_size=True)) > 50_000
