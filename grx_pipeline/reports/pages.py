"""Records -> the pages of a site: which there are, what each is made from, and which can stay as they are.

What a page shows is made in driver_page.py, session_page.py, compare_page.py and season_page.py.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from grx_pipeline.methods.references.choice import CLASS_BEST
from grx_pipeline.reports.api import CarRecords, SessionRecords
from grx_pipeline.reports.changes import car_changes, session_changes
from grx_pipeline.reports.coach_page import CoachView, coach_view
from grx_pipeline.reports.compare_page import compare_view
from grx_pipeline.reports.driver_page import driver_view
from grx_pipeline.reports.driving_records import Comparison
from grx_pipeline.reports.earlier import EarlierBuild
from grx_pipeline.reports.encoding import to_json
from grx_pipeline.reports.formats import Style
from grx_pipeline.reports.narrative_records import CoachText
from grx_pipeline.reports.renderer import asset_files, render, renderer_hash
from grx_pipeline.reports.season import SeasonSession
from grx_pipeline.reports.season_page import season_view
from grx_pipeline.reports.session_page import session_view
from grx_pipeline.reports.site_records import RefusedFiles
from grx_pipeline.reports.standing import Pair, Standing, pairs_that_matter, shared_numbers, standings
from grx_pipeline.reports.trace_data import driver_traces, pair_traces
from grx_pipeline.settings import ReportSettings

_CAR_FILES = (
    *("api/laps/{}.json", "api/ml/siwtl/calculate/{}.json", "api/ml/dptad/analyze/{}.json", "api/corners/{}.json"),
    *("api/ledger/{}.json", "api/opportunities/{}.json", "api/references/{}.json", "api/coaching/{}.json"),
)


@dataclass(frozen=True, kw_only=True)
class SitePages:
    """Pages and what they load, by path in the site. `inputs` are hashes by page; `rendered` were made anew."""

    files: dict[str, bytes] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    rendered: list[str] = field(default_factory=list)


def session_pages(
    records: SessionRecords,
    json_builds: Mapping[str, str],
    *,
    settings: ReportSettings,
    earlier: EarlierBuild | None,
    share: slice,
) -> SitePages:
    """Of the session page, a page per car and one per pair that matters those of `share`, with what they load.

    Pages of the same inputs as in `earlier` stay. `json_builds` are the builds of the site's JSON files, hashes of
    their data, which a page depends on.
    """
    site = _Site(records, json_builds, settings, earlier)
    places = standings(records, settings)
    compared = {(pair.vehicle_a, pair.vehicle_b): pair for pair in records.comparisons}
    additions: list[Callable[[], None]] = [
        site.add_session,
        *(partial(site.add_driver, car, places[car.driver.vehicle_id]) for car in records.cars),
        *(
            partial(site.add_pair, pair, compared[pair.a.vehicle_id, pair.b.vehicle_id])
            for pair in pairs_that_matter(records)
        ),
    ]
    for add in additions[share]:
        add()
    return site.pages


def season_page(
    sessions: Sequence[SeasonSession], settings: ReportSettings, *, refused: Sequence[RefusedFiles] = ()
) -> dict[str, bytes]:
    """The season page and what it loads, by path under the reports folder."""
    style = page_style(settings)
    return {
        **asset_files(),
        "index.html": render("season.html", style, root="", view=season_view(sessions, settings, refused)),
    }


def page_style(settings: ReportSettings) -> Style:
    """How pages show numbers, by the render settings."""
    return Style(
        speed_unit=settings.speed_unit,
        has_decimal_comma=settings.decimal_sign == "comma",
        time_zone=settings.time_zone,
    )


class _Site:
    """Collects the pages: kept where their inputs are the same, rendered where not."""

    def __init__(
        self,
        records: SessionRecords,
        json_builds: Mapping[str, str],
        settings: ReportSettings,
        earlier: EarlierBuild | None,
    ) -> None:
        self.pages = SitePages()
        self._records, self._json_builds, self._earlier = records, json_builds, earlier
        self._settings, self._style = settings, page_style(settings)
        self._shared = shared_numbers(records.summary.classification)
        self._cars = {car.driver.vehicle_id: car for car in records.cars}

    def add_session(self) -> None:
        judged = [car.dptad for car in self._records.cars]
        scores = tuple((one.scores, one.laps_judged, len(one.events), one.highest_score) for one in judged)
        files = ("api/fleet/summary.json", "api/track.json", "api/drivers.json")
        pairs = pairs_that_matter(self._records)

        def view() -> Mapping[str, object]:
            coach = self._coach(self._records.summary.narrative, "fleet")
            return {
                **session_view(self._records, self._style, self._settings),
                "coach": coach,
                "changes": session_changes(self._earlier, self._records.summary),
                "earlier_build": self._earlier.published_at if self._earlier else "",
            }

        self._add("index.html", "session.html", files, (scores, pairs), view)

    def add_driver(self, car: CarRecords, standing: Standing) -> None:
        summary, path = self._records.summary, car.driver.path
        best = next((reference for reference in car.references.references if reference.reference == CLASS_BEST), None)
        rivals = [(self._cars[source.vehicle_id], source.lap_number) for source in best.sources] if best else []

        def view() -> Mapping[str, object]:
            traces = driver_traces(car, self._records, root="../", style=self._style, settings=self._settings)
            self.pages.files.update(traces.files)
            return {
                **driver_view(car, standing, summary, self._records.track, style=self._style, settings=self._settings),
                "traces": traces,
                "coach": self._coach(car.coaching.text if car.coaching else None, "driver", car.driver.vehicle_id),
                "changes": car_changes(self._earlier, car, self._style),
                "earlier_build": self._earlier.published_at if self._earlier else "",
            }

        self._add(
            f"drivers/{path}.html",
            "driver.html",
            (
                "api/track.json",
                *(name.format(path) for name in _CAR_FILES),
                *(_telemetry_file(car, lap.lap_number) for lap in (*car.telemetry, *car.estimates)),
                *(_telemetry_file(rival, lap) for rival, lap in rivals),
            ),
            (summary.session, summary.neutralisations, car.driver, standing, [rival.driver for rival, _ in rivals]),
            view,
            folder=f"data/{path}",
        )

    def add_pair(self, pair: Pair, comparison: Comparison) -> None:
        cars = self._cars[pair.a.vehicle_id], self._cars[pair.b.vehicle_id]
        laps = zip(cars, (comparison.lap_a, comparison.lap_b), strict=True)

        def view() -> Mapping[str, object]:
            traces = pair_traces(
                comparison,
                cars,
                self._records.track,
                shared_numbers=self._shared,
                style=self._style,
                settings=self._settings,
            )
            coach = self._coach(comparison.narrative, "comparison")
            shown = compare_view(self._records, pair, comparison, cars, style=self._style, settings=self._settings)
            return {**shown, "traces": traces, "coach": coach}

        self._add(
            f"compare/{pair.path}",
            "compare.html",
            (
                "api/track.json",
                f"api/compare/{pair.path.removesuffix('.html')}.json",
                *(_telemetry_file(car, lap) for car, lap in laps if lap is not None),
            ),
            (self._records.summary.session, self._shared, pair, [(car.driver, car.siwtl) for car in cars]),
            view,
        )

    def _coach(self, text: CoachText | None, kind: str, vehicle_id: str = "") -> CoachView | None:
        paths = {vehicle: car.driver.path for vehicle, car in self._cars.items()}
        return coach_view(text, self._style, kind=kind, paths=paths, vehicle_id=vehicle_id)

    def _add(
        self,
        name: str,
        template: str,
        files: Iterable[str],
        records: tuple[object, ...],
        view: Callable[[], Mapping[str, object]],
        *,
        folder: str | None = None,
    ) -> None:
        """One page, made from JSON files and from records that are only a part of one; `folder` holds what it loads."""
        inputs = self._hash((renderer_hash(), to_json(vars(self._settings)), to_json(records)), files)
        kept = self._earlier.page(name, inputs) if self._earlier else None
        loaded = self._earlier.files_in(folder) if self._earlier and kept is not None and folder is not None else {}
        if kept is None or loaded is None:
            kept = render(template, self._style, root="../" * name.count("/"), view=view())
            self.pages.rendered.append(name)
        else:
            self.pages.files.update(loaded)
        self.pages.files[name] = kept
        self.pages.inputs[name] = inputs

    def _hash(self, texts: Iterable[str], files: Iterable[str]) -> str:
        parts = [*texts, *(f"{name} {self._json_builds.get(name, '')}" for name in files)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _telemetry_file(car: CarRecords, lap: int) -> str:
    return f"api/telemetry/{car.driver.path}/{lap}.json"
