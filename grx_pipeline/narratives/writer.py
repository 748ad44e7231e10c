"""The language model over the network: the only module that imports groq, and only when a question is asked.

What leaves here of an error is a word. Messages, headers and the key of the client's own exceptions stay inside.
"""

import re
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast

from grx_pipeline.narratives.prompting import Message
from grx_pipeline.settings import LlmSettings

if TYPE_CHECKING:
    from groq import Groq

_MINUTE_S = 60.0
_MAX_DOUBLINGS = 6
_KEY = re.compile(r"[!-~]+")


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer and what it took."""

    text: str
    prompt_tokens: int
    answer_tokens: int


class NoAnswerError(Exception):
    """There is no answer. `reason` is a word: unauthorised, rate_limited, server_error, timeout, connection,
    refused, budget or stopped."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Asks(Protocol):
    """Whoever answers questions."""

    def ask(self, messages: Sequence[Message]) -> Reply:
        """The answer. Raises NoAnswerError."""


@dataclass(kw_only=True)
class Budget:
    """Requests that a run may still send, and how many it sent, over all threads."""

    left: int
    sent: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def take(self) -> bool:
        """Whether another request may be sent; counts it."""
        with self._lock:
            if self.left <= 0:
                return False
            self.left -= 1
            self.sent += 1
            return True


@dataclass(kw_only=True)
class RateLimit:
    """At most so many requests in any minute, over all threads. 0 is no limit."""

    per_minute: int
    _sent: deque[float] = field(default_factory=deque, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def wait(self) -> None:
        """Until the next request may be sent."""
        while self.per_minute:
            with self._lock:
                now = time.monotonic()
                while self._sent and now - self._sent[0] >= _MINUTE_S:
                    self._sent.popleft()
                if len(self._sent) < self.per_minute:
                    self._sent.append(now)
                    return
                pause = _MINUTE_S - (now - self._sent[0])
            time.sleep(pause)


@dataclass(kw_only=True)
class GroqWriter:
    """Asks the service within limits: budget, rate, retries. After a refusal of the key or the model nothing more is
    asked, since the next question would fare no better."""

    settings: LlmSettings
    read_key: Callable[[], str | None]
    budget: Budget
    rate: RateLimit
    _client: "Groq | None" = field(default=None, repr=False)
    _stopped: str | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def of(cls, settings: LlmSettings, read_key: Callable[[], str | None]) -> "GroqWriter":
        rate = RateLimit(per_minute=settings.requests_per_minute)
        return cls(settings=settings, read_key=read_key, budget=Budget(left=settings.budget), rate=rate)

    def ask(self, messages: Sequence[Message]) -> Reply:
        """The answer. Raises NoAnswerError after the last retry."""
        failure = _Failure(reason="stopped")
        client = self._connected()
        for attempt in range(self.settings.retries + 1):
            if self._stopped is not None:
                raise NoAnswerError(self._stopped)
            if not self.budget.take():
                raise NoAnswerError("budget")
            self.rate.wait()
            outcome = self._send(client, messages)
            if isinstance(outcome, Reply):
                return outcome
            failure = outcome
            if failure.is_final:
                self._stopped = failure.reason
            if not failure.is_passing or attempt == self.settings.retries:
                break
            pause = failure.wait_s if failure.wait_s is not None else self._backoff(attempt)
            if pause > self.settings.max_wait_s:
                break
            time.sleep(pause)
        raise NoAnswerError(failure.reason)

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()

    def _backoff(self, attempt: int) -> float:
        return float(self.settings.backoff_s * 2 ** min(attempt, _MAX_DOUBLINGS))

    def _send(self, client: "Groq", messages: Sequence[Message]) -> "Reply | _Failure":
        import groq  # noqa: PLC0415  # only who asks pays for the import

        try:
            completion = client.chat.completions.create(
                model=self.settings.model,
                messages=cast(Any, list(messages)),
                temperature=self.settings.temperature,
                seed=self.settings.seed,
                max_completion_tokens=self.settings.max_tokens,
                response_format={"type": "json_object"},
            )
        except groq.APITimeoutError:
            return _Failure(reason="timeout", is_passing=True)
        except groq.APIConnectionError:
            return _Failure(reason="connection", is_passing=True)
        except groq.APIStatusError as error:
            return _refused(error.status_code, error.response.headers.get("retry-after"), error.body)
        except (groq.GroqError, ValueError, TypeError, AttributeError):
            return _Failure(reason="unreadable")
        return _reply(completion)

    def _connected(self) -> "Groq":
        import groq  # noqa: PLC0415

        with self._lock:
            if self._client is None:
                key = self.read_key() or ""
                # The client's own log would quote a header that cannot be sent.
                if not _KEY.fullmatch(key):
                    self._stopped = "unauthorised"
                    raise NoAnswerError(self._stopped)
                self._client = groq.Groq(
                    api_key=key,
                    base_url=self.settings.base_url,
                    timeout=self.settings.timeout_s,
                    max_retries=0,
                )
            return self._client


@dataclass(frozen=True, kw_only=True)
class _Failure:
    """Why there was no answer; whether it may pass, or is the same for every question, and how long to wait."""

    reason: str
    is_passing: bool = False
    is_final: bool = False
    wait_s: float | None = None


def _refused(status: int, retry_after: str | None, body: object) -> "Reply | _Failure":
    """What an error status means. An answer that was no JSON comes as 400 with what was written: it is an answer too,
    to be asked for once more; a model that is no longer there comes as 400 as well."""
    error = body.get("error", body) if isinstance(body, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(error, dict) and code == "json_validate_failed":
        return Reply(text=str(error.get("failed_generation") or ""), prompt_tokens=0, answer_tokens=0)
    if code == "model_decommissioned":
        return _Failure(reason="refused", is_final=True)
    if status == 429:
        return _Failure(reason="rate_limited", is_passing=True, wait_s=_seconds(retry_after))
    if status >= 500 or status in (408, 409):
        return _Failure(reason="server_error", is_passing=True, wait_s=_seconds(retry_after))
    if status in (401, 403):
        return _Failure(reason="unauthorised", is_final=True)
    return _Failure(reason="refused", is_final=status == 404)


def _seconds(retry_after: str | None) -> float | None:
    """A Retry-After in seconds; a date or nonsense leaves it to the backoff."""
    try:
        seconds = float(retry_after or "")
    except ValueError:
        return None
    return seconds if 0 <= seconds < 86_400 else None


def _reply(completion: object) -> "Reply | _Failure":
    """The text of a completion; a completion without choices is no answer."""
    choices = getattr(completion, "choices", None)
    message = getattr(choices[0], "message", None) if choices else None
    if message is None:
        return _Failure(reason="unreadable")
    usage = getattr(completion, "usage", None)
    text = getattr(message, "content", None)
    return Reply(
        text=text if isinstance(text, str) else "",
        prompt_tokens=int(getattr(usage, "prompt_tokens", 0) or 0),
        answer_tokens=int(getattr(usage, "completion_tokens", 0) or 0),
    )
