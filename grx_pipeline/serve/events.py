"""New builds, live: server-sent events that tell open pages what stands now."""

import asyncio
import contextlib
import json
import signal
import threading
from collections.abc import AsyncIterator
from types import FrameType
from typing import Any

from grx_pipeline.publishing.service_records import BuildEvent
from grx_pipeline.serve.addresses import LATEST, SITE
from grx_pipeline.serve.index import SiteIndex
from grx_pipeline.settings import ServeSettings

SITE_NAME = "site"
_RETRY_MS = 3000


class BuildEvents:
    """Looks at the builds while anybody listens, and wakes the listeners when one changed."""

    def __init__(self, index: SiteIndex, settings: ServeSettings) -> None:
        self._index, self._settings = index, settings
        self._standing: dict[str, BuildEvent] = {}
        self._changed = asyncio.Condition()
        self._watcher: asyncio.Task[None] | None = None
        self._closing = False
        self.listeners = 0

    @property
    def is_full(self) -> bool:
        return self.listeners >= self._settings.max_event_clients

    async def stream(self, session: str | None) -> AsyncIterator[bytes]:
        """The builds as they stand, then each new one, of one session (or "site", "latest") or of all."""
        self.listeners += 1
        try:
            self._look()
            if self._watcher is None or self._watcher.done():
                self._watcher = asyncio.create_task(self._watch())
            yield f"retry: {_RETRY_MS}\n\n".encode()
            told: dict[str, BuildEvent] = {}
            while not self._closing:
                for name, event in sorted(self._standing.items()):
                    is_meant = name == session or (session is None and name != LATEST)
                    if is_meant and told.get(name) != event:
                        told[name] = event
                        yield _message(event)
                if not await self._wait():
                    # Something has to go over the wire now and then, or a proxy takes the line for dead.
                    yield b": still here\n\n"
        finally:
            self.listeners -= 1
            if self.listeners == 0 and self._watcher is not None:
                self._watcher.cancel()
                self._watcher = None

    def close(self) -> None:
        """End every stream, so that the server can stop."""
        self._closing = True
        if self._watcher is not None:
            self._watcher.cancel()
        asyncio.get_running_loop().create_task(self._wake())

    async def _wake(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _wait(self) -> bool:
        """Wait for a change; False where there was none for a while."""
        try:
            async with asyncio.timeout(self._settings.heartbeat_s), self._changed:
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._settings.poll_s)
            if self._look():
                await self._wake()

    def _look(self) -> bool:
        """Take in what stands; whether anything changed."""
        builds = {name: self._index.build(name) for name in (SITE, *self._index.sessions(), LATEST)}
        standing = {
            name or SITE_NAME: BuildEvent(
                session=build.name or SITE_NAME, build=build.manifest.build, published_at=build.manifest.published_at
            )
            for name, build in builds.items()
            if build is not None
        }
        has_changed = standing != self._standing
        self._standing = standing
        return has_changed


def _message(event: BuildEvent) -> bytes:
    return f"event: build\nid: {event.session}/{event.build}\ndata: {json.dumps(event.model_dump())}\n\n".encode()


@contextlib.contextmanager
def closed_on_signal(events: BuildEvents) -> Any:
    """End the streams as soon as the process is told to stop: a server waits for its connections first."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    earlier = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def stop(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(events.close)
        handler = earlier[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in earlier:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
