"""Single calls: every path, every type, one entry in the log each."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.integration.tracking.conftest import Log

CALLS: dict[str, dict[str, Any]] = {
    "identify": {"userId": "u1", "traits": {"email": "a@b.c"}},
    "track": {"userId": "u1", "event": "Order Completed", "properties": {"total": 12.5}},
    "page": {"anonymousId": "a1", "name": "Home", "category": "shop", "properties": {"path": "/"}},
    "screen": {"anonymousId": "a1", "name": "Cart"},
    "group": {"userId": "u1", "groupId": "g1", "traits": {"name": "Family"}},
    "alias": {"previousId": "a1", "userId": "u1"},
}
PREFIXES = ("/v1/", "/api/s/", "/api/s/s2s/")


@pytest.mark.parametrize("end", ["", "/"])
@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("kind", CALLS)
async def test_a_call_is_stored_once_under_the_type_of_its_path(
    client: httpx.AsyncClient, log: Log, prefix: str, kind: str, end: str
) -> None:
    reply = await client.post(
        f"{prefix}{kind}{end}", json={**CALLS[kind], "messageId": "m1", "type": "other"}
    )
    assert (reply.status_code, reply.content) == (200, b'{"success":true}')
    assert await log.items() == [{**CALLS[kind], "messageId": "m1", "type": kind}]


@pytest.mark.parametrize("kind", CALLS)
async def test_a_single_letter_stands_for_a_type(client: httpx.AsyncClient, log: Log, kind: str) -> None:
    reply = await client.post(f"/v1/{kind[0]}", json=CALLS[kind])
    assert reply.status_code == 200
    assert [item["type"] for item in await log.items()] == [kind]


async def test_the_envelope_says_who_sent_it_and_when_it_came(client: httpx.AsyncClient, log: Log) -> None:
    await client.post("/v1/track", json={**CALLS["track"], "sentAt": "2026-01-01T00:00:00Z"})
    (envelope,) = await log.envelopes()
    assert envelope["source"] == "web"
    assert envelope["sentAt"] is None
    assert envelope["items"][0]["sentAt"] == "2026-01-01T00:00:00Z"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", envelope["receivedAt"])
    age = datetime.now(UTC) - datetime.fromisoformat(envelope["receivedAt"])
    assert abs(age) < timedelta(minutes=1)


async def test_a_missing_message_id_is_assigned(client: httpx.AsyncClient, log: Log) -> None:
    for _ in range(2):
        await client.post("/v1/track", json=CALLS["track"])
    first, second = [item["messageId"] for item in await log.items()]
    assert len(first) == 36
    assert first != second


async def test_the_same_message_id_twice_is_accepted_twice(client: httpx.AsyncClient, log: Log) -> None:
    for _ in range(2):
        reply = await client.post("/v1/track", json={**CALLS["track"], "messageId": "again"})
        assert reply.json() == {"success": True}
    assert len(await log.items()) == 2


async def test_an_explicit_null_is_kept_and_means_missing(client: httpx.AsyncClient, log: Log) -> None:
    reply = await client.post("/v1/track", json={**CALLS["track"], "anonymousId": None})
    assert reply.status_code == 200
    assert (await log.items())[0]["anonymousId"] is None


async def test_the_callers_address_is_taken_where_it_is_asked_for(
    client: httpx.AsyncClient, log: Log
) -> None:
    for context in (
        {"direct": True},
        {"direct": True, "ip": None},
        {"direct": True, "ip": "9.9.9.9"},
        {"direct": False},
    ):
        await client.post("/v1/track", json={**CALLS["track"], "context": context})
    addresses = [item["context"].get("ip") for item in await log.items()]
    assert addresses == ["127.0.0.1", "127.0.0.1", "9.9.9.9", None]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
async def test_only_post_sends_events(client: httpx.AsyncClient, log: Log, method: str) -> None:
    reply = await client.request(method, "/v1/track")
    assert reply.status_code == 405
    assert reply.headers["allow"] == "POST, OPTIONS"
    assert await log.items() == []


@pytest.mark.parametrize(
    "path", ["/v1/trick", "/v1", "/v1/", "/v1/track//", "/api/s", "/api/s/trick", "/v2/track"]
)
async def test_an_unknown_path_is_not_found_and_never_redirected(
    client: httpx.AsyncClient, path: str
) -> None:
    reply = await client.post(path, json=CALLS["track"])
    assert reply.status_code == 404
    assert reply.json()["code"] == "NOT_FOUND"


async def test_parallel_calls_are_all_stored(client: httpx.AsyncClient, log: Log) -> None:
    await asyncio.gather(
        *(client.post("/v1/track", json={**CALLS["track"], "messageId": f"m{n}"}) for n in range(50))
    )
    assert sorted(item["messageId"] for item in await log.items()) == sorted(f"m{n}" for n in range(50))
