"""A simulated race as a published site, with hostile names, and its pages once they are open in a browser."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from grx_pipeline.demo.race import DemoRace
from grx_pipeline.demo.simulate import simulate_race
from grx_pipeline.demo.write import write_race
from grx_pipeline.reports.steps import build_season
from grx_pipeline.steps import STEPS, run_step
from support.contexts import context_of

HOSTILE_NAMES = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(2)> & co",
    "\u202eסוזי \u2028 🏁 " + "x" * 200,
)


@dataclass(frozen=True, kw_only=True)
class Site:
    """`folder` is the session's site under `reports`; `drivers` are file names of driver pages by what they have."""

    reports: Path
    folder: Path
    with_target: str
    without_telemetry: str

    def record(self, path: str) -> dict[str, Any]:
        """The data of a JSON file of the static API."""
        data: dict[str, Any] = json.loads((self.folder / "api" / f"{path}.json").read_bytes())["data"]
        return data


@dataclass(kw_only=True)
class Opened:
    """A page and what happened on it: console messages and errors, dialogs, addresses it asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def number(self, selector: str, column: int) -> float:
        """A number of the value table's row that starts with `selector`."""
        text = self.page.locator("#trace-values tr", has_text=selector).locator("td").nth(column).inner_text()
        return float(text.replace("\u2212", "-").replace(",", ""))


Open = Callable[..., Opened]


def driver(site: Site, tail: str = "") -> str:
    """The page of the driver with a target."""
    return f"drivers/{site.with_target}.html{tail}"


def at_line(opened: Opened) -> None:
    """The cursor to the end of the lap."""
    opened.page.locator("#trace-slider").focus()
    opened.page.keyboard.press("End")
    drawn(opened.page)


def drawn(page: Page) -> None:
    """Wait until what was done to the page is drawn: the cursor moves with the next frame."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def compare_pages(site: Site) -> list[str]:
    return sorted(path.relative_to(site.folder).as_posix() for path in site.folder.glob("compare/*/*.html"))


def build_site(scratch: Path) -> Site:
    """Simulate five cars over 14 laps and run the whole chain on them."""
    folder = write_race(
        _renamed(simulate_race(cars=5, laps=14, seed=5, race=1, weekend=0)),
        scratch / "oval" / "race1",
        seed=5,
        channel_set="pedal",
        progress=lambda _: None,
    )
    context = context_of(folder, scratch)
    for step in STEPS.values():
        run_step(step, context)
    build_season(context.paths, context.settings)
    site = context.paths.published(context.session)
    return _described(context.paths.reports, site)


def _renamed(race: DemoRace) -> DemoRace:
    cars = [replace(car, driver=name) for car, name in zip(race.cars, HOSTILE_NAMES, strict=False)]
    return replace(race, cars=(*cars, *race.cars[len(cars) :]))


def _described(reports: Path, folder: Path) -> Site:
    site = Site(reports=reports, folder=folder, with_target="", without_telemetry="")
    drivers = site.record("drivers")["drivers"]
    gains = {d["path"]: site.record(f"ml/siwtl/calculate/{d['path']}")["potential_gain_ms"] or 0 for d in drivers}
    with_target = max((d["path"] for d in drivers if _has_target(site, d["path"])), key=gains.__getitem__)
    without = next(d["path"] for d in drivers if not d["telemetry_laps"] and d["estimated_laps"])
    return replace(site, with_target=with_target, without_telemetry=without)


def _has_target(site: Site, path: str) -> bool:
    references = site.record(f"references/{path}")["references"]
    return any(one["reference"] == "target" and one["trace"] for one in references)
