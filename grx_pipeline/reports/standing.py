"""Where a car stands in its field: what a page of one car shows of the others. Computed once for all cars."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from grx_pipeline.reports.api import CarRecords, SessionRecords
from grx_pipeline.reports.records import Classified, Driver, Laps
from grx_pipeline.settings import ReportSettings


@dataclass(frozen=True, kw_only=True)
class CarLink:
    """Another car as a link names it."""

    path: str
    vehicle_id: str
    car_number: str
    driver_name: str | None


@dataclass(frozen=True, kw_only=True)
class PairLink:
    """A compare page of this car: `path` is under compare/, `roles` what the other car is, as `ahead`."""

    path: str
    other: CarLink
    roles: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ClassBest:
    """The best valid lap of the car's class."""

    lap_time_ms: int
    lap_number: int | None
    car: CarLink
    is_own: bool
    is_clean: bool = True


@dataclass(frozen=True, kw_only=True)
class Standing:
    """`pace_place` is the place by best valid lap among the `class_cars` of the class that have one.

    `field_laps` are (elapsed, lap time), medians over the cars, lap by lap (ms). `shared_numbers` are of several cars.
    """

    class_best: ClassBest | None
    class_best_sectors_ms: tuple[int | None, ...]
    pace_place: int | None
    class_cars: int
    ahead: CarLink | None
    behind: CarLink | None
    pairs: tuple[PairLink, ...]
    field_laps: tuple[tuple[int, int], ...]
    shared_numbers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two cars that a page compares, `a` first in the classification. `roles` say what each is to the other."""

    a: Classified
    b: Classified
    roles_of_a: tuple[str, ...]
    roles_of_b: tuple[str, ...]

    @property
    def path(self) -> str:
        return f"{self.a.path}/{self.b.path}.html"


def standings(records: SessionRecords, settings: ReportSettings) -> dict[str, Standing]:
    """The standing of every car by vehicle_id."""
    order = records.summary.classification
    field_laps = _field_laps(records.cars, settings.min_field_cars)
    shared = shared_numbers(order)
    pairs = pair_links(pairs_that_matter(records))
    classes: dict[str | None, list[CarRecords]] = {}
    for car in records.cars:
        classes.setdefault(car.driver.vehicle_class, []).append(car)
    outcome = {}
    for index, car in enumerate(records.cars):
        of_class = classes[car.driver.vehicle_class]
        times = sorted(c.laps.best_lap_ms for c in of_class if c.laps.best_lap_ms is not None)
        outcome[car.driver.vehicle_id] = Standing(
            class_best=class_best(of_class, car),
            class_best_sectors_ms=_best_sectors(of_class),
            pace_place=None if car.laps.best_lap_ms is None else times.index(car.laps.best_lap_ms) + 1,
            class_cars=len(times),
            ahead=link_of(order[index - 1]) if index else None,
            behind=link_of(order[index + 1]) if index + 1 < len(order) else None,
            pairs=pairs.get(car.driver.vehicle_id, ()),
            field_laps=field_laps,
            shared_numbers=shared,
        )
    return outcome


def link_of(car: Classified | Driver) -> CarLink:
    return CarLink(path=car.path, vehicle_id=car.vehicle_id, car_number=car.car_number, driver_name=car.driver_name)


def shared_numbers(cars: Iterable[Classified]) -> tuple[str, ...]:
    """Numbers that more than one car of the session has."""
    counts = Counter(car.car_number for car in cars)
    return tuple(sorted(number for number, count in counts.items() if count > 1))


def car_label(car: Classified | Driver | CarLink, shared: Sequence[str]) -> str:
    """`#13`, and where cars share the number `#13 (GR86-004-13)`."""
    return f"#{car.car_number} ({car.vehicle_id})" if car.car_number in shared else f"#{car.car_number}"


def pairs_that_matter(records: SessionRecords) -> tuple[Pair, ...]:
    """The pairs with a page of their own: neighbours, each with the winner, the class's best and its team mates."""
    order = records.summary.classification
    compared = {(pair.vehicle_a, pair.vehicle_b) for pair in records.comparisons}
    best = _fastest_of_classes(order)
    pairs = []
    for i, a in enumerate(order):
        for j, b in enumerate(order[i + 1 :], i + 1):
            roles_of_a, roles_of_b = [], []
            if i == 0:
                roles_of_a.append("the winner")
            if j == i + 1:
                roles_of_a.append("the car ahead")
                roles_of_b.append("the car behind")
            for car, roles in ((a, roles_of_a), (b, roles_of_b)):
                if a.vehicle_class == b.vehicle_class and best.get(a.vehicle_class) is car:
                    roles.append("the best lap of the class")
            if a.team is not None and a.team == b.team:
                roles_of_a.append("team mate")
                roles_of_b.append("team mate")
            if (roles_of_a or roles_of_b) and (a.vehicle_id, b.vehicle_id) in compared:
                pairs.append(Pair(a=a, b=b, roles_of_a=tuple(roles_of_a), roles_of_b=tuple(roles_of_b)))
    return tuple(pairs)


def pair_links(pairs: Iterable[Pair]) -> Mapping[str, tuple[PairLink, ...]]:
    """The compare pages of each car by vehicle_id, the others in the order of the classification."""
    links: dict[str, list[PairLink]] = {}
    for pair in pairs:
        of_a = PairLink(path=pair.path, other=link_of(pair.b), roles=pair.roles_of_b)
        of_b = PairLink(path=pair.path, other=link_of(pair.a), roles=pair.roles_of_a)
        links.setdefault(pair.a.vehicle_id, []).append(of_a)
        links.setdefault(pair.b.vehicle_id, []).append(of_b)
    return {vehicle: tuple(of_car) for vehicle, of_car in links.items()}


def _fastest_of_classes(order: Sequence[Classified]) -> dict[str | None, Classified]:
    fastest: dict[str | None, Classified] = {}
    for car in order:
        best = fastest.get(car.vehicle_class)
        if car.best_lap_ms is not None and (best is None or car.best_lap_ms < (best.best_lap_ms or 0)):
            fastest[car.vehicle_class] = car
    return fastest


def is_best_clean(laps: Laps) -> bool:
    """Whether the best valid lap is a clean lap."""
    return any(lap.is_clean for lap in laps.laps if lap.lap_number == laps.best_lap_number)


def class_best(of_class: Sequence[CarRecords], own: CarRecords) -> ClassBest | None:
    timed = [car for car in of_class if car.laps.best_lap_ms is not None]
    if not timed:
        return None
    best = min(timed, key=lambda car: car.laps.best_lap_ms or 0)
    driver = best.driver
    return ClassBest(
        lap_time_ms=best.laps.best_lap_ms or 0,
        lap_number=best.laps.best_lap_number,
        car=link_of(driver),
        is_own=best is own,
        is_clean=is_best_clean(best.laps),
    )


def _best_sectors(of_class: Sequence[CarRecords]) -> tuple[int | None, ...]:
    """The best clean time of each sector in the class."""
    times: dict[int, list[int]] = {1: [], 2: [], 3: []}
    for car in of_class:
        for sector in car.siwtl.sectors:
            times[sector.sector].append(sector.best_ms)
    return tuple(min(times[n], default=None) for n in (1, 2, 3))


def _field_laps(cars: Sequence[CarRecords], least: int) -> tuple[tuple[int, int], ...]:
    by_lap: dict[int, list[tuple[int, int]]] = {}
    for car in cars:
        for lap in car.laps.laps:
            if lap.is_valid and lap.elapsed_ms is not None and lap.lap_time_ms is not None:
                by_lap.setdefault(lap.lap_number, []).append((lap.elapsed_ms, lap.lap_time_ms))
    return tuple(
        (round(median(e for e, _ in laps)), round(median(t for _, t in laps)))
        for _, laps in sorted(by_lap.items())
        if len(laps) >= least
    )
