"""F30: Redis is full. Callers are refused and may try again; the consumer, which needs no memory, works off what is
there; and events are accepted again."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from redis.asyncio import Redis

from api.app import create_app
from oneid import bootstrap
from oneid.bootstrap import Stores
from oneid.settings import Settings
from tests.consumers import consuming, drained
from tests.faults.parts import ADMIN, WRITE, parts
from tests.servers import Servers
from tests.serving import serving

INGEST = """
mutation ($events: EventBatch!) {
  ingestEvents(input: { events: $events, wait: RESOLVED }) { results { status } userErrors { code } }
}
"""
ROOM = 3 * 2**20


async def leave_room(redis: Redis, size: int) -> None:
    await redis.config_set("maxmemory", (await redis.info("memory"))["used_memory"] + size)


@asynccontextmanager
async def nearly_full(redis: Redis) -> AsyncGenerator[None]:
    """Little room is left, until the end."""
    limit = (await redis.config_get("maxmemory"))["maxmemory"]
    await leave_room(redis, ROOM)
    try:
        yield
    finally:
        await redis.config_set("maxmemory", limit)


def batch(number: int) -> list[dict[str, Any]]:
    """Some 250 KB of events of one person."""
    about = {"note": "x" * 24_000}
    return [
        {"type": "track", "event": "Big", "userId": "u1", "messageId": f"b{number}-{n}", "properties": about}
        for n in range(10)
    ]


async def filled(client: httpx.AsyncClient) -> tuple[list[str], httpx.Response]:
    """The messageIds that were accepted until the log was full, and the refusal."""
    accepted = list[str]()
    for number in range(100):
        items = batch(number)
        answer = await client.post("/v1/batch", json={"batch": items}, auth=(WRITE, ""))
        if answer.status_code != 200:
            return accepted, answer
        accepted += [item["messageId"] for item in items]
    raise AssertionError("the log is never full")


@pytest.fixture
async def client(settings: Settings, clean: None) -> AsyncIterator[httpx.AsyncClient]:
    keyed = Settings.model_validate({**settings.model_dump(), "admin_key": ADMIN, "write_key": WRITE})
    async with (
        serving(create_app(lambda: bootstrap.services(keyed))) as url,
        httpx.AsyncClient(base_url=url, timeout=30) as opened,
    ):
        yield opened


async def ingest(client: httpx.AsyncClient) -> dict[str, Any]:
    body = {
        "query": INGEST,
        "variables": {"events": [{"type": "track", "event": "E", "userId": uuid4().hex}]},
    }
    answer = await client.post("/graphql", json=body, headers={"authorization": f"Bearer {ADMIN}"})
    data: dict[str, Any] = answer.json()
    return data


async def test_a_full_log_refuses_is_worked_off_and_accepts_again(
    client: httpx.AsyncClient, stores: Stores, redis: Redis
) -> None:
    async with nearly_full(redis):
        accepted, refusal = await filled(client)
        assert (refusal.status_code, refusal.json()["code"]) == (503, "UNAVAILABLE")
        assert int(refusal.headers["retry-after"]) >= 1
        # Not even for a small one, whatever Redis gives up of its buffers while a cold API comes to it.
        await redis.config_set("maxmemory", "1")
        assert (await ingest(client))["data"]["ingestEvents"]["userErrors"] == [{"code": "UNAVAILABLE"}]
        await leave_room(redis, -200_000)
        waiting = await stores.log.backlog(0)
        assert len(accepted) == 10 * waiting > 50
        async with consuming(stores, "working"):
            await drained(stores)
            again = await client.post("/v1/batch", json={"batch": batch(1000)}, auth=(WRITE, ""))
            assert again.status_code == 200
            assert (await ingest(client))["data"]["ingestEvents"]["results"] == [{"status": "RESOLVED"}]
            await drained(stores)
    await stores.events.refresh()
    expected = {*accepted, *(item["messageId"] for item in batch(1000))}
    assert (await stores.events.get(sorted(expected))).keys() == expected


@pytest.mark.faults
async def test_a_worker_goes_on_while_redis_is_full(
    servers: Servers, stores: Stores, redis: Redis, clean: None, tmp_path: Path
) -> None:
    """arq notes in Redis every ten seconds that it is well, and must not end because it can't."""
    async with parts(servers, tmp_path, "worker") as running:
        limit = (await redis.config_get("maxmemory"))["maxmemory"]
        await redis.config_set("maxmemory", "1")
        try:
            await asyncio.sleep(15)
            assert running.worker.is_running
            assert await running.worker.is_well()
            await stores.graph.write("test", "CREATE (:Customer:Dirty {oneId: 'c1', version: 1, seq: 1})")
            async with asyncio.timeout(20):
                while not await stores.profiles.fingerprints(["c1"]):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
        finally:
            await redis.config_set("maxmemory", limit)
        await asyncio.sleep(3)
        assert running.worker.is_running
