"""A log that can't take events: 503 and Retry-After, never a false success, never a lasting refusal."""

from collections.abc import AsyncGenerator

import httpx
import pytest
from redis.asyncio import Redis

from api.tracking.endpoint import TrackingEndpoint
from graph.client import Graph
from graph.keys import ApiKeys
from oneid.clock import SystemClock
from oneid.domain.catalog import Catalog
from oneid.domain.keys import KeyKind
from oneid.embedded.ports import free_port
from oneid.log import client as log_client
from oneid.log.events import EventLog
from oneid.log.replies import Replies
from oneid.services.ingestion import IngestionService
from oneid.services.keys import KeyService
from tests.integration.tracking.conftest import WRITE_KEY, Log
from tests.serving import serving

CALL = {"userId": "u1", "event": "E", "messageId": "m1"}
BATCH = {"batch": [{**CALL, "type": "track"}]}


async def nothing_to_do(one_ids: object) -> None:
    """The index is not part of this."""


@pytest.fixture
async def severed(graph: Graph, keys: KeyService) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of an endpoint whose log listens nowhere."""
    await keys.ensure(WRITE_KEY, "web", KeyKind.WRITE)
    async with log_client.connect(f"redis://127.0.0.1:{free_port()}/0") as redis:
        ingestion = IngestionService(EventLog(redis), Replies(redis), SystemClock(), nothing_to_do, Catalog)
        endpoint = TrackingEndpoint(KeyService(ApiKeys(graph), SystemClock(), "sandbox"), ingestion)
        async with serving(endpoint) as url, httpx.AsyncClient(base_url=url, auth=(WRITE_KEY, "")) as client:
            yield client


@pytest.mark.parametrize(("path", "body"), [("/v1/track", CALL), ("/v1/batch", BATCH)])
async def test_a_log_that_is_down_is_a_503(
    severed: httpx.AsyncClient, path: str, body: dict[str, object]
) -> None:
    reply = await severed.post(path, json=body, headers={"Origin": "https://shop.example"})
    assert (reply.status_code, reply.json()["code"]) == (503, "UNAVAILABLE")
    assert int(reply.headers["retry-after"]) >= 1
    assert reply.headers["x-ratelimit-reset"] == reply.headers["retry-after"]
    assert reply.headers["access-control-allow-origin"] == "https://shop.example"


async def test_a_bad_event_is_refused_for_good_even_then(severed: httpx.AsyncClient) -> None:
    assert (await severed.post("/v1/track", json={"userId": "u1"})).status_code == 400


async def test_a_full_log_is_a_503_and_works_again_with_memory(
    client: httpx.AsyncClient, redis: Redis, log: Log
) -> None:
    limit = await redis.config_get("maxmemory")
    await redis.config_set("maxmemory", "1")
    try:
        reply = await client.post("/v1/track", json=CALL)
    finally:
        await redis.config_set("maxmemory", limit["maxmemory"])
    assert (reply.status_code, reply.json()["code"]) == (503, "UNAVAILABLE")
    assert int(reply.headers["retry-after"]) >= 1
    assert await log.items() == []
    assert (await client.post("/v1/track", json=CALL)).status_code == 200
    assert len(await log.items()) == 1
