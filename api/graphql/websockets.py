"""WebSockets: JSON as text frames, a key at the start, and an end to every stream when the key is gone."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import orjson
from graphql import GraphQLError
from starlette.websockets import WebSocketDisconnect
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler
from strawberry.subscriptions.protocols.graphql_transport_ws.types import Message, SubscribeMessage
from strawberry.types.unset import UNSET

from api.graphql.context import Context, new_request_id
from api.graphql.credentials import from_init
from api.graphql.errors import present
from api.graphql.execution import CHECK_SECONDS
from oneid.background import background
from oneid.errors import Retriable, Throttled, Unauthenticated

FORBIDDEN: Final = 4403
TRY_AGAIN: Final = 1013


class WebSocketAdapter(ASGIWebSocketAdapter):
    """orjson gives bytes, which would become binary frames that the protocol does not know."""

    async def send_json(self, message: Mapping[str, object]) -> None:
        try:
            await self.ws.send_text(orjson.dumps(message).decode())
        except (WebSocketDisconnect, RuntimeError) as error:
            raise WebSocketDisconnected from error


class TransportHandler(BaseGraphQLTransportWSHandler[Context, None]):
    """Looks after the key for as long as the connection lasts."""

    async def handle_message(self, message: Message) -> None:
        """The base class takes for granted that every part has the type that the protocol says."""
        if not well_formed(message):
            await self.handle_invalid_message("Failed to parse message")
            return
        try:
            await super().handle_message(message)
        except Retriable:
            # The key could not be checked: a close that clients take for final would be wrong.
            await self.websocket.close(TRY_AGAIN, "Try again later")

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        most, id_ = self.max_subscriptions_per_connection, message["id"]
        full = most is not None and len(self.operations) >= most
        if not self.connection_acknowledged or id_ in self.operations or not full:
            await super().handle_subscribe(message)
            return
        error = Throttled(f"at most {most} operations at once")
        shown = present(GraphQLError(error.message, original_error=error), new_request_id())
        await self.send_message({"id": id_, "type": "error", "payload": [shown.formatted]})

    async def handle(self) -> None:
        async with background(self._watch()):
            await super().handle()

    async def _watch(self) -> None:
        """Closes the connection once the key is revoked or has expired."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            if not self.connection_acknowledged:
                continue
            try:
                await self.context.check_key()
            except Unauthenticated:
                await self.websocket.close(FORBIDDEN, "Forbidden")
                return
            except Retriable:
                continue


def well_formed(message: object) -> bool:
    """Whether a decoded frame is a message, and a subscribe message a complete one."""
    match message:
        case {"type": "subscribe"}:
            return _is_subscribe(message)
        case {"type": "complete", "id": id_}:
            return isinstance(id_, str)
        case {"type": str()}:
            return True
        case _:
            return False


def _is_subscribe(message: object) -> bool:
    match message:
        case {"id": str(), "payload": {"query": str(), **rest}}:
            variables, name = rest.get("variables"), rest.get("operationName")
            return isinstance(variables, dict | None) and isinstance(name, str | None)
        case _:
            return False


async def on_connect(context: Context) -> Any:
    """Authenticates with the header's key or that of connection_init; else the connection is closed, 4403. Raises
    Retriable where that could not be found out."""
    try:
        await context.authenticate(context.secret or from_init(context.connection_params))
    except Unauthenticated as error:
        raise ConnectionRejectionError from error
    return UNSET
