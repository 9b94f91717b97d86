"""Paths of single vendors: PostHog's, Jitsu's short ones, RudderStack's beacon."""

from typing import Any

import httpx
import orjson
import pytest

from tests.integration.tracking.conftest import WRITE_KEY, Log

EVENT = {"type": "track", "userId": "u1", "event": "E", "messageId": "m1"}
CAPTURED: dict[str, Any] = {"event": "E", "distinct_id": "u1", "uuid": "m1", "properties": {"total": 12.5}}
STORED = {
    "type": "track",
    "messageId": "m1",
    "timestamp": None,
    "event": "E",
    "properties": {"total": 12.5},
    "userId": "u1",
}


@pytest.mark.parametrize("end", ["", "/"])
@pytest.mark.parametrize("path", ["/batch", "/capture", "/e", "/i/v0/e"])
@pytest.mark.parametrize(
    "body",
    [
        {"api_key": WRITE_KEY, "batch": [CAPTURED]},
        {"api_key": WRITE_KEY, **CAPTURED},
        [{**CAPTURED, "properties": {**CAPTURED["properties"], "token": WRITE_KEY}}],
    ],
    ids=["a batch", "one", "a list"],
)
async def test_posthogs_clients_are_understood(
    anonymous: httpx.AsyncClient, log: Log, path: str, end: str, body: Any
) -> None:
    reply = await anonymous.post(f"{path}{end}", json=body)
    assert (reply.status_code, reply.content) == (200, b'{"success":true}')
    assert await log.items() == [STORED]


async def test_posthogs_bad_events_are_named_and_their_neighbours_are_stored(
    anonymous: httpx.AsyncClient, log: Log
) -> None:
    bad = [{**CAPTURED, "uuid": "m2", "distinct_id": None}, {**CAPTURED, "uuid": "m3", "$set": ["x"]}, 7]
    reply = await anonymous.post("/batch/", json={"api_key": WRITE_KEY, "batch": [CAPTURED, *bad]})
    assert reply.status_code == 200
    assert [(error["messageId"], error["code"], error["field"]) for error in reply.json()["errors"]] == [
        ("m2", "NO_USER_ANON_ID", None),
        (None, "INVALID", None),
        ("m3:set", "INVALID", "traits"),
    ]
    assert [item["messageId"] for item in await log.items()] == ["m1", "m3"]


@pytest.mark.parametrize("body", [{**CAPTURED, "api_key": "wrong"}, CAPTURED, [CAPTURED], [], [7]])
async def test_posthogs_wrong_or_missing_key_is_refused(
    anonymous: httpx.AsyncClient, log: Log, body: Any
) -> None:
    reply = await anonymous.post("/batch/", json=body)
    assert (reply.status_code, reply.json()["code"]) == (401, "UNAUTHENTICATED")
    assert await log.items() == []


@pytest.mark.parametrize(
    ("body", "status"), [(b"7", 400), (b'"x"', 400), (b"{", 400), (b'{"api_key":"WK","batch":{}}', 400)]
)
async def test_what_is_no_body_of_posthogs_is_refused(
    anonymous: httpx.AsyncClient, log: Log, body: bytes, status: int
) -> None:
    reply = await anonymous.post("/batch/", content=body, headers={"X-Write-Key": WRITE_KEY})
    assert (reply.status_code, reply.json()["code"]) == (status, "INVALID")
    assert await log.items() == []


@pytest.mark.parametrize("path", ["/batch", "/batch/", "/b", "/b/"])
async def test_jitsus_batches_are_understood_on_the_same_path(
    client: httpx.AsyncClient, log: Log, path: str
) -> None:
    reply = await client.post(path, json={"batch": [EVENT]})
    assert reply.status_code == 200
    assert await log.items() == [EVENT]


@pytest.mark.parametrize("end", ["", "/"])
async def test_a_beacon_has_its_key_in_the_query(anonymous: httpx.AsyncClient, log: Log, end: str) -> None:
    """As a browser sends it that leaves a page: text/plain, without a header of its own."""

    async def status(target: str) -> int:
        headers = {"Content-Type": "text/plain"}
        return (
            await anonymous.post(target, content=orjson.dumps({"batch": [EVENT]}), headers=headers)
        ).status_code

    assert await status(f"/beacon/v1/batch{end}?writeKey={WRITE_KEY}") == 200
    assert await log.items() == [EVENT]
    for query in ("", "?writeKey=wrong", "?writeKey="):
        assert await status(f"/beacon/v1/batch{end}{query}") == 401
    assert await status(f"/v1/batch{end}?writeKey={WRITE_KEY}") == 401
    assert len(await log.items()) == 1
