"""The endpoint of all tracking calls: a plain ASGI application, since it runs for every event there is."""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qs

import structlog
from starlette.types import Receive, Scope, Send

from api.answers import Answer, refusal
from api.auth import header_keys, key_forms, write_actor
from api.guard import SLOW, ClientGone, SlowBody
from api.logging import new_request_id
from api.tracking.cors import cors_headers, preflight
from api.tracking.paths import BATCH, BEACON, PATHS, POSTHOG
from api.tracking.posthog import translated
from api.tracking.requests import read_json
from oneid import metrics
from oneid.clock import monotonic
from oneid.domain.keys import Actor
from oneid.errors import InvalidInput, OneIdError, Required, Retriable, Throttled
from oneid.services.ingestion import IngestionService, ItemResult
from oneid.services.keys import KeyService

MAX_IN_FLIGHT: Final = 1_000
"""More requests at once would only wait for each other: 429 tells clients to come back."""

SUCCESS: Final = Answer(200, b'{"success":true}')
METHOD_NOT_ALLOWED: Final = Answer.json(
    405, {"code": "METHOD_NOT_ALLOWED", "message": "send events with POST"}, ((b"allow", b"POST, OPTIONS"),)
)

log = structlog.get_logger()


class TrackingEndpoint:
    """Answers each call when its events are on disk: 200; 4xx for what will never be right; 429 and 503, with
    Retry-After, for what may be right later. Clients drop what is answered with another 4xx."""

    def __init__(self, keys: KeyService, ingestion: IngestionService) -> None:
        self._keys = keys
        self._ingestion = ingestion
        self._in_flight = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close"})  # before it was accepted: a 403
            return
        started = monotonic()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        self._in_flight += 1
        try:
            answer = await self._answer(scope, headers, receive)
        except ClientGone:
            return
        finally:
            self._in_flight -= 1
        await answer.send(send, cors_headers(headers))
        _record(PATHS[scope["path"]], answer, monotonic() - started)

    async def _answer(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> Answer:
        if scope["method"] == "OPTIONS":
            return preflight(headers)
        if scope["method"] != "POST":
            return METHOD_NOT_ALLOWED
        try:
            return await self._collect(scope, headers, receive)
        except OneIdError as error:
            return refusal(error)
        except SlowBody:
            return Answer.json(408, {"code": "TIMEOUT", "message": SLOW})
        except ClientGone:
            raise
        except Exception:
            # Whatever this is, the event may still be right: the client keeps it and tries again.
            request_id = new_request_id()
            log.exception("tracking call failed", request_id=request_id)
            return refusal(Retriable(f"try again later (request {request_id})"))

    async def _collect(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> Answer:
        if self._in_flight > MAX_IN_FLIGHT:
            raise Throttled("too many calls at once")
        route = PATHS[scope["path"]]
        content = await read_json(scope, headers, receive)
        if route == POSTHOG:
            content = translated(content)
        if not isinstance(content, dict):
            raise InvalidInput("the body is not a JSON object")
        actor = await write_actor(self._keys, _keys(scope, headers, content))
        if route in (BATCH, POSTHOG):
            return await self._batch(content, actor)
        (result,) = await self._ingestion.accept([content], source=actor.name, type=route)
        return refusal(result.errors[0]) if result.errors else SUCCESS

    async def _batch(self, content: dict[str, Any], actor: Actor) -> Answer:
        items = content.get("batch")
        if not isinstance(items, list):
            raise InvalidInput("batch must be a list of events", field=("batch",))
        if not items:
            raise Required("batch is empty", field=("batch",))
        results = await self._ingestion.accept(
            items,
            source=actor.name,
            sent_at=content.get("sentAt"),
            context=content.get("context"),
            integrations=content.get("integrations"),
        )
        return _batch_answer(results)


def _keys(scope: Scope, headers: dict[bytes, bytes], content: dict[str, Any]) -> Iterator[str]:
    yield from header_keys(headers)
    if scope["path"].startswith(BEACON):
        for text in parse_qs(scope["query_string"].decode("latin-1")).get("writeKey", ()):
            yield from key_forms(text.strip())
    in_body = content.get("writeKey")
    if isinstance(in_body, str):
        yield from key_forms(in_body.strip())


def _batch_answer(results: list[ItemResult]) -> Answer:
    errors = [_item_error(result, error) for result in results for error in result.errors]
    if not errors:
        return SUCCESS
    if all(result.errors for result in results):
        first = results[0].errors[0]
        message = f"every event was refused, the first because {first.message}"
        return Answer.json(400, {"code": first.code, "message": message, "errors": errors})
    return Answer.json(200, {"success": True, "errors": errors})


def _item_error(result: ItemResult, error: OneIdError) -> dict[str, object]:
    return {
        "index": result.index,
        "messageId": result.message_id or None,
        "code": error.code,
        "field": ".".join(error.field) or None,
        "message": error.message,
    }


def _record(route: str, answer: Answer, seconds: float) -> None:
    metrics.REQUEST_SECONDS.labels(route, answer.status).observe(seconds)
    if answer.status >= 400:
        log.info("tracking call refused", route=route, status=answer.status, code=answer.code)
