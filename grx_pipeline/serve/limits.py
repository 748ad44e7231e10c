"""What keeps one reader from taking the server from the others: rates, slow readers, large heads, connections."""

import asyncio
import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from grx_pipeline.serve.problems import ProblemResponse
from grx_pipeline.settings import ServeSettings


class Rate:
    """How often an address may ask: a bucket each, filled by the minute. Bounded; the oldest address is forgotten."""

    def __init__(
        self, *, per_minute: float, burst: int, clients: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_second, self._burst, self._clients, self._clock = per_minute / 60, burst, clients, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def seconds_to_wait(self, client: str) -> float:
        """0 where the address may ask now, which then counts; else how long it has to wait."""
        now = self._clock()
        level, since = self._buckets.pop(client, (float(self._burst), now))
        level = min(level + (now - since) * self._per_second, self._burst)
        wait = 0.0 if level >= 1 else (1 - level) / self._per_second
        self._buckets[client] = (level if wait else level - 1, now)
        while len(self._buckets) > self._clients:
            self._buckets.popitem(last=False)
        return wait


def household(address: str) -> str:
    """Who asks, for a rate: the address, of IPv6 its network, since one reader has 2**64 addresses there."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address) or known.ipv4_mapped:
        return address
    return str(ipaddress.ip_network((int(known), 64), strict=False).network_address)


class GuardedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, but a request's head has to arrive in time and may not be endless, and what is sent is taken.

    The limits are those that the application's lifespan gives as `limits`.
    """

    _watch: asyncio.TimerHandle | None = None
    _send_watch: asyncio.TimerHandle | None = None
    _answered: RequestResponseCycle | None = None
    _head_bytes = 0
    _is_in_head = True

    @property
    def limits(self) -> ServeSettings:
        limits: ServeSettings = self.app_state.get("limits") or ServeSettings()
        return limits

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._begin_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_head()
        self._end_sending()
        # uvicorn marks the request that came last; where several were sent at once, another is being answered.
        if self._answered is not None:
            self._answered.disconnected = True
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_in_head:
            if self._watch is None:
                self._begin_head()
            self._head_bytes += len(data)
            # A head and the first part of a body may come together, so as much more is let through.
            if self._head_bytes > 1024 * (self.limits.max_header_kb + self.limits.max_body_kb):
                self._refuse(431, "The request has too large a head.")
                return
        super().data_received(data)

    def on_headers_complete(self) -> None:
        self._end_head()
        if sum(len(name) + len(value) for name, value in self.headers) > 1024 * self.limits.max_header_kb:
            self._refuse(431, "The request has too large a head.")
            return
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (not hosts and self.parser.get_http_version() == "1.1"):
            self._refuse(400, "A request names one host.")
            return
        if len(self.connections) > self.limits.max_connections:
            self._refuse(503, "Too many are connected; ask again in a moment.", retry_after_s=5)
            return
        super().on_headers_complete()
        if not self.pipeline:
            self._answered = self.cycle

    def on_response_complete(self) -> None:
        if self.pipeline:
            self._answered = self.pipeline[-1][0]
        super().on_response_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._is_in_head, self._head_bytes = True, 0

    def pause_writing(self) -> None:
        """The reader lags behind: it has to take what waits for it, or it loses its connection."""
        super().pause_writing()
        self._send_watch = self.loop.call_later(self.limits.send_timeout_s, self.transport.abort)

    def resume_writing(self) -> None:
        self._end_sending()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        # A reader that does not take what is left of its answer is not waited for.
        self.loop.call_later(self.limits.send_timeout_s, self.transport.abort)

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "What came in is no HTTP request.")

    def _begin_head(self) -> None:
        self._is_in_head = True
        timeout = self.limits.header_timeout_s
        self._watch = self.loop.call_later(timeout, self._refuse, 408, "The request did not arrive in time.")

    def _end_head(self) -> None:
        self._is_in_head = False
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _end_sending(self) -> None:
        if self._send_watch is not None:
            self._send_watch.cancel()
            self._send_watch = None

    def _refuse(self, status: int, detail: str, *, retry_after_s: int | None = None) -> None:
        if not self.transport.is_closing():
            later = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}
            self.transport.write(_closing_answer(status, detail, later))
            self.transport.close()


def _closing_answer(status: int, detail: str, headers: Mapping[str, str]) -> bytes:
    """A problem as it goes over the wire, for a request that never becomes one."""
    answer = ProblemResponse(status, detail, headers={"connection": "close", **headers})
    head = b"".join(name + b": " + value + b"\r\n" for name, value in answer.raw_headers)
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode() + head + b"\r\n" + bytes(answer.body)
