"""What stands out in a driver's events, in short sentences. Rules only: nothing is said that a count does not show."""

from collections import Counter
from collections.abc import Mapping, Sequence

_LEAST_REPEATS = 2

Row = Mapping[str, object]


def insights_of(events: Sequence[Row], places: Mapping[str, str], *, laps: int, least_loss_ms: float) -> list[str]:
    """At most three sentences on one driver's rows of dptad_events; `places` names the place of each event_id.

    A loss under `least_loss_ms` is not told.
    """
    if not events:
        return [f"Nothing stands out on {laps} {_laps(laps)}."]
    sentences = [f"{len(events)} {_plural(len(events), 'event')} on {laps} {_laps(laps)}."]
    kinds = Counter((str(event["type"]), places[str(event["event_id"])]) for event in events)
    (kind, place), count = max(kinds.items(), key=lambda item: (item[1], item[0]))
    if count >= _LEAST_REPEATS:
        sentences.append(f"Most often: {_words(kind)}, {count} times ({place}).")
    dear = [event for event in events if isinstance(event["time_lost_ms"], float)]
    if dear:
        worst = max(dear, key=lambda event: (_ms(event), str(event["event_id"])))
        if _ms(worst) >= least_loss_ms:
            where = places[str(worst["event_id"])]
            kind = _words(str(worst["type"]))
            sentences.append(f"Most costly: {kind} on lap {worst['lap_number']} ({where}), {_ms(worst) / 1000:.2f} s.")
    return sentences


def _ms(event: Row) -> float:
    value = event["time_lost_ms"]
    return value if isinstance(value, float) else 0.0


def _words(kind: str) -> str:
    return kind.replace("_", " ")


def _laps(count: int) -> str:
    return _plural(count, "lap")


def _plural(count: int, noun: str) -> str:
    return noun if count == 1 else f"{noun}s"
