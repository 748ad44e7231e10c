"""The interactive traces, in a browser: cursor, references, paper, and readers without JavaScript."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from support.browser_site import HOSTILE_NAMES, Open, Opened, Site, at_line, compare_pages, drawn, driver

CHARTS = 5
A4_PRINT_WIDTH, A4_PRINT_HEIGHT = 688, 1017  # 182 x 269 mm at 96 px an inch


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("is_file", [True, False])
def test_a_page_complains_of_nothing_and_asks_no_other_host(
    open_page: Open, site: Site, address: str, scheme: Any, is_file: bool
) -> None:
    root = "" if is_file else address
    for name in (driver(site), f"drivers/{site.without_telemetry}.html", *compare_pages(site)[:1]):
        opened = open_page(name, root=root, color_scheme=scheme)
        assert opened.complaints == []
        begins = Path(site.folder).resolve().parents[2].as_uri() if is_file else address.rpartition("/")[0]
        assert [url for url in opened.requests if not url.startswith((begins, "data:"))] == []
        assert len(opened.requests) >= 5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["with_target", "without_telemetry"])
def test_the_traces_have_no_accessibility_violation(open_page: Open, site: Site, scheme: Any, kind: str) -> None:
    opened = open_page(f"drivers/{getattr(site, kind)}.html", color_scheme=scheme)
    results = Axe().run(opened.page, context=".traces")
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_is_wider_than_the_screen(open_page: Open, site: Site, width: int) -> None:
    for name in (driver(site, "?ref=best&laps=2,3#t4"), f"drivers/{site.without_telemetry}.html"):
        page = open_page(name, width=width, has_touch=width < 500).page
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_shipped_numbers_are_those_of_the_records(open_page: Open, site: Site) -> None:
    page = open_page(driver(site)).page
    laps = page.evaluate(
        """() => {
            const model = new grxTraces.Model(JSON.parse(document.querySelector('#trace-data').textContent));
            return Object.fromEntries([...model.laps].map(([id, lap]) => [id, {...lap, x: model.x}]));
        }"""
    )
    references = {one["reference"]: one for one in site.record(f"references/{site.with_target}")["references"]}
    number = references["own_best"]["sources"][0]["lap_number"]
    own = site.record(f"telemetry/{site.with_target}/{number}")
    for shipped, record in ((laps["best"], own), (laps["target"], references["target"]["trace"])):
        assert shipped["x"][:-1] == record["distance_m"]
        assert shipped["t"][:-1] == record["time_ms"]
        for key, name, step in (("v", "speed_kmh", 0.2), ("p", "throttle_pct", 1), ("b", "brake_bar", 1)):
            pairs = list(zip(shipped[key], record[name], strict=False))
            assert [a is None for a, _ in pairs] == [b is None for _, b in pairs]
            assert max(abs(a - b) for a, b in pairs if a is not None) <= step / 2 + 1e-9
        steering = zip(shipped["s"], record["steering_deg"], strict=False)
        assert max(abs(a - b) for a, b in steering if a is not None) <= 0.5 + 1e-9


def test_the_delta_at_the_line_is_the_potential_gain_to_the_millisecond(open_page: Open, site: Site) -> None:
    siwtl = site.record(f"ml/siwtl/calculate/{site.with_target}")
    opened = open_page(driver(site, "?ref=target&laps=best"))
    at_line(opened)
    assert round(1000 * opened.number("Own best", 0)) == siwtl["potential_gain_ms"] > 0


def test_any_lap_against_any_lap_ends_on_the_difference_of_their_official_times(open_page: Open, site: Site) -> None:
    laps = {lap["lap_number"]: lap for lap in site.record(f"laps/{site.with_target}")["laps"]}
    first, second = [number for number, lap in laps.items() if lap["has_telemetry"]][:2]
    opened = open_page(driver(site, f"?ref={first}&laps={second}"))
    at_line(opened)
    expected = laps[second]["lap_time_ms"] - laps[first]["lap_time_ms"]
    assert round(1000 * opened.number(f"Lap {second}", 0)) == expected
    assert opened.complaints == []


def test_the_keyboard_moves_the_cursor_of_all_charts(open_page: Open, site: Site) -> None:
    page = open_page(driver(site)).page
    slider = page.locator("#trace-slider")
    slider.focus()
    before = float(slider.input_value())
    page.keyboard.press("ArrowRight")
    drawn(page)
    assert float(slider.input_value()) == pytest.approx(before + 10, abs=2)
    page.keyboard.press("Home")
    drawn(page)
    page.keyboard.press("PageUp")
    drawn(page)
    corner = site.record("track")["corners"][0]
    assert float(slider.input_value()) == pytest.approx(corner["apex_m"], abs=2)
    spoken = slider.get_attribute("aria-valuetext") or ""
    assert spoken.startswith(page.locator("#trace-place").inner_text())
    assert corner["corner"] in spoken
    assert "Own best delta" in spoken
    lines = page.locator(".u-cursor-x").evaluate_all("all => all.map((one) => one.getBoundingClientRect().x)")
    assert len(lines) == CHARTS
    assert max(lines) - min(lines) < 1


def test_mouse_and_finger_move_the_cursor(open_page: Open, site: Site) -> None:
    page = open_page(driver(site), width=390, has_touch=True).page
    for chart, share in ((1, 0.25), (4, 0.75)):
        over = page.locator(".u-over").nth(chart)
        over.scroll_into_view_if_needed()
        box = over.bounding_box()
        assert box
        page.touchscreen.tap(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
        drawn(page)
        length = site.record("track")["length_m"]
        assert float(page.locator("#trace-slider").input_value()) == pytest.approx(share * length, abs=25)
        for step in range(1, 6):
            x = box["x"] + (share + 0.03 * step) * box["width"]
            over.dispatch_event("pointermove", {"pointerType": "touch", "clientX": x, "clientY": box["y"] + 5})
        drawn(page)
        assert float(page.locator("#trace-slider").input_value()) == pytest.approx((share + 0.15) * length, abs=25)


def test_a_drag_zooms_and_a_double_click_shows_the_whole_lap(open_page: Open, site: Site) -> None:
    page = open_page(driver(site)).page
    whole = page.locator("#trace-whole")
    expect(whole).to_be_disabled()
    over = page.locator(".u-over").nth(1)
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    assert box
    page.mouse.move(box["x"] + 100, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 250, box["y"] + 45, steps=5)
    page.mouse.up()
    expect(whole).to_be_enabled()
    page.mouse.dblclick(box["x"] + 200, box["y"] + 40)
    expect(whole).to_be_disabled()


def test_every_reference_can_be_chosen_and_says_what_it_is(open_page: Open, site: Site) -> None:
    opened = open_page(driver(site))
    select = opened.page.locator("#trace-ref")
    for value in select.locator("option").evaluate_all("all => all.map((one) => one.value)"):
        select.select_option(value)
        row = opened.page.locator("#trace-values tr", has_text="ref")
        expect(row).to_have_count(1)
        label = select.locator(f"option[value='{value}']").inner_text().split(" · ")[0]
        expect(row).to_contain_text(label)
        assert f"ref={value}" in (opened.page.locator("#trace-link").get_attribute("href") or "")
    assert opened.complaints == []


def test_the_median_comes_when_it_is_asked_for(open_page: Open, site: Site) -> None:
    opened = open_page(driver(site))
    assert not [url for url in opened.requests if "/data/" in url]
    opened.page.locator("input[name=lap][value=median]").check()
    expect(opened.page.locator("#trace-values tr", has_text="Median")).to_have_count(1)
    (asked,) = [url for url in opened.requests if "/data/" in url]
    assert re.search(r"/data/[^/]+/median\.\w+\.js$", asked)
    assert opened.page.locator("#trace-map .track").count() == 1


def test_after_a_press_on_a_chart_the_arrow_keys_move_the_cursor(open_page: Open, site: Site) -> None:
    page = open_page(driver(site)).page
    page.locator(".trace-chart .u-over").nth(1).click()
    drawn(page)
    before = float(page.locator("#trace-slider").input_value())
    page.keyboard.press("ArrowRight")
    drawn(page)
    assert float(page.locator("#trace-slider").input_value()) == pytest.approx(before + 10, abs=2.1)


def test_three_more_laps_are_the_most(open_page: Open, site: Site) -> None:
    page = open_page(driver(site)).page
    page.locator(".trace-laps summary").click()
    boxes = page.locator(".trace-laps details input")
    for place in range(3):
        boxes.nth(place).check()
    expect(page.locator("#trace-values tr")).to_have_count(6)
    expect(boxes.nth(3)).to_be_disabled()
    boxes.nth(0).uncheck()
    expect(boxes.nth(3)).to_be_enabled()


def test_a_lap_that_cannot_be_loaded_is_said_and_the_rest_stays(open_page: Open, site: Site, address: str) -> None:
    opened = open_page(driver(site), root=address)
    opened.page.route("**/data/**", lambda route: route.abort())
    opened.page.locator(".trace-laps summary").click()
    opened.page.locator(".trace-laps details input").first.click()
    expect(opened.page.locator("#trace-status")).to_contain_text("could not be loaded")
    expect(opened.page.locator("#trace-values tr").first).to_contain_text("Own best")


def test_an_estimate_is_never_drawn_as_if_measured(open_page: Open, site: Site) -> None:
    page = open_page(f"drivers/{site.without_telemetry}.html").page
    expect(page.locator(".traces .banner")).to_contain_text("Estimated, not measured")
    cells = page.locator("#trace-values tr", has_text="Estimate").locator("td").all_inner_texts()
    assert cells[0].startswith("≈")
    assert cells[2:] == ["\u2013"] * 3
    assert set(page.locator(".corner-strip span").all_inner_texts()) == {""}
    assert page.locator("#trace-map .change path").count() == 0
    lap = next(d for d in site.record("drivers")["drivers"] if d["path"] == site.without_telemetry)
    estimate = site.record(f"telemetry/{site.without_telemetry}/{lap['estimated_laps'][0]}")
    assert estimate["synthetic"] is True
    assert "not measured" in estimate["note"]


def test_the_map_colours_what_the_list_of_corners_says(open_page: Open, site: Site) -> None:
    page = open_page(driver(site, "?ref=class&laps=best")).page
    losses = page.locator(".corner-strip span").all_inner_texts()
    assert len(losses) == len(site.record("track")["corners"]) + 1
    numbers = [float(text.replace("\u2212", "-")) for text in losses if text != "\u2013"]
    at_line(Opened(page=page))
    total = Opened(page=page).number("Own best", 0)
    if len(numbers) == len(losses):
        assert sum(numbers) == pytest.approx(total, abs=0.005 * len(losses) + 0.001)
    assert page.locator("#trace-map .change path").count() > 0
    written = [text for text in page.locator("#trace-map .loss-text").all_text_contents() if text]
    assert 0 < len(written) <= 5
    assert set(written) <= set(losses)
    marks, key = page.locator("#trace-map .events path").count(), page.locator("#trace-event-key")
    assert key.count() == 0 or key.is_visible() == (marks > 0)
    # Where one finds no room no smaller one is written: the map has the greatest.
    sizes = sorted((abs(float(text.replace("\u2212", "-"))) for text in losses[:-1] if text != "\u2013"), reverse=True)
    assert sorted((abs(float(text.replace("\u2212", "-"))) for text in written), reverse=True) == sizes[: len(written)]


@pytest.mark.parametrize("width", [390, 1200])
def test_texts_on_the_map_and_in_the_strip_stand_free(open_page: Open, site: Site, width: int) -> None:
    page = open_page(driver(site, "?ref=class&laps=best"), width=width).page
    boxes = page.locator("#trace-map text").evaluate_all(
        "all => all.filter((one) => one.textContent).map((one) => [one.getBBox(), one.classList.contains('loss-text')])"
        ".map(([box, isLoss]) => [isLoss, box.x, box.y, box.x + box.width, box.y + box.height])"
    )
    losses = [box for box in boxes if box[0]]
    assert losses
    for loss in losses:
        for other in (box for box in boxes if box is not loss):
            across = min(loss[3], other[3]) - max(loss[1], other[1])
            down = min(loss[4], other[4]) - max(loss[2], other[2])
            # Letters do not fill the height of their box.
            assert across <= 1 or down <= 0.3 * (loss[4] - loss[2]), (loss, other)
    # Wherever the cursor is, its dot covers no text.
    room = page.evaluate(
        """() => {
            const line = document.querySelector('#trace-map .track'), length = line.getTotalLength();
            const places = Array.from({length: 600}, (_, i) => line.getPointAtLength((i * length) / 600));
            const texts = [...document.querySelectorAll('#trace-map text')].filter((one) => one.textContent);
            const far = (at, from, size) => Math.max(from - at, at - from - size, 0);
            return Math.min(...texts.map((one) => one.getBBox()).flatMap((box) => places.map(({x, y}) =>
                Math.hypot(far(x, box.x, box.width), far(y, box.y + 0.2 * box.height, 0.6 * box.height)))));
        }"""
    )
    assert room >= float(page.locator("#trace-map .here").get_attribute("r") or "")
    strip = page.locator(".corner-strip")
    assert width < 640 or strip.evaluate("strip => strip.scrollWidth <= strip.clientWidth")


def test_the_strip_has_the_figures_of_the_table_of_corners(open_page: Open, site: Site) -> None:
    pairs = {name: site.record(name.removesuffix(".html")) for name in compare_pages(site)}
    name, pair = next((name, pair) for name, pair in pairs.items() if pair["trace_gap_ms"] is not None)
    page = open_page(name).page
    strip = page.locator(".corner-strip a span").all_inner_texts()
    told = {line["name"]: line["gap_ms"] for line in pair["corners"]}
    assert len(strip) == len(told) > 0
    for text, gap_ms in zip(strip, told.values(), strict=True):
        if text != "\u2013" and gap_ms is not None:
            assert float(text.replace("\u2212", "-")) == pytest.approx(gap_ms / 1000, abs=0.008)


def test_on_a_compare_page_a_colour_is_a_cars_whichever_is_the_reference(open_page: Open, site: Site) -> None:
    pairs = {name: site.record(name.removesuffix(".html")) for name in compare_pages(site)}
    name = next(name for name, pair in pairs.items() if pair["trace_gap_ms"] is not None)
    page = open_page(name).page
    colours = "all => all.map((one) => getComputedStyle(one).color)"

    def blue_and_orange() -> list[str]:
        return [page.locator(f".facts .key-{car}").evaluate_all(colours)[0] for car in "ab"]

    def strip(kind: str) -> set[str]:
        return set(page.locator(f".corner-strip span.{kind}").evaluate_all(colours))

    blue, orange = blue_and_orange()
    assert strip("loses") | strip("gains") != set()
    assert strip("loses") <= {blue}
    assert strip("gains") <= {orange}
    page.locator("#trace-ref").select_option("b")
    expect(page.locator("#trace-values tr").nth(1).locator("td").first).to_have_text("ref")
    assert strip("loses") <= {orange}
    assert strip("gains") <= {blue}


def test_paper_has_all_five_traces_as_vectors_on_one_page(open_page: Open, site: Site) -> None:
    page = open_page(driver(site)).page
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")
    assert b"/Subtype /Image" not in pdf
    page.emulate_media(media="print")
    page.set_viewport_size({"width": A4_PRINT_WIDTH, "height": A4_PRINT_HEIGHT})
    paper = page.locator("#trace-paper")
    expect(paper).to_be_visible()
    box = page.locator(".traces").bounding_box()
    assert box
    assert box["height"] <= A4_PRINT_HEIGHT
    lines = paper.locator("svg path[class^=look-]").evaluate_all(
        "all => all.map((one) => one.getAttribute('d').length)"
    )
    # Delta, speed, throttle, brake and steering of own best, class best and target.
    assert len([length for length in lines if length > 500]) >= CHARTS * 3 - 1
    assert page.locator("canvas").first.is_hidden()
    # The first sheet is for what is read first.
    tops = [page.locator(f"#{name}").bounding_box() for name in ("places", "coach", "traces", "corners")]
    heights = [box["y"] for box in tops if box]
    assert heights == sorted(heights)
    assert len(heights) == 4


def test_without_javascript_a_still_of_delta_and_speed_stands_in(open_page: Open, site: Site) -> None:
    page = open_page(driver(site), java_script_enabled=False, is_ready=False).page
    still = page.locator(".trace-still > svg")
    expect(still).to_be_visible()
    assert still.locator("path[class^=look-]").count() == 3
    expect(page.locator("#trace-app")).to_be_hidden()
    expect(page.locator(".trace-still figcaption")).to_contain_text("Target")


def test_a_compare_page_lays_two_cars_over_each_other(open_page: Open, site: Site) -> None:
    pairs = {name: site.record(name.removesuffix(".html")) for name in compare_pages(site)}
    name, pair = next((name, pair) for name, pair in pairs.items() if pair["trace_gap_ms"] is not None)
    opened = open_page(name)
    at_line(opened)
    (row,) = [text for text in opened.page.locator("#trace-values tr").all_inner_texts() if "ref" not in text]
    label = row.split()[0]
    assert round(1000 * opened.number(label, 0)) == pair["trace_gap_ms"]
    opened.page.locator("#trace-ref").select_option("b")
    expect(opened.page.locator("#trace-values tr").nth(0).locator("td").first).not_to_have_text("ref")
    (other,) = [text for text in opened.page.locator("#trace-values tr").all_inner_texts() if "ref" not in text]
    assert round(1000 * opened.number(other.split()[0], 0)) == -pair["trace_gap_ms"]


def test_hostile_names_are_text(open_page: Open, site: Site) -> None:
    for record in site.record("drivers")["drivers"]:
        opened = open_page(f"drivers/{record['path']}.html")
        assert opened.complaints == []
        assert opened.page.locator("img").count() == 0
        if record["driver_name"] in HOSTILE_NAMES:
            assert record["driver_name"].split()[0][:20] in opened.page.locator("main").inner_text()


def test_the_data_in_a_page_cannot_end_its_script(site: Site) -> None:
    for path in (site.folder / "drivers").glob("*.html"):
        (data,) = re.findall(r'<script type="application/json" id="trace-data">(.*?)</script>', path.read_text("utf-8"))
        assert "<" not in data
        assert "\u2028" not in data
        json.loads(data)
