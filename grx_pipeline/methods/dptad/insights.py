"""What stands out in a driver's events, in short sentences. Rules only: nothing is said that a count does not show."""

from collections import Counter
from collections.abc import Mapping, Sequence

from grx_pipeline.methods.dptad.places import Where

_LEAST_REPEATS = 2

Row = Mapping[str, object]


def insights_of(
    events: Sequence[Row],
    places: Mapping[str, Where],
    *,
    laps: int,
    field_laps: int,
    stand_out: Sequence[int],
    least_loss_ms: float,
) -> list[str]:
    """At most three sentences on one driver's rows of dptad_events; `places` has the place of each event_id.

    `stand_out` are the laps that do so as a whole among the `field_laps` of all judged drivers. What repeats is
    counted by corner, whatever its phase. A loss under `least_loss_ms` is not told.
    """
    field = f"among the field's {field_laps} judged {_laps(field_laps)}"
    whole = f"no lap as a whole stands out {field}"
    if stand_out:
        names = ", ".join(str(lap) for lap in stand_out)
        one = len(stand_out) == 1
        whole = f"{_laps(len(stand_out))} {names} {'stands' if one else 'stand'} out as a whole {field}"
    if not events:
        return [f"No moment is unusual for this driver on {laps} {_laps(laps)}; {whole}."]
    count = f"{len(events)} unusual {_plural(len(events), 'moment')}"
    sentences = [f"{count} on {laps} {_laps(laps)}, against the driver's own laps; {whole}."]
    sentences += _repeated(events, places)
    dear = [event for event in events if isinstance(event["time_lost_ms"], float)]
    if dear:
        worst = max(dear, key=lambda event: (_ms(event), str(event["event_id"])))
        if _ms(worst) >= least_loss_ms:
            where = places[str(worst["event_id"])].words
            kind = _words(str(worst["type"]))
            sentences.append(f"Most costly: {kind} on lap {worst['lap_number']} ({where}), {_ms(worst) / 1000:.2f} s.")
    return sentences


def _repeated(events: Sequence[Row], places: Mapping[str, Where]) -> list[str]:
    """What happens most often at one corner, and how often in all where that is more."""
    where = [places[str(event["event_id"])] for event in events]
    kinds = Counter((str(event["type"]), place.around) for event, place in zip(events, where, strict=True))
    (kind, around), count = max(kinds.items(), key=lambda item: (item[1], item[0]))
    if count < _LEAST_REPEATS:
        return []
    same = [place for event, place in zip(events, where, strict=True) if event["type"] == kind]
    words = {place.words for place in same if place.around == around}
    in_all = f", {len(same)} times in all" if len(same) > count else ""
    return [f"Most often: {_words(kind)}, {count} times ({words.pop() if len(words) == 1 else around}){in_all}."]


def _ms(event: Row) -> float:
    value = event["time_lost_ms"]
    return value if isinstance(value, float) else 0.0


def _words(kind: str) -> str:
    return kind.replace("_", " ")


def _laps(count: int) -> str:
    return _plural(count, "lap")


def _plural(count: int, noun: str) -> str:
    return noun if count == 1 else f"{noun}s"
