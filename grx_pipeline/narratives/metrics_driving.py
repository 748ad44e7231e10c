"""Metrics of habits at corners, places of the lap, and moments out of the ordinary."""

from collections.abc import Mapping

from grx_pipeline.narratives.metric import Metric

_FIGURES: Mapping[str, tuple[str, str, str, str, tuple[str, ...]]] = {
    # Column of corner_laps: what it is, unit, form, axis of a difference, words that name it.
    "entry_speed_kmh": ("entry speed", "km/h", "number1", "level", ("entry speed",)),
    "min_speed_kmh": ("minimum speed", "km/h", "number1", "level", ("minimum speed",)),
    "exit_speed_kmh": ("exit speed", "km/h", "number1", "level", ("exit speed",)),
    "brake_onset_m": ("where braking begins", "m", "number0", "place", ("brak",)),
    "brake_peak_bar": ("peak brake pressure", "bar", "number0", "force", ("pressure",)),
    "throttle_on_m": ("where the throttle comes on", "m", "number0", "place", ("throttle comes on", "on the throttle")),
    "full_throttle_m": ("where the throttle is full", "m", "number0", "place", ("full throttle",)),
    "coasting_s": ("coasting", "s", "number2", "amount", ("coast",)),
    "exit_steering_deg": ("steering at throttle on", "deg", "number0", "amount", ("steering angle",)),
    "brake_reapplications": ("brake re-applications", "a lap", "number1", "amount", ("brake again",)),
    "throttle_lifts": ("lifts", "a lap", "number1", "amount", ("lift",)),
    "steering_reversals": ("steering reversals", "a lap", "number1", "amount", ("steering revers",)),
}


def _figure_metrics() -> dict[str, Metric]:
    metrics = {}
    for name, (text, unit, form, axis, words) in _FIGURES.items():
        at = ("around", "at about", "near", "toward")
        metrics[f"{name}.apart"] = Metric(
            text=f"{text}, own median - reference", unit=unit, form=form, axis=axis, words=(words,), never=at
        )
        metrics[f"{name}.goal"] = Metric(text=f"{text} of the reference", unit=unit, form=form, words=(words, at))
        metrics[f"{name}.spread"] = Metric(
            text=f"{text}, spread from lap to lap",
            unit=unit,
            form=form,
            words=(words, ("vari", "vary")),
            never=("others",),
        )
        metrics[f"{name}.field_spread"] = Metric(
            text=f"{text}, spread that four of five drivers stay under",
            unit=unit,
            form=form,
            words=(("others",), ("stay under",)),
        )
    return metrics


DRIVING_METRICS: Mapping[str, Metric] = {
    # Habits at corners
    "loss": Metric(
        text="what the driver loses here a lap, median - reference",
        unit="ms",
        form="seconds2",
        words=(("a lap",), ("you",)),
        axis="time",
    ),
    "often": Metric(
        text="clean laps that lose here",
        unit="laps",
        form="laps_of",
        words=(("it happened on", "it shows on", "repeats on"),),
    ),
    "done": Metric(
        text="clean laps as good as the reference here", unit="laps", form="laps_of", words=(("as well as",),)
    ),
    **_figure_metrics(),
    # Places of the lap
    "place_gain": Metric(
        text="what the target asks for in this part of the lap",
        unit="ms",
        form="seconds2",
        words=(("ledger",),),
        axis="find",
    ),
    "flat_gain": Metric(
        text="what the target asks for on a straight that is at full throttle on both laps",
        unit="ms",
        form="seconds2",
        words=(("straight",),),
        axis="find",
    ),
    "corner_gap": Metric(
        text="median time in the corner - median of the class",
        unit="ms",
        form="seconds2",
        words=(("class median",), ("you",)),
        axis="time",
    ),
    # Out of the ordinary
    "event_loss": Metric(
        text="what the moment cost",
        unit="ms",
        form="seconds2",
        words=(("cost",),),
        axis="time",
        never=("a lap",),
    ),
    "event_lap": Metric(
        text="the lap of the moment", unit="lap", form="lap_number", words=(("on",),), never=("best", "came", "set")
    ),
    "events": Metric(
        text="unusual moments over all judged laps",
        unit="moments",
        form="moments",
        words=(("stand out", "stands out"),),
    ),
    "events_at": Metric(text="unusual moments at this corner", unit="moments", form="count", words=(("of them",),)),
    "smooth_place": Metric(
        text="place by smoothness of a channel", unit="place", form="place_of", words=(("smooth",), ("rank", "place"))
    ),
    "speed_place": Metric(
        text="place by how repeatable the speed is",
        unit="place",
        form="place_of",
        words=(("repeat",), ("rank", "place")),
    ),
}
