"""Collects the facts of one text, each with the row that it is from."""

import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from grx_pipeline.narratives.metric import told_value
from grx_pipeline.narratives.metrics import METRICS
from grx_pipeline.narratives.records import Fact

Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Source:
    """A row of a result table, by the values of its key."""

    table: str
    key: str = ""


@dataclass(kw_only=True)
class FactBook:
    """Facts by id. A value that is not known makes no fact."""

    facts: dict[str, Fact] = field(default_factory=dict)

    def add(
        self, name: str, entity: str, metric: str, value: float | None, source: Source, *, n: int | None = None
    ) -> None:
        """A figure, with `n` of how many laps, cars or readings."""
        if value is None or math.isnan(value):
            return
        self.facts[name] = Fact(
            id=name,
            entity=entity,
            metric=metric,
            value=float(value),
            unit=METRICS[metric].unit,
            n=n,
            text=told_value(METRICS[metric], value, n),
            table=source.table,
            key=source.key,
        )

    def add_text(self, name: str, entity: str, metric: str, text: str | None, source: Source) -> None:
        """A name or a sentence of a table; nothing where there is none."""
        if text:
            self.facts[name] = Fact(
                id=name,
                entity=entity,
                metric=metric,
                value=None,
                unit="text",
                n=None,
                text=text,
                table=source.table,
                key=source.key,
            )

    def __contains__(self, name: str) -> bool:
        return name in self.facts

    def value(self, name: str) -> float | None:
        fact = self.facts.get(name)
        return fact.value if fact else None


def plain_name(text: str, letters: int) -> str:
    """A name as it can stand in a line: no control or direction characters, no runs of blanks, not endless."""
    kept = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    short = re.sub(r" +", " ", kept).strip()
    return short if len(short) <= letters else f"{short[: letters - 1].rstrip()}…"
