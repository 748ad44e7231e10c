"""The study of opportunities as Markdown: its tables, and what may be claimed from them, no more."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from grx_pipeline.settings import Settings

_COUNTS = (
    *("told", "again_under_least", "again_under_half", "again_none"),
    *("places", "placebo_bare", "placebo_over_floor", "placebo_told"),
)


def render_study(judged: pd.DataFrame, sessions: Sequence[str], settings: Settings) -> str:
    """The study in Markdown. `judged` has a row a half, as split_study gives it; `sessions` are all that were tried."""
    least_ms = settings.opportunities.min_loss_s * 1000
    lines = [
        "# Opportunities between two halves of one driver's laps",
        "",
        f"{settings.study.half_draws} random splits of every driver with enough clean laps, each half judged by the "
        f"other; seed {settings.study.seed}. Sessions: {', '.join(sessions)}.",
        "",
        *(_tables(judged, least_ms) if len(judged) else ["No driver of these sessions has laps for two halves."]),
    ]
    return "\n".join(lines) + "\n"


def _tables(judged: pd.DataFrame, least_ms: float) -> Iterator[str]:
    cells = judged.assign(has_placebo=judged["placebo_told"] > 0).groupby(["is_simulated", "session", "has_traffic"])
    sums = cells[[*_COUNTS, "has_placebo"]].sum().assign(halves=cells.size(), drivers=cells["vehicle_id"].nunique())
    yield "## False opportunities: one half compared with the other"
    yield ""
    yield "The same driver with the same habits: whatever is told is false. The bare floor is a difference of"
    yield f"{least_ms:.0f} ms without regard to spread, to the rest of the corner or to a pattern."
    yield ""
    yield "| session | laps | drivers | halves | places tested | bare floor | over the floor | told | halves told any |"
    yield "|---|---|---:|---:|---:|---:|---:|---:|---:|"
    for row in sums.reset_index().to_dict("records"):
        shares = [_share(row[name], row["places"]) for name in ("placebo_bare", "placebo_over_floor", "placebo_told")]
        shares.append(_share(row["has_placebo"], row["halves"]))
        yield f"| {_cell(row)} | {row['places']:,} | {' | '.join(shares)} |"
    yield ""
    yield "## Told from one half, measured on the other"
    yield ""
    yield "The other half's loss at the same place against the same reference. An effect that is really little over"
    yield f"{least_ms:.0f} ms measures less than that on every other half; a half that loses nothing refutes it."
    yield ""
    yield (
        f"| session | laps | drivers | halves | told | under {least_ms:.0f} ms | under {least_ms / 2:.0f} ms | "
        "no loss at all |"
    )
    yield "|---|---|---:|---:|---:|---:|---:|---:|"
    for row in sums.reset_index().to_dict("records"):
        shares = [_share(row[f"again_{name}"], row["told"]) for name in ("under_least", "under_half", "none")]
        yield f"| {_cell(row)} | {row['told']} | {' | '.join(shares)} |"
    yield ""
    yield "## What this shows"
    yield ""
    yield from _claims(sums)


def _claims(sums: pd.DataFrame) -> Iterator[str]:
    as_told = sums[[not has_traffic for has_traffic in sums.index.get_level_values("has_traffic")]]
    for is_simulated, rows in as_told.groupby(level="is_simulated"):
        total, kind = rows.sum(), "simulated" if is_simulated else "real"
        yield (
            f"* On {kind} laps {_share(total['placebo_told'], total['places'])} of the places tested and "
            f"{_share(total['has_placebo'], total['halves'])} of the halves are told something false (laps in traffic "
            "left out, as drivers are told)."
        )
        if total["told"]:
            yield (
                f"* Of {total['told']:.0f} opportunities told from half of the {kind} laps, "
                f"{_share(total['again_under_half'], total['told'])} lose less than half of the least loss on the "
                f"other half, and {_share(total['again_none'], total['told'])} nothing."
            )
        else:
            silent = ", and nothing false in them shows only that the rules keep silent"
            yield (
                f"* From half of the {kind} laps no opportunity is told, so that none could be measured again: "
                f"{kind} laps prove nothing here about what is told{'' if total['placebo_told'] else silent}."
            )


def _cell(row: Mapping[Hashable, Any]) -> str:
    name = f"{row['session']} (simulated)" if row["is_simulated"] else str(row["session"])
    laps = "traffic too" if row["has_traffic"] else "as told"
    return f"{name} | {laps} | {row['drivers']} | {row['halves']}"


def _share(count: float, of: float) -> str:
    return f"{100 * count / of:.1f} %" if of else "none"
