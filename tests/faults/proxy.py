"""A TCP proxy that can cut a connection at a chosen moment, be slow, narrow or away, hold back what it is told, or go
silent."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

#: A Bolt COMMIT message in a chunk of its own: length 2, structure without fields, tag 0x12.
BOLT_COMMIT = b"\x00\x02\xb0\x12\x00\x00"


class Proxy:
    """Forwards to one server. With `cut_replies` set to n, the replies to the next n requests that hold
    `marker` are thrown away and the connection is closed: the work is done, the answer is lost. Requests that hold
    the marker are not forwarded while `hold_requests` is set, nor answered while `hold_replies` is; `held` counts
    both. Replies come `delay` seconds late, give or take `jitter`, at `rate` bytes a second (0: as they come); while
    it is `silent`, connections stay open and nothing passes; while it is `away`, connections are refused."""

    def __init__(self, host: str, port: int, marker: bytes) -> None:
        self._target = (host, port)
        self._marker = marker
        self.cut_replies = 0
        self.cuts = 0
        self.hold_requests = False
        self.hold_replies = False
        self.held = 0
        self.port = 0
        self.delay = 0.0
        self.jitter = 0.0
        self.rate = 0
        self._passing = asyncio.Event()
        self._passing.set()
        self._away = False
        self._open: set[asyncio.Task[None]] = set()

    def silent(self, on: bool) -> None:
        if on:
            self._passing.clear()
        else:
            self._passing.set()

    def away(self, on: bool) -> None:
        """Also ends the connections that there are."""
        self._away = on
        for pump in self._open if on else ():
            pump.cancel()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._away:
            writer.transport.abort()
            return
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        cutting = asyncio.Event()
        pumps = {
            asyncio.create_task(self._requests(reader, upstream_writer, cutting)),
            asyncio.create_task(self._replies(upstream_reader, writer, cutting)),
        }
        self._open |= pumps
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        self._open -= pumps
        for pump in pumps:
            pump.cancel()
        for side in (writer, upstream_writer):
            side.close()
            with suppress(OSError):
                await side.wait_closed()

    async def _requests(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cutting: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._passing.wait()
                if self._marker in data:
                    if self.hold_requests:
                        await self._hold()
                    if self.cut_replies:
                        self.cut_replies -= 1
                        cutting.set()
                    if self.hold_replies:
                        self._passing.clear()
                        self.held += 1
                writer.write(data)
                await writer.drain()

    async def _hold(self) -> None:
        self.held += 1
        await asyncio.Event().wait()

    async def _replies(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cutting: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if cutting.is_set():
                    self.cuts += 1
                    return
                await self._passing.wait()
                await asyncio.sleep(self._pause(len(data)))
                writer.write(data)
                await writer.drain()

    def _pause(self, size: int) -> float:
        late = max(0.0, self.delay + random.uniform(-self.jitter, self.jitter))
        return late + (size / self.rate if self.rate else 0.0)


@asynccontextmanager
async def proxy(port: int, marker: bytes) -> AsyncGenerator[Proxy]:
    """A proxy on a free port in front of a local port."""
    through = Proxy("127.0.0.1", port, marker)
    server = await asyncio.start_server(through.serve, "127.0.0.1", 0)
    through.port = server.sockets[0].getsockname()[1]
    try:
        yield through
    finally:
        server.close()
