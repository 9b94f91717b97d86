"""A TCP proxy that can cut a connection at a chosen moment, be slow, or go silent."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

#: A Bolt COMMIT message in a chunk of its own: length 2, structure without fields, tag 0x12.
BOLT_COMMIT = b"\x00\x02\xb0\x12\x00\x00"


class Proxy:
    """Forwards to one server. With `cut_replies` set to n, the replies to the next n requests that hold
    `marker` are thrown away and the connection is closed: the work is done, the answer is lost. Replies come
    `delay` seconds late; while it is `silent`, connections stay open and nothing passes."""

    def __init__(self, host: str, port: int, marker: bytes) -> None:
        self._target = (host, port)
        self._marker = marker
        self.cut_replies = 0
        self.cuts = 0
        self.port = 0
        self.delay = 0.0
        self._passing = asyncio.Event()
        self._passing.set()

    def silent(self, on: bool) -> None:
        if on:
            self._passing.clear()
        else:
            self._passing.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream_reader, upstream_writer = await asyncio.open_connection(*self._target)
        cutting = asyncio.Event()
        pumps = [
            asyncio.create_task(self._requests(reader, upstream_writer, cutting)),
            asyncio.create_task(self._replies(upstream_reader, writer, cutting)),
        ]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
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
                if self.cut_replies and self._marker in data:
                    self.cut_replies -= 1
                    cutting.set()
                writer.write(data)
                await writer.drain()

    async def _replies(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, cutting: asyncio.Event
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if cutting.is_set():
                    self.cuts += 1
                    return
                await self._passing.wait()
                await asyncio.sleep(self.delay)
                writer.write(data)
                await writer.drain()


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
