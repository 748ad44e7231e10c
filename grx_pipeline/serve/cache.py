"""Answers that are asked for often, kept in memory: bounded, and dropped with their build."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

Headers = tuple[tuple[bytes, bytes], ...]
# An answer that fills more of the cache than this is not kept: it would push out all others.
_LARGEST_SHARE = 0.25


@dataclass(frozen=True)
class Answer:
    """A file as it goes over the wire. `tag` is its ETag."""

    headers: Headers
    body: bytes
    tag: bytes


class HotFiles:
    """Answers by build and name, the ones not asked for longest leaving first."""

    def __init__(self, *, max_bytes: int, ttl_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_bytes, self._ttl_s, self._clock = max_bytes, ttl_s, clock
        self._answers: OrderedDict[tuple[str, str, str], tuple[float, Answer]] = OrderedDict()
        self.size = 0

    def get(self, key: tuple[str, str, str]) -> Answer | None:
        """The answer kept for (name of the build, its hash and file, encoding)."""
        kept = self._answers.get(key)
        if kept is None:
            return None
        if kept[0] < self._clock():
            self._remove(key)
            return None
        self._answers.move_to_end(key)
        return kept[1]

    def put(self, key: tuple[str, str, str], answer: Answer) -> None:
        if len(answer.body) > _LARGEST_SHARE * self._max_bytes:
            return
        if key in self._answers:
            self._remove(key)
        self._answers[key] = (self._clock() + self._ttl_s, answer)
        self.size += len(answer.body)
        while self.size > self._max_bytes:
            self._remove(next(iter(self._answers)))

    def drop(self, name: str) -> None:
        """Forget every answer of a build."""
        for key in [key for key in self._answers if key[0] == name]:
            self._remove(key)

    def _remove(self, key: tuple[str, str, str]) -> None:
        self.size -= len(self._answers.pop(key)[1].body)
