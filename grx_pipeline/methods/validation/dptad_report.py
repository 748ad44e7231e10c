"""The study of DPTAD as Markdown: its tables, and what may be claimed from them, no more."""

from collections.abc import Iterator

import pandas as pd

from grx_pipeline.methods.validation.dptad_fit import TUNING, TUNING_SEED
from grx_pipeline.methods.validation.dptad_rivals import SKETCH_STEPS
from grx_pipeline.methods.validation.dptad_study import DETECTORS, DptadStudy
from grx_pipeline.methods.validation.faults import FAULT_KINDS, SIZE_UNITS

# Recall that the first version of the detector reached at .72 events a lap, on its own faults and on cars it was
# chosen on: the figures to beat (algorithms, section 4).
REFERENCE = {
    "early_braking": 0.74,
    "missed_braking_point": 0.69,
    "throttle_lift": 0.98,
    "lock_up": 0.64,
    "brake_reapplication": 0.46,
}
_NAMES = {"dptad": "DPTAD", "zone": "zone statistic", "envelope": "envelope", "sketch": "sketch"}
_TITLES = {
    "real": "Real cars that nothing was fitted to",
    "simulated": "Simulated cars",
    "tuning": "Tuning cars, other faults",
}


def render_dptad(study: DptadStudy, features: pd.DataFrame, *, cost_s: float) -> str:
    """The study in Markdown; a loss of `cost_s` or more is called one."""
    lines = ["# DPTAD on labelled faults", "", *_about(study)]
    for group, title in _TITLES.items():
        if (study.outcomes["group"] == group).any():
            lines += ["", f"## {title}", "", _cars(study, group), "", *_recall_table(study, group, cost_s)]
    lines += ["", *_quality_table(study, cost_s), "", *_snap_and_laps(study)]
    if len(features):
        lines += ["", *_feature_table(features)]
    lines += ["", "## What this shows", "", *(f"* {claim}" for claim in _claims(study))]
    return "\n".join(lines) + "\n"


def _about(study: DptadStudy) -> Iterator[str]:
    tuned = ", ".join(dict.fromkeys(f"{vehicle} ({session})" for session, vehicle in TUNING))
    faults = study.outcomes[study.outcomes["detector"] == "dptad"]
    sketch = ", ".join(f"{step:.0f} {name.rpartition('_')[2]}" for name, step in SKETCH_STEPS.items())
    yield (
        f"{len(faults)} faults with seed {study.seed}, each in a copy of a clean lap: pedals or steering are changed, "
        "speed and time follow by the car's own model. A fault that would gain time is drawn again. Weights were "
        f"fitted to faults with seed {TUNING_SEED} in laps of {tuned}. Which evidence, limits and "
        "ridge to take was also compared on the real cars below, with other seeds; no weight was fitted to them."
    )
    yield ""
    yield (
        "All detectors but the sketch have the same budget, half an event per clean lap over a group's laps with the "
        "faulty copy in place of its lap; real mistakes that the clean laps hold take their part of it. "
        f"The sketch counts steps between samples at 20 Hz over {sketch} and has no budget. Found: an event from 30 m "
        "before to 60 m behind the fault."
    )


def _cars(study: DptadStudy, group: str) -> str:
    rows = study.drivers[study.drivers["group"] == group]
    return "Clean laps: " + ", ".join(f"{row.driver} {row.own_laps}" for row in rows.itertuples()) + "."


def _recall_table(study: DptadStudy, group: str, cost_s: float) -> Iterator[str]:
    rows = study.outcomes[study.outcomes["group"] == group]
    yield "| fault | faults | sizes | median loss, s | DPTAD | zone statistic | envelope | sketch |"
    yield "|---|---:|---|---:|---:|---:|---:|---:|"
    for kind in FAULT_KINDS:
        of_kind = rows[rows["kind"] == kind]
        once = of_kind[of_kind["detector"] == "dptad"]
        shares = [f"{of_kind.loc[of_kind['detector'] == name, 'is_found'].mean():.2f}" for name in DETECTORS]
        sizes = f"{once['size'].min():.3g} to {once['size'].max():.3g} {SIZE_UNITS[kind]}"
        loss = once["fault_loss_ms"].median() / 1000
        yield f"| {kind.replace('_', ' ')} | {len(once)} | {sizes} | {loss:.2f} | {' | '.join(shares)} |"
    costly = rows[rows["fault_loss_ms"] >= 1000 * cost_s]
    for title, part in (("all", rows), (f"all that cost {cost_s} s", costly)):
        shares = [f"{part.loc[part['detector'] == name, 'is_found'].mean():.2f}" for name in DETECTORS]
        yield f"| {title} | {(part['detector'] == 'dptad').sum()} | | | {' | '.join(shares)} |"
    yield f"| *precision* | | | | {' | '.join(f'{_precision(rows, name):.2f}' for name in DETECTORS)} |"
    clean = study.clean[study.clean["group"] == group]
    per_lap = dict(zip(clean["detector"], clean["events"] / clean["laps"], strict=True))
    rates = [f"{per_lap[name]:.2f}" for name in DETECTORS]
    yield f"| *events per clean lap* | | | | {' | '.join(rates)} |"


def _precision(rows: pd.DataFrame, detector: str) -> float:
    """Faults found over all events on laps with a fault; real mistakes on those laps count as wrong."""
    one = rows[rows["detector"] == detector]
    found, wrong = int(one["is_found"].sum()), int(one["false_events"].sum())
    return found / max(found + wrong, 1)


def _quality_table(study: DptadStudy, cost_s: float) -> Iterator[str]:
    rows = study.outcomes[(study.outcomes["detector"] == "dptad") & (study.outcomes["group"] == "real")]
    rows = rows[rows["is_found"]]
    yield "## What DPTAD says of the faults it finds (real cars that nothing was fitted to)"
    yield ""
    costly = f"with a loss of {cost_s} s"
    yield f"| fault | found | named as put in | peak off the changed stretch, m: median, 95 % | {costly} |"
    yield "|---|---:|---:|---:|---:|"
    for kind in FAULT_KINDS:
        found = rows[rows["kind"] == kind]
        if len(found):
            off, lost = found["off_m"].astype(float), found["loss_ms"].astype(float)
            named = f"{found['is_named'].astype(float).mean():.2f}"
            places = f"{off.median():.0f}, {off.quantile(0.95):.0f}"
            share = f"{(lost >= 1000 * cost_s).mean():.2f}"
            yield f"| {kind.replace('_', ' ')} | {len(found)} | {named} | {places} | {share} |"
    yield ""
    events, anywhere = (
        frame[frame["group"].isin(("real", "tuning"))]["loss_ms"].astype(float)
        for frame in (study.events, study.random)
    )
    yield (
        "Events on the real clean laps as they were driven, tuning cars among them: "
        f"{(events >= 1000 * cost_s).mean():.0%} of {len(events)} lost {cost_s} s or more, against "
        f"{(anywhere >= 1000 * cost_s).mean():.0%} of {len(anywhere)} random places."
    )


def _snap_and_laps(study: DptadStudy) -> Iterator[str]:
    rows = study.outcomes[study.outcomes["detector"] == "dptad"]
    snaps = rows[(rows["kind"] == "counter_steer_snap") & rows["group"].isin(("real", "tuning"))]
    yield "## By steering angle, and by number of own laps"
    yield ""
    yield "| snap of 0.3 s, real cars | found |"
    yield "|---:|---:|"
    for size in sorted(snaps["size"].unique()):
        yield f"| {size:.0f} deg | {snaps.loc[snaps['size'] == size, 'is_found'].mean():.2f} |"
    yield ""
    yield "| own clean laps | cars | recall without snaps |"
    yield "|---|---|---:|"
    others = rows[rows["kind"] != "counter_steer_snap"]
    for key, part in others.groupby(["group", "own_laps"]):
        group, laps = (str(one) for one in key) if isinstance(key, tuple) else ("", "")
        names = ", ".join(dict.fromkeys(part["driver"]))
        yield f"| {laps} | {group}: {names} | {part['is_found'].mean():.2f} |"


def _feature_table(features: pd.DataFrame) -> Iterator[str]:
    yield "## Counts of telemetry_features when real laps are logged less often"
    yield ""
    yield "| count | native | 20 Hz | 10 Hz |"
    yield "|---|---:|---:|---:|"
    for row in features.to_dict("records"):
        native = max(int(row["native"]), 1)
        cells = [f"{row[rate]} ({100 * (row[rate] / native - 1):+.0f} %)" for rate in ("20.0", "10.0")]
        yield f"| {row['figure']} | {row['native']} | {' | '.join(cells)} |"


def _claims(study: DptadStudy) -> Iterator[str]:
    rows = study.outcomes[study.outcomes["group"] == "real"]
    if rows.empty:
        yield "Nothing about real cars: none but the tuning cars has enough clean laps."
        return
    shares = rows.groupby(["detector", "kind"])["is_found"].mean()
    recall = {name: {kind: float(shares[name, kind]) for kind in FAULT_KINDS} for name in DETECTORS}
    own = recall["dptad"]
    better = [kind for kind, least in REFERENCE.items() if own[kind] > least]
    short = [kind for kind in REFERENCE if kind not in better]
    said = ", ".join(f"{kind.replace('_', ' ')} {own[kind]:.2f} ({REFERENCE[kind]:.2f})" for kind in better)
    yield f"Over the reference figures (in brackets, at 0.72 events a lap): {said or 'none'}."
    if short:
        said = ", ".join(f"{kind.replace('_', ' ')} {own[kind]:.2f} ({REFERENCE[kind]:.2f})" for kind in short)
        yield f"Not over them: {said}."
    for rival in ("zone", "envelope"):
        ahead = [kind for kind in FAULT_KINDS if recall[rival][kind] > own[kind]]
        words = ", ".join(kind.replace("_", " ") for kind in ahead) or "nothing"
        yield f"On the same faults and budget the {_NAMES[rival]} finds more of: {words}."
    yield f"Counter-steer snaps are found in {own['counter_steer_snap']:.0%}: none is claimed."
