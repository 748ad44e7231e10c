"""What an earlier part of the conversation lends a question: "and lap 8?", "and #13?", "what was his best lap?"."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from grx_pipeline.publishing.service_records import Turn
from grx_pipeline.serve.lookups.asked import OWN, THEY, Asked

_OPENING = re.compile(r"^\W*(?:and|or|what about|how about|what of|same for|same with|also|then|ok|okay|so|now)\b")
_FILLERS = re.compile(
    r"\b(?:and|or|what|how|about|of|same|for|with|also|then|ok|okay|so|now|in|on|at|the|car|number|driver|lap|sector"
    r"|turn|corner|there|please|me|mine|vs|to)\b|\b[ts]?\d{1,3}[a-z]?\b|[^\w]"
)
_IT = re.compile(r"\b(?:it|its)\b")
_CAR = re.compile(r"#(\d{1,3})\b")
_WHY = re.compile(r"\W*(?:but |and )?why(?: is (?:that|this)| not| so)?\W*")

Read = Callable[[str], Asked]


def carried(asked: Asked, message: str, history: Sequence[Turn], read: Read) -> Asked:
    """The question with what it leaves out filled in from the history; `read` takes a message apart as this one was."""
    earlier = [turn.text for turn in history if turn.role == "user"]
    if asked.named:
        base = next((found for text in reversed(earlier) if not _is_bare(found := read(text))), None)
        return _of_car(base, asked) if base is not None and _is_bare(asked) else asked
    if (asked.corners or asked.sectors) and _is_bare(asked) and _OPENING.match(message.casefold()):
        base = next((found for text in reversed(earlier) if not _is_bare(found := read(text))), None)
        return _at_place(base, asked) if base is not None else asked
    is_of_it = asked.car is None and _IT.search(asked.rest) is not None
    if (THEY.search(asked.rest) or is_of_it) and not OWN.search(asked.rest):
        return _of_whom(asked, history, read)
    return asked


def asks_why(message: str) -> bool:
    """Whether a message asks for the reason of what was said, and nothing else."""
    return _WHY.fullmatch(message.casefold()) is not None


def _is_bare(asked: Asked) -> bool:
    """Whether a question names cars or places and says nothing of them."""
    return not _FILLERS.sub("", asked.rest)


def _of_car(base: Asked, asked: Asked) -> Asked:
    """The earlier question about another car."""
    merged = replace(base, named=asked.named, car=asked.named[0], is_own=False, needs_car=False, unknown=asked.unknown)
    return merged.reading(OWN.sub("the", base.rest))


def _at_place(base: Asked, asked: Asked) -> Asked:
    """The earlier question about another place of the lap."""
    return replace(base, corners=asked.corners, sectors=asked.sectors, laps=asked.laps)


def _of_whom(asked: Asked, history: Sequence[Turn], read: Read) -> Asked:
    """The question about the car that was spoken of last."""
    for turn in reversed(history):
        numbers = _CAR.findall(turn.text)
        named = read(f"#{numbers[0]}").named if numbers else read(turn.text).named if turn.role == "user" else ()
        if named:
            return replace(
                asked, named=named[:1], car=named[0], is_own=False, rest=_IT.sub("the", THEY.sub("the", asked.rest))
            )
    return asked
