"""Real client libraries, pointed at this server by host and key: every event arrives once, in its fields."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from api.answers import refusal
from api.app import create_app
from oneid import bootstrap
from oneid.errors import Throttled
from oneid.settings import Settings
from tests.e2e.sdks.checks import check_all, traits_of
from tests.e2e.sdks.conftest import NODE, Events, Source, python_client, run
from tests.lossy import losing
from tests.serving import serving


@pytest.mark.parametrize(
    ("name", "options"), [("segment_python", []), ("segment_python", ["packed"]), ("rudder_python", [])]
)
async def test_a_python_client_delivers_each_type(
    url: str, source: Source, events: Events, name: str, options: list[str]
) -> None:
    await run(*python_client(name), url, source.key, source.who, *options)
    check_all(await events.of(source), source.who)


@pytest.mark.parametrize("name", ["segment", "rudder"])
async def test_a_node_client_delivers_each_type(
    node: str, url: str, source: Source, events: Events, name: str
) -> None:
    await run(node, str(NODE / f"{name}.mjs"), url, source.key, source.who)
    check_all(await events.of(source), source.who)


@pytest.mark.parametrize("name", ["segment_python", "rudder_python"])
async def test_a_python_client_whose_answer_is_lost_sends_again_and_is_stored_once(
    url: str, source: Source, events: Events, name: str
) -> None:
    async with losing(url) as proxy:
        await run(*python_client(name), proxy.url, source.key, source.who)
        assert proxy.lost == 1
    check_all(await events.of(source), source.who)


@pytest.mark.parametrize("name", ["segment", "rudder"])
async def test_a_node_client_whose_answer_is_lost_sends_again_and_is_stored_once(
    node: str, url: str, source: Source, events: Events, name: str
) -> None:
    async with losing(url) as proxy:
        await run(node, str(NODE / f"{name}.mjs"), proxy.url, source.key, source.who)
        assert proxy.lost == 1
    check_all(await events.of(source), source.who)


class BusyAtFirst:
    """Answers the first calls with 429 and hands the others on."""

    def __init__(self, app: ASGIApp, refusals: int) -> None:
        self._app = app
        self.refusals = refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.refusals:
            self.refusals -= 1
            await refusal(Throttled("too many calls at once")).send(send)
        else:
            await self._app(scope, receive, send)


@asynccontextmanager
async def busy_at_first(settings: Settings, refusals: int = 2) -> AsyncGenerator[str]:
    """Where an API is served that refuses the first calls; all of these must have come."""
    busy = BusyAtFirst(create_app(partial(bootstrap.services, settings)), refusals)
    async with serving(busy) as address:
        yield address
    assert busy.refusals == 0


@pytest.mark.parametrize("name", ["segment_python", "rudder_python"])
async def test_a_python_client_that_is_told_to_wait_waits_and_is_stored_once(
    url: str, settings: Settings, source: Source, events: Events, name: str
) -> None:
    async with busy_at_first(settings) as address:
        await run(*python_client(name), address, source.key, source.who)
    check_all(await events.of(source), source.who)


@pytest.mark.parametrize("name", ["segment", "rudder"])
async def test_a_node_client_that_is_told_to_wait_waits_and_is_stored_once(
    node: str, url: str, settings: Settings, source: Source, events: Events, name: str
) -> None:
    async with busy_at_first(settings) as address:
        await run(node, str(NODE / f"{name}.mjs"), address, source.key, source.who)
    check_all(await events.of(source), source.who)


async def test_segments_java_client_delivers_each_type(
    java: tuple[str, str], url: str, source: Source, events: Events
) -> None:
    await run(*python_client("segment_java"), url, source.key, source.who, *java)
    check_all(await events.of(source), source.who)


async def test_the_java_clients_requests_are_understood(url: str, source: Source, events: Events) -> None:
    """No header with a key, a trailing slash, one context for the whole batch."""
    who = source.who
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    calls: list[dict[str, Any]] = [
        {"type": "identify", "userId": f"{who}-u1", "traits": traits_of(who)},
        {
            "type": "track",
            "anonymousId": f"{who}-a1",
            "event": "Order Completed",
            "properties": {"total": 12.5},
        },
        {"type": "page", "userId": f"{who}-u1", "name": "Home", "properties": {"path": "/"}},
        {"type": "screen", "userId": f"{who}-u1", "name": "Cart"},
        {"type": "group", "userId": f"{who}-u1", "groupId": f"{who}-g1"},
        {"type": "alias", "userId": f"{who}-u1", "previousId": f"{who}-a1"},
    ]
    body = {
        "batch": [{**call, "messageId": f"{who}-{n}", "timestamp": now} for n, call in enumerate(calls)],
        "sentAt": now,
        "context": {"library": {"name": "analytics-java", "version": "3.5.4"}},
        "sequence": 1,
        "writeKey": source.key,
    }
    async with httpx.AsyncClient(base_url=url) as client:
        for _ in range(2):
            reply = await client.post("/v1/import/", json=body)
            assert (reply.status_code, reply.content) == (200, b'{"success":true}')
    stored = await events.of(source)
    check_all(stored, who)
    assert {event["payload"]["context"]["library"]["name"] for event in stored} == {"analytics-java"}


async def test_a_clock_that_is_wrong_at_the_client_is_put_right(
    url: str, source: Source, events: Events
) -> None:
    """sentAt is 10 minutes behind, the event happened 5 minutes before it was sent."""
    sent = datetime.now(UTC) - timedelta(minutes=10)
    original = sent - timedelta(minutes=5)
    item = {"type": "track", "event": "E", "userId": source.who, "originalTimestamp": original.isoformat()}
    async with httpx.AsyncClient(base_url=url, auth=(source.key, "")) as client:
        await client.post("/v1/batch", json={"batch": [item], "sentAt": sent.isoformat()})
    (event,) = await events.of(source)
    received = datetime.fromisoformat(event["receivedAt"])
    timestamp = datetime.fromisoformat(event["timestamp"])
    assert abs(received - timestamp - timedelta(minutes=5)) < timedelta(milliseconds=2)
