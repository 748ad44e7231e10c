"""What a metric is, and how values are read. The metrics stand in metrics.py and the modules it joins."""

from dataclasses import dataclass
from functools import cached_property

from grx_pipeline.formats import counted, lap_time, number, ordinal, sector_time


@dataclass(frozen=True, kw_only=True)
class Metric:
    """`form` is how a value is read; `words` groups of word stems, one of each stands in the clause; `axis` is what
    its sign means (lexicon.AXES); a label is a name and may stand beside another fact; `superlatives` are words that
    a label, the first of its kind, gives."""

    text: str
    unit: str
    form: str
    words: tuple[tuple[str, ...], ...] = ()
    never: tuple[str, ...] = ()
    axis: str = ""
    is_label: bool = False
    superlatives: tuple[str, ...] = ()

    @cached_property
    def phrases(self) -> frozenset[str]:
        """The stems that name it, in one set."""
        return frozenset(stem for group in self.words for stem in group)


def label(text: str, *superlatives: str) -> Metric:
    return Metric(text=text, unit="text", form="text", is_label=True, superlatives=superlatives)


def whole_sentence(text: str) -> Metric:
    """A sentence of a table, told as it is; it stands alone."""
    return Metric(text=text, unit="text", form="sentence")


def told_value(metric: Metric, value: float, n: int | None) -> str:
    """A value as it is read: magnitude and unit, without a sign."""
    return _FORMS[metric.form](abs(value), n, metric.unit)


def _seconds(ms: float, digits: int) -> str:
    return f"{number(ms / 1000, digits)} s" if digits == 3 or ms >= 10 else f"{number(ms / 1000, 3)} s"


def _number(value: float, digits: int, unit: str) -> str:
    named = {"deg": "°"}.get(unit)
    return f"{number(value, digits)}{named}" if named else f"{number(value, digits)} {unit}"


def _laps_of(value: float, n: int | None) -> str:
    """`9 of 14 laps`."""
    of = n or 0
    if not value and of <= 1:
        return "no lap"
    if value == of:
        return "the only lap" if of == 1 else f"all {counted(of, 'lap')}"
    return f"{number(value)} of {counted(of, 'lap')}" if value else f"none of {counted(of, 'lap')}"


def _other_laps(value: float, n: int | None) -> str:
    """`4 of the other 23 laps`."""
    of = n or 0
    if not value:
        return "no other lap"
    others = f"the other {counted(of, 'lap') if of > 1 else 'lap'}"
    return others if value == of else f"{number(value)} of {others}"


_FORMS = {
    "lap_time": lambda value, n, unit: lap_time(round(value)),
    "sector_time": lambda value, n, unit: f"{sector_time(round(value))}{'' if value >= 60_000 else ' s'}",
    "seconds2": lambda value, n, unit: _seconds(value, 2),
    "seconds3": lambda value, n, unit: _seconds(value, 3),
    "number0": lambda value, n, unit: _number(value, 0, unit),
    "number1": lambda value, n, unit: _number(value, 1, unit),
    "number2": lambda value, n, unit: _number(value, 2, unit),
    "score": lambda value, n, unit: f"{number(value, 1)} of 100",
    "celsius": lambda value, n, unit: f"{number(value, 0)} °C",
    "lap_number": lambda value, n, unit: f"lap {number(value)}",
    "laps": lambda value, n, unit: counted(round(value), "lap"),
    "other_laps": lambda value, n, unit: _other_laps(value, n),
    "laps_of": lambda value, n, unit: _laps_of(value, n),
    "cars": lambda value, n, unit: counted(round(value), "car"),
    "drivers": lambda value, n, unit: counted(round(value), "driver"),
    "count": lambda value, n, unit: number(value),
    "moments": lambda value, n, unit: counted(round(value), "moment"),
    "yellows": lambda value, n, unit: counted(round(value), "full-course yellow"),
    "drivers_of": lambda value, n, unit: f"{number(value) if value else 'none'} of {counted(n or 0, 'driver')}",
    "place_of": lambda value, n, unit: f"{ordinal(round(value))} of {number(n)}",
    "position": lambda value, n, unit: f"P{number(value)} of {number(n)}",
    "clock": lambda value, n, unit: _clock(value),
}


def _clock(ms: float) -> str:
    minutes, seconds = divmod(round(ms / 1000), 60)
    return f"{minutes}:{seconds:02d} min"
