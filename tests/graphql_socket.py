"""A client of graphql-transport-ws, for tests."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as open_socket
from websockets.typing import Subprotocol

PROTOCOL = Subprotocol("graphql-transport-ws")


class Socket:
    """A connection; messages of operations other than the one asked for are not expected."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, message: Any) -> None:
        """Sends JSON as a text frame."""
        await self.connection.send(orjson.dumps(message).decode())

    async def receive(self, seconds: float = 10) -> dict[str, Any]:
        """The next message, which must be a text frame."""
        async with asyncio.timeout(seconds):
            frame = await self.connection.recv()
        assert isinstance(frame, str)
        message: dict[str, Any] = orjson.loads(frame)
        return message

    async def init(self, **payload: Any) -> dict[str, Any]:
        await self.send({"type": "connection_init", "payload": payload})
        return await self.receive()

    async def subscribe(self, id_: str, query: str, **variables: Any) -> None:
        payload = {"query": query, "variables": variables}
        await self.send({"type": "subscribe", "id": id_, "payload": payload})

    async def run(self, query: str, id_: str = "q") -> dict[str, Any]:
        """The payload of a query that answers once."""
        await self.subscribe(id_, query)
        message = await self.receive()
        assert (message["type"], message["id"]) == ("next", id_), message
        assert await self.receive() == {"type": "complete", "id": id_}
        payload: dict[str, Any] = message["payload"]
        return payload

    async def change(self, id_: str) -> dict[str, Any]:
        """The next change of the subscription."""
        message = await self.receive()
        assert (message["type"], message["id"]) == ("next", id_), message
        change: dict[str, Any] = message["payload"]["data"]["changes"]
        return change

    async def silence(self, seconds: float) -> None:
        """Nothing comes for so long."""
        with pytest.raises(TimeoutError):
            await self.receive(seconds)

    async def close_code(self, seconds: float = 15) -> int | None:
        """The code with which the server closes."""
        async with asyncio.timeout(seconds):
            await self.connection.wait_closed()
        return self.connection.close_code


@asynccontextmanager
async def dial(url: str, protocol: str = PROTOCOL, **headers: str) -> AsyncGenerator[Socket]:
    """A connection that has not said connection_init."""
    address = url.replace("http://", "ws://") + "/graphql"
    protocols = [Subprotocol(protocol)] if protocol else None
    async with open_socket(address, subprotocols=protocols, additional_headers=headers) as connection:
        yield Socket(connection)


@asynccontextmanager
async def connect(url: str, authorization: str) -> AsyncGenerator[Socket]:
    """A connection that was acknowledged."""
    async with dial(url) as socket:
        assert await socket.init(Authorization=authorization) == {"type": "connection_ack"}
        yield socket
