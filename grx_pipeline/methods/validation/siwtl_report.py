"""The hold-out study of SIWTL as Markdown: its table, and what may be claimed from it, no more.

Every number is one of StudyResult's; nothing is computed here but counts of its rows.
"""

import math
from collections.abc import Hashable, Iterator
from itertools import product
from typing import Any

import pandas as pd

from grx_pipeline.methods.validation.siwtl_holdout import SECTOR_COUNTS, SPLIT_TEXTS, TARGETS, StudyResult

_NAMES = {"ideal": "ideal lap", "siwtl": "SIWTL", "best": "best lap"}
_RIVALS = ("ideal", "best")
_MINUS = "\N{MINUS SIGN}"


def render_study(result: StudyResult) -> str:
    """The study in Markdown: what was done, both tables, and the claims they carry."""
    tracks = result.outcomes["circuit"].nunique()
    lines = [
        "# SIWTL on held-out laps",
        "",
        f"{result.clean_laps} clean laps of {len(result.sessions)} sessions ({', '.join(result.sessions)}); "
        f"{tracks} tracks. Targets are made from one part of a driver's clean laps and met with the rest. In brackets: "
        "95 % intervals, drivers and tracks drawn again.",
        "",
        *(f"* `{name}`: {text}" for name, text in SPLIT_TEXTS.items()),
        "",
        *_beat_table(result),
        "",
        *_loss_table(result),
        "",
        "## What this shows",
        "",
        *(f"* {claim}" for claim in _claims(result)),
    ]
    return "\n".join(lines) + "\n"


def _beat_table(result: StudyResult) -> Iterator[str]:
    yield f"## Share of targets that a held-out lap beat (SIWTL is meant to be beaten in {result.level:.3f})"
    yield ""
    yield "| split | over | outcomes | ideal lap | SIWTL | best lap |"
    yield "|---|---|---:|---:|---:|---:|"
    for protocol, count, rows in _cells(result):
        shares = [
            _with_interval(f"{row['beat_share']:.3f}", f"{row['beat_low']:.2f}", f"{row['beat_high']:.2f}")
            for row in rows
        ]
        yield f"| {protocol} | {_over(count)} | {rows[0]['outcomes']} | {' | '.join(shares)} |"


def _loss_table(result: StudyResult) -> Iterator[str]:
    yield "## Pinball loss, % of lap time, and SIWTL's against the others"
    yield ""
    yield "| split | over | ideal lap | SIWTL | best lap | against ideal lap | against best lap |"
    yield "|---|---|---:|---:|---:|---:|---:|"
    for protocol, count, rows in _cells(result):
        losses = [f"{row['pinball_pct']:.3f}" for row in rows]
        changes = [
            _with_interval(f"{_signed(row['change_pct'])} %", _signed(row["change_low"]), _signed(row["change_high"]))
            for row in rows
            if row["target"] in _RIVALS
        ]
        yield f"| {protocol} | {_over(count)} | {' | '.join(losses + changes)} |"


def _claims(result: StudyResult) -> Iterator[str]:
    scores = result.scores
    siwtl = scores[scores["target"] == "siwtl"]
    if siwtl.empty:
        yield "Nothing: no driver has enough clean laps on both sides of any split."
        return
    holds = siwtl[(siwtl["beat_low"] <= result.level) & (result.level <= siwtl["beat_high"])]
    yield (
        f"SIWTL was beaten in {siwtl['beat_share'].min():.0%} to {siwtl['beat_share'].max():.0%} of outcomes, by "
        f"split; the nominal {result.level:.0%} lies in {len(holds)} of {len(siwtl)} intervals."
    )
    for rival in _RIVALS:
        rows = scores[scores["target"] == rival]
        lower, sure = rows[rows["change_pct"] < 0], rows[rows["change_high"] < 0]
        yield (
            f"Its loss is lower than the {_NAMES[rival]}'s in {len(lower)} of {len(rows)} splits; "
            f"the whole interval is below zero in {_listed(sure)}."
        )


def _cells(result: StudyResult) -> Iterator[tuple[str, int, list[dict[Hashable, Any]]]]:
    """Per protocol and sector count that has outcomes: its scores in the order of TARGETS."""
    records = result.scores.to_dict("records")
    for protocol, count in product(SPLIT_TEXTS, SECTOR_COUNTS):
        rows = [row for row in records if (row["protocol"], row["sector_count"]) == (protocol, count)]
        if rows:
            yield protocol, count, sorted(rows, key=lambda row: TARGETS.index(row["target"]))


def _over(count: int) -> str:
    return f"{count} {'sectors' if count == 3 else 'sections'}"


def _listed(rows: pd.DataFrame) -> str:
    splits = zip(rows["protocol"], rows["sector_count"], strict=True)
    return ", ".join(f"`{protocol}` over {_over(count)}" for protocol, count in splits) or "none of them"


def _with_interval(value: str, low: str, high: str) -> str:
    return f"{value} ({low} to {high})"


def _signed(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:+.0f}".replace("-", _MINUS)
