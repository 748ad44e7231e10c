"""Addresses of laps, corners and moments on the traces: what they show, and what they ask for in vain."""

import re

import pytest
from playwright.sync_api import expect
from support.browser_site import Open, Site, driver


def test_an_address_shows_its_laps_and_its_corner(open_page: Open, site: Site) -> None:
    page = open_page(driver(site, "?ref=best&laps=2,median#t4")).page
    names = page.locator("#trace-values th").all_inner_texts()
    assert [name.strip() for name in names] == ["Own best", "Median", "Lap 2"]
    expect(page.locator("#trace-ref")).to_have_value("best")
    expect(page.locator("#trace-place")).to_contain_text("T4")
    expect(page.locator("#trace-whole")).to_be_enabled()
    expect(page.locator(".corner-strip a[aria-current]")).to_have_text(re.compile("^T4"))
    link = page.locator("#trace-link").get_attribute("href") or ""
    assert link == "?ref=best&laps=median,2#t4"
    page.goto("about:blank")


def test_links_in_the_page_move_the_traces_without_loading_it_again(open_page: Open, site: Site) -> None:
    opened = open_page(driver(site))
    pages = sum(url.partition("?")[0].endswith(".html") for url in opened.requests)
    opened.page.locator(".corner-strip a", has_text="T6").click()
    expect(opened.page.locator("#trace-place")).to_contain_text("T6")
    opened.page.locator("#trace-whole").click()
    opened.page.locator(".corner-strip a", has_text="T6").click()
    expect(opened.page.locator("#trace-whole")).to_be_enabled()
    opened.page.evaluate("location.hash = '#lap-2'")
    expect(opened.page.locator("#trace-values")).to_contain_text("Lap 2")
    opened.page.locator("a[href='?laps=3#traces']").click()
    expect(opened.page.locator("#trace-values")).to_contain_text("Lap 3")
    expect(opened.page.locator("#trace-values")).not_to_contain_text("Lap 2")
    assert sum(url.partition("?")[0].endswith(".html") for url in opened.requests) == pages


@pytest.mark.parametrize(
    ("tail", "said"),
    [
        ("?laps=999", "lap 999"),
        ("?ref=lap-7", "reference lap-7"),
        ("?ref=nothing&laps=999,<b>,best", "reference nothing, lap 999, lap <b>"),
        ("#t99", "no place, lap or moment t99"),
        ("#e-14-2000", "no place, lap or moment e-14-2000"),
        ("#%E0%A4%A", "no place, lap or moment"),
    ],
)
def test_what_an_address_asks_for_in_vain_is_said_and_left_out(
    open_page: Open, site: Site, tail: str, said: str
) -> None:
    opened = open_page(driver(site, tail))
    expect(opened.page.locator("#trace-status")).to_contain_text(said)
    expect(opened.page.locator("#trace-values th").first).to_contain_text("Own best")
    assert opened.complaints == []


@pytest.mark.parametrize("tail", ["", "?ref=best&laps=2,3#t4", "#traces", "#lap-3", "#corners"])
def test_an_address_that_is_right_says_nothing(open_page: Open, site: Site, tail: str) -> None:
    opened = open_page(driver(site, tail))
    expect(opened.page.locator("#trace-status")).to_have_text("")


def test_of_more_than_three_laps_in_an_address_the_first_three_are_shown_and_it_is_said(
    open_page: Open, site: Site
) -> None:
    page = open_page(driver(site)).page
    laps = page.locator(".trace-laps details input").evaluate_all("all => all.map((one) => one.value)")[:4]
    page.goto(f"{site.folder.as_uri()}/{driver(site)}?ref=best&laps={','.join(reversed(laps))}")
    page.wait_for_selector("html[data-ready]", state="attached")
    expect(page.locator("#trace-status")).to_contain_text("4 laps: the first 3 are shown")
    checked = page.locator(".trace-laps details input:checked").evaluate_all("all => all.map((one) => one.value)")
    assert set(checked) == set(laps[1:])


def test_the_address_of_an_event_shows_its_lap_and_its_place(open_page: Open, site: Site) -> None:
    found = [
        (record["path"], event)
        for record in site.record("drivers")["drivers"]
        for event in site.record(f"ml/dptad/analyze/{record['path']}")["events"]
    ]
    assert found
    path, event = found[0]
    opened = open_page(f"drivers/{path}.html#e-{event['id']}")
    place = float(opened.page.locator("#trace-slider").input_value())
    assert place == pytest.approx(event["s_peak_m"], abs=2)
    expect(opened.page.locator("#trace-event")).to_contain_text(event["text"])
    shown = opened.page.locator("#trace-values th").all_inner_texts()
    best = opened.page.locator("input[name=lap][value=best] ~ span").inner_text()
    assert any(f"Lap {event['lap']}" in name for name in shown) or best.startswith(f"lap {event['lap']} ")
    marks = opened.page.locator("#trace-map .events path title").all_text_contents()
    assert any(event["text"] in text for text in marks)
