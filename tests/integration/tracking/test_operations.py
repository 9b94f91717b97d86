"""Health, readiness, metrics, schema."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial

import httpx
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from api.app import create_app
from oneid import bootstrap
from oneid.domain.keys import KeyKind, generate
from oneid.settings import Settings
from tests.integration.tracking.conftest import Log
from tests.serving import serving


async def test_the_process_is_alive_and_ready(anonymous: httpx.AsyncClient) -> None:
    reply = await anonymous.get("/healthz")
    assert (reply.status_code, reply.json()) == (200, {"status": "ok"})
    reply = await anonymous.get("/readyz")
    servers = {"neo4j": "ok", "opensearch": "ok", "redis": "ok"}
    assert (reply.status_code, reply.json()) == (200, {"status": "ready", "servers": servers})


async def test_accepted_and_refused_events_are_counted(client: httpx.AsyncClient, log: Log) -> None:
    before = await item_counts(client)
    await client.post("/v1/batch", json={"batch": [{"type": "page", "userId": "u"}, {"type": "page"}, 7]})
    after = await item_counts(client)
    assert {result: after[result] - before[result] for result in after} == {"accepted": 1, "rejected": 2}


async def item_counts(client: httpx.AsyncClient) -> dict[str, float]:
    text = (await client.get("/metrics")).text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    samples = families["oneid_ingest_items"].samples
    return {s.labels["result"]: s.value for s in samples if s.name.endswith("_total")}


async def test_the_schema_can_be_read(anonymous: httpx.AsyncClient) -> None:
    reply = await anonymous.get("/schema.graphql")
    assert reply.status_code == 200
    assert "type Query" in reply.text


async def test_an_unknown_path_is_not_found(anonymous: httpx.AsyncClient) -> None:
    for path in ("/", "/healthz/", "/nothing"):
        reply = await anonymous.get(path)
        assert (reply.status_code, reply.json()["code"]) == (404, "NOT_FOUND")


async def test_the_keys_of_the_settings_work_in_a_sandbox_only(settings: Settings, clean: None) -> None:
    for mode, status in (("sandbox", 200), ("live", 401)):
        async with started(settings, mode, "my fixed key") as client:
            assert await sent(client, "my fixed key") == status


async def test_a_sandboxs_keys_end_when_it_is_live_and_come_back_with_the_sandbox(
    settings: Settings, clean: None
) -> None:
    write = generate(KeyKind.WRITE, "sandbox")
    async with started(settings, "sandbox", write) as client:
        assert await sent(client, write) == 200
    async with started(settings, "live", None) as client:
        assert await sent(client, write) == 401
    async with bootstrap.open_keys(settings) as keys:
        assert [(key.name, key.revoked_at is None) for key in await keys.list()] == [("sandbox write", False)]
    async with started(settings, "sandbox", write) as client:
        assert await sent(client, write) == 200


async def test_a_fixed_key_that_is_replaced_is_valid_no_more(settings: Settings, clean: None) -> None:
    async with started(settings, "sandbox", "first key") as client:
        assert await sent(client, "first key") == 200
    async with bootstrap.open_keys(settings) as keys:
        other = await keys.create("shop", KeyKind.WRITE)
    async with started(settings, "sandbox", "second key") as client:
        assert [await sent(client, key) for key in ("first key", "second key", other)] == [401, 200, 200]
    async with started(settings, "sandbox", None) as client:
        assert [await sent(client, key) for key in ("first key", "second key", other)] == [401, 200, 200]


@asynccontextmanager
async def started(settings: Settings, mode: str, write_key: str | None) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of an API of this mode with this fixed key."""
    secret = SecretStr(write_key) if write_key else None
    keyed = settings.model_copy(update={"mode": mode, "write_key": secret})
    async with serving(create_app(partial(bootstrap.services, keyed))) as url:
        async with httpx.AsyncClient(base_url=url) as client:
            yield client


async def sent(client: httpx.AsyncClient, key: str) -> int:
    """The status of an event that is sent with this key."""
    call = {"userId": "u1", "event": "E"}
    return (await client.post("/v1/track", json=call, auth=(key, ""))).status_code
