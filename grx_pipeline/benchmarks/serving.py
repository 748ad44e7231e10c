"""The server under the load of a race evening, and nginx on the same files in the same run.

Readers keep their connections and remember ETags as browsers do; each asks again as soon as it has its answer, so
the time of an answer is that of a server with as many requests in its queue as there are readers.
"""

import asyncio
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

# Share of each kind of address among the requests of a race evening: people open pages, pages load data, tools ask
# the API. Files are drawn from those of the session, so that large and small ones come as they are.
MIX = {
    "pages": 0.25,
    "assets": 0.20,
    "laps on demand": 0.10,
    "laps": 0.10,
    "telemetry": 0.15,
    "compare": 0.05,
    "other data": 0.15,
}


@dataclass(frozen=True, kw_only=True)
class Load:
    """What a number of readers got. Times are in milliseconds; `unchanged` are answers of 304."""

    name: str
    requests: int
    errors: int
    unchanged: int
    seconds: float
    p50_ms: float
    p99_ms: float
    worst_ms: float
    received_mb: float

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


@dataclass(kw_only=True)
class _Seen:
    times: list[float] = field(default_factory=list)
    errors: int = 0
    unchanged: int = 0
    size: int = 0


def addresses(reports: Path, session: str) -> dict[str, list[str]]:
    """Addresses of a session by kind, as they are asked for: pages by their file, data through the API."""
    files = json.loads((reports / session / "manifest.json").read_bytes())["files"]
    found: dict[str, list[str]] = {kind: [] for kind in MIX}
    for name in files:
        found[_kind(name)].append(_address(name, session))
    return {kind: urls for kind, urls in found.items() if urls}


def measure(*, name: str, port: int, urls: dict[str, list[str]], readers: int, seconds: float, seed: int = 1) -> Load:
    """Put the load on a server of this machine."""
    return asyncio.run(_measure(name=name, port=port, urls=urls, readers=readers, seconds=seconds, seed=seed))


def render(loads: Sequence[Load], *, readers: int, date: str) -> str:
    """The figures as a table."""
    rows = [
        f"| {load.name} | {load.per_second:,.0f} | {load.p50_ms:.2f} | {load.p99_ms:.2f} | {load.worst_ms:.1f} "
        f"| {load.requests:,} | {load.unchanged:,} | {load.errors} | {load.received_mb / load.seconds:.1f} |"
        for load in loads
    ]
    head = [
        f"{date}: {readers} readers with kept connections, each asking again at once; the readers run on the same "
        "machine.",
        "",
        "| | requests/s | p50 ms | p99 ms | worst ms | requests | 304 by ETag | errors | MB/s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*head, *rows]) + "\n"


def _kind(name: str) -> str:
    starts = {"assets/": "assets", "data/": "laps on demand", "api/laps/": "laps", "api/telemetry/": "telemetry"}
    starts["api/compare/"] = "compare"
    kind = next((kind for start, kind in starts.items() if name.startswith(start)), "other data")
    return "pages" if name.endswith(".html") else kind


def _address(name: str, session: str) -> str:
    path = quote(name)
    if name.startswith("api/"):
        return f"/api/sessions/{session}/{path.removeprefix('api/').removesuffix('.json')}"
    return f"/{session}/{path}"


async def _measure(
    *, name: str, port: int, urls: dict[str, list[str]], readers: int, seconds: float, seed: int
) -> Load:
    await asyncio.gather(*(_read(port, urls, time.perf_counter() + seconds / 10, seed + n) for n in range(readers)))
    start = time.perf_counter()
    seen = await asyncio.gather(*(_read(port, urls, start + seconds, seed + n) for n in range(readers)))
    took = time.perf_counter() - start
    times = sorted(time for one in seen for time in one.times)
    return Load(
        name=name,
        requests=len(times),
        errors=sum(one.errors for one in seen),
        unchanged=sum(one.unchanged for one in seen),
        seconds=took,
        p50_ms=1000 * times[len(times) // 2],
        p99_ms=1000 * times[len(times) * 99 // 100],
        worst_ms=1000 * times[-1],
        received_mb=sum(one.size for one in seen) / 1e6,
    )


async def _read(port: int, urls: dict[str, list[str]], until: float, seed: int) -> _Seen:
    """One reader: a connection, a memory of ETags, and the mix in an order of its own."""
    draw, seen, tags = random.Random(seed), _Seen(), dict[str, bytes]()  # noqa: S311
    kinds = [kind for kind in MIX if kind in urls]
    weights = [MIX[kind] for kind in kinds]
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4_000_000)
    while time.perf_counter() < until:
        url = draw.choice(urls[draw.choices(kinds, weights)[0]])
        known = b"If-None-Match: " + tags[url] + b"\r\n" if url in tags else b""
        start = time.perf_counter()
        writer.write(b"GET " + url.encode() + b" HTTP/1.1\r\nHost: grx\r\nAccept-Encoding: gzip\r\n" + known + b"\r\n")
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        body = await reader.readexactly(_number(head, b"content-length"))
        seen.times.append(time.perf_counter() - start)
        status = head[9:12]
        seen.size += len(head) + len(body)
        seen.unchanged += status == b"304"
        seen.errors += status not in (b"200", b"304")
        if status == b"200":
            tags[url] = _value(head, b"etag")
    writer.close()
    await writer.wait_closed()
    return seen


def _value(head: bytes, name: bytes) -> bytes:
    return head.partition(b"\r\n" + name + b":")[2].partition(b"\r\n")[0].strip()


def _number(head: bytes, name: bytes) -> int:
    return int(_value(head, name) or 0)
