"""A TCP proxy that loses answers: what it forwards arrives, and the sender never hears about it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit


class LossyProxy:
    """Forwards to a server and cuts the connection instead of delivering `lose` answers, the first ones
    behind `spare` that it delivers."""

    def __init__(self, upstream: str, lose: int, spare: int) -> None:
        parts = urlsplit(upstream)
        self._host, self._port = parts.hostname, parts.port
        self._lose = lose
        self._spare = spare
        self.lost = 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client."""
        there, back = await asyncio.open_connection(self._host, self._port)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._forward(reader, back))
                tasks.create_task(self._return(there, writer))
        except* (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            for stream in (writer, back):
                stream.close()
                with suppress(ConnectionError):
                    await stream.wait_closed()

    async def _forward(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            target.write(data)
            await target.drain()
        target.write_eof()

    async def _return(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            if self._spare:
                self._spare -= 1
            elif self.lost < self._lose:
                self.lost += 1
                target.transport.abort()
                raise ConnectionResetError
            target.write(data)
            await target.drain()
        target.close()


@asynccontextmanager
async def losing(upstream: str, lose: int = 1, spare: int = 0) -> AsyncGenerator[LossyProxy]:
    """A proxy in front of `upstream`, listening until the end."""
    proxy = LossyProxy(upstream, lose, spare)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    proxy.url = f"http://{host}:{port}"
    async with server:
        yield proxy
