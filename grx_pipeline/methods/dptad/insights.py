"""What stands out in a driver's events, in short sentences. Rules only: nothing is said that a count does not show."""

from collections import Counter
from collections.abc import Mapping, Sequence

from grx_pipeline.formats import counted, event_words, listed
from grx_pipeline.methods.dptad.places import Where

Row = Mapping[str, object]


def insights_of(
    events: Sequence[Row],
    places: Mapping[str, Where],
    *,
    laps: int,
    field_laps: int,
    stand_out: Sequence[int],
    least_loss_ms: float,
    least_repeats: int,
) -> list[str]:
    """At most three sentences on one driver's rows of dptad_events; `places` has the place of each event_id.

    `stand_out` are the laps that do so as a whole among the `field_laps` of all judged drivers. What repeats is
    counted by corner, whatever its phase, from `least_repeats` on. A loss under `least_loss_ms` is not told.
    """
    field = f"among the field's {counted(field_laps, 'judged lap')}"
    whole = f"No lap as a whole stands out {field}."
    if stand_out:
        one = len(stand_out) == 1
        names = listed([str(lap) for lap in stand_out])
        whole = f"{'Lap' if one else 'Laps'} {names} {'stands' if one else 'stand'} out as a whole {field}."
    on_laps = f"on {counted(laps, 'lap')}, against the driver's own other laps. {whole}"
    if not events:
        return [f"No moment is unusual {on_laps}"]
    sentences = [f"{counted(len(events), 'unusual moment')} {on_laps}"]
    sentences += _repeated(events, places, least_repeats)
    dear = [event for event in events if isinstance(event["time_lost_ms"], float)]
    if dear:
        worst = max(dear, key=lambda event: (_ms(event), str(event["event_id"])))
        if _ms(worst) >= least_loss_ms:
            where, kind = places[str(worst["event_id"])].words, event_words(str(worst["type"]))
            sentences.append(
                f"Most costly: {kind} {_at(kind, where)}, lap {worst['lap_number']}, {_ms(worst) / 1000:.2f} s."
            )
    return sentences


def _repeated(events: Sequence[Row], places: Mapping[str, Where], least: int) -> list[str]:
    """What happens most often at one corner, and how often in all where that is more."""
    where = [places[str(event["event_id"])] for event in events]
    kinds = Counter((str(event["type"]), place.around) for event, place in zip(events, where, strict=True))
    (kind, around), count = max(kinds.items(), key=lambda item: (item[1], item[0]))
    if count < least:
        return []
    same = [place for event, place in zip(events, where, strict=True) if event["type"] == kind]
    words = {place.words for place in same if place.around == around}
    at = words.pop() if len(words) == 1 else around
    often = f"Most often: {event_words(kind)}, {counted(len(same), 'time')}"
    which = f"{count} of them" if len(same) > count else "all" if count > 2 else "both"
    return [f"{often}, {which} {_at(event_words(kind), at)}."]


def _at(kind: str, words: str) -> str:
    """`at T5 entry`, `after T5`; of early braking `at T5`, not at its braking."""
    if words.startswith("After "):
        return f"after{words.removeprefix('After')}"
    return f"at {words.removesuffix(' braking') if 'braking' in kind else words}"


def _ms(event: Row) -> float:
    value = event["time_lost_ms"]
    return value if isinstance(value, float) else 0.0
