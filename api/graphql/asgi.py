"""The ASGI application at /graphql."""

import math
from dataclasses import replace
from datetime import timedelta
from http import HTTPStatus
from json import JSONDecodeError
from typing import Any, Final

import orjson
from cross_web import HTTPException
from graphql import GraphQLError, OperationType
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult

from api.answers import Answer
from api.graphql.context import Context, new_request_id
from api.graphql.credentials import bearer
from api.graphql.documents import planned
from api.graphql.errors import present
from api.graphql.execution import AdminSchema
from api.graphql.graphiql import page
from api.graphql.loaders import Loaders
from api.graphql.negotiation import (
    EVENT_STREAM,
    GRAPHQL_JSON,
    JSON,
    negotiate,
    refusal_of,
    status_of,
    streams,
)
from api.graphql.persisted import PersistedTexts
from api.graphql.schema import create_schema
from api.graphql.websockets import TransportHandler, WebSocketAdapter, on_connect
from api.guard import BodyGuard
from oneid.bootstrap import Services
from oneid.errors import OneIdError
from oneid.services.rates import Rate

MAX_BODY: Final = 1024 * 1024
INIT_TIMEOUT: Final = timedelta(seconds=10)
MAX_SUBSCRIPTIONS: Final = 20


class AdminView(GraphQL[Context, None]):
    """Authenticates, negotiates the media type and answers as GraphQL over HTTP wants it."""

    websocket_adapter_class = WebSocketAdapter
    graphql_transport_ws_handler_class = TransportHandler

    def __init__(self, schema: AdminSchema, services: Services) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            allow_queries_via_get=False,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL),
            connection_init_wait_timeout=INIT_TIMEOUT,
            max_subscriptions_per_connection=MAX_SUBSCRIPTIONS,
        )
        self._admin = schema
        self._services = services
        self._persisted = PersistedTexts()
        self._sandbox = services.settings.mode == "sandbox"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if self._sandbox and request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            return HTMLResponse(page())
        context = self._context()
        request.state.context = context
        request.state.media = negotiate(request.headers.get("accept"))
        try:
            return await self._run(request, context)
        except OneIdError as error:
            return self._refuse(request, GraphQLError(error.message, original_error=error))
        except HTTPException as error:
            return self._refuse(request, GraphQLError(error.reason), error.status_code)

    async def _run(self, request: Request, context: Context) -> Response:
        if request.state.media is None:
            raise HTTPException(HTTPStatus.NOT_ACCEPTABLE, f"the answer is {GRAPHQL_JSON} or {JSON}")
        await context.authenticate(bearer(request.headers))
        if request.method != "POST":
            raise HTTPException(HTTPStatus.METHOD_NOT_ALLOWED, "use POST")
        response = await self.run(request, context=context)
        self._finish(request, response)
        return response

    async def execute_operation(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """A stream where that was negotiated, and for a subscription wherever the client can be sent one."""
        data: GraphQLRequestData | list[GraphQLRequestData] = kwargs["request_data"]
        if isinstance(data, GraphQLRequestData):
            data = replace(data, query=self._persisted.text(data.query, data.extensions))
            kwargs["request_data"] = replace(data, protocol="sse" if self._streams(request, data) else "http")
        return await super().execute_operation(request, *args, **kwargs)

    def _streams(self, request: Request, data: GraphQLRequestData) -> bool:
        if request.state.media == EVENT_STREAM:
            return True
        if not streams(request.headers.get("accept")):
            return False
        context: Context = replace(request.state.context, operation_name=data.operation_name)
        plan = planned(self._admin.core, data.query or "", context)
        return plan is not None and plan.operation is OperationType.SUBSCRIPTION

    def _finish(self, request: Request, response: Response) -> None:
        """Media type and status, which only this view knows; of a stream headers alone."""
        response.headers["x-request-id"] = request.state.context.request_id
        response.headers.update(rate_headers(request.state.context.usage.rate))
        if isinstance(response, StreamingResponse):
            response.headers["cache-control"] = "private, no-store, no-transform"
            return
        response.headers["cache-control"] = "private, no-store"
        refused: dict[str, Any] = getattr(request.state, "refused", {})
        if "retryAfter" in refused:
            response.headers["retry-after"] = str(max(1, math.ceil(refused["retryAfter"])))
        if refused and (request.state.media == GRAPHQL_JSON or refused.get("code") == "THROTTLED"):
            response.status_code = status_of(refused)
        if request.state.media == GRAPHQL_JSON:
            response.headers["content-type"] = f"{GRAPHQL_JSON}; charset=utf-8"
        else:
            response.headers["content-type"] = f"{JSON}; charset=utf-8"

    def _refuse(self, request: Request, error: GraphQLError, status: int | None = None) -> Response:
        """A request that was not executed, for a reason that is not in its document."""
        shown = present(error, request.state.context.request_id, suggestions=self._sandbox)
        body = orjson.dumps({"errors": [shown.formatted]})
        response = Response(body, status or status_of(shown.extensions), media_type=JSON)
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            response.headers["allow"] = "POST"
        request.state.refused = {}
        retry_after = (shown.extensions or {}).get("retryAfter")
        if retry_after is not None:
            response.headers["retry-after"] = str(max(1, math.ceil(retry_after)))
        self._finish(request, response)
        return response

    def _context(self) -> Context:
        return Context(self._services, Loaders(self._services), self._sandbox)

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        """The context of a WebSocket; of a request it is made before."""
        context = replace(self._context(), of_socket=True)
        context.secret = bearer(request.headers)
        return context

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        answer = await super().process_result(request, result)
        request.state.refused = refusal_of(result)
        if request.state.refused:
            del answer["data"]
        return answer

    async def on_ws_connect(self, context: Context) -> Any:
        return await on_connect(context)

    def parse_json(self, data: str | bytes) -> object:
        """The base class takes for granted that JSON of another kind never comes."""
        content: object = super().parse_json(data)
        if not isinstance(content, dict | list):
            raise HTTPException(HTTPStatus.BAD_REQUEST, "the body must be a JSON object")
        return content

    def decode_json(self, data: str | bytes) -> object:
        """Frames of a WebSocket do not pass the guard that bodies do."""
        if len(data) > MAX_BODY:
            raise JSONDecodeError("too large", "", 0)
        return orjson.loads(data)

    def encode_json(self, data: object) -> bytes:
        return orjson.dumps(data)


def rate_headers(rate: Rate | None) -> dict[str, str]:
    """How much the key may ask, as clients expect it."""
    if rate is None:
        return {}
    told = {"limit": rate.limit, "remaining": rate.remaining, "reset": rate.reset}
    return {f"ratelimit-{name}": str(value) for name, value in told.items()}


def create_graphql_app(services: Services) -> ASGIApp:
    """The application over these services: HTTP with a limit on bodies, server-sent events, WebSockets."""
    schema = create_schema()
    return BodyGuard(AdminView(schema, services), MAX_BODY, refusal)


def refusal(status: int, message: str) -> Answer:
    """The answer to a body that could not be read: whoever was too slow may try again."""
    code = "UNAVAILABLE" if status == HTTPStatus.REQUEST_TIMEOUT else "BAD_USER_INPUT"
    request_id = new_request_id()
    error = {"message": message, "extensions": {"code": code, "requestId": request_id}}
    headers = ((b"x-request-id", request_id.encode()), (b"cache-control", b"private, no-store"))
    return Answer.json(status, {"errors": [error]}, headers)
