"""Health, readiness, metrics, schema."""

from functools import partial

import httpx
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from api.app import create_app
from oneid import bootstrap
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
    call = {"userId": "u1", "event": "E"}
    for mode, status in (("sandbox", 200), ("live", 401)):
        keyed = settings.model_copy(update={"mode": mode, "write_key": SecretStr("my fixed key")})
        app = create_app(partial(bootstrap.services, keyed))
        async with serving(app) as url, httpx.AsyncClient(auth=("my fixed key", "")) as client:
            assert (await client.post(f"{url}/v1/track", json=call)).status_code == status
