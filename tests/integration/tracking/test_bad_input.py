"""Bad input: the exact answer, and nothing in the log."""

import gzip
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import orjson
import pytest

from tests.integration.tracking.conftest import Log


def track(**fields: Any) -> bytes:
    return orjson.dumps({"type": "track", "event": "E", "userId": "u1", **fields})


def deep(levels: int) -> bytes:
    return b'{"event":"E","userId":"u1","properties":' + b'{"a":' * levels + b"1" + b"}" * levels + b"}"


NOT_JSON = {"code": "INVALID", "message": "the body is not valid JSON"}
NOBODY = "the event names nobody: no userId, anonymousId, external id, email or phone"

REFUSED: dict[str, tuple[bytes, int, dict[str, str]]] = {
    "nothing": (b"", 400, NOT_JSON),
    "half an object": (b'{"event":"E"', 400, NOT_JSON),
    "two objects": (b"{}{}", 400, NOT_JSON),
    "not a number": (b'{"userId":"u","event":"E","properties":{"x":NaN}}', 400, NOT_JSON),
    "a lone surrogate": (b'{"userId":"u","event":"\\ud800"}', 400, NOT_JSON),
    "broken UTF-8": (b'{"userId":"\xff","event":"E"}', 400, NOT_JSON),
    "a raw NUL": (b'{"userId":"a\0b","event":"E"}', 400, NOT_JSON),
    "100,000 levels": (deep(100_000)[:400_000], 400, NOT_JSON),
    "a list": (b"[]", 400, {"code": "INVALID", "message": "the body is not a JSON object"}),
    "text": (b'"x"', 400, {"code": "INVALID", "message": "the body is not a JSON object"}),
    "40 levels": (deep(40), 400, {"code": "INVALID", "message": "the event is nested deeper than 32 levels"}),
    "1,000 levels": (
        deep(1_000),
        400,
        {"code": "INVALID", "message": "the event holds text or numbers that no store can keep"},
    ),
    "an escaped NUL": (
        b'{"userId":"a\\u0000b","event":"E"}',
        400,
        {"code": "INVALID", "message": "the event holds a NUL character"},
    ),
    "no event": (b'{"userId":"u"}', 400, {"code": "REQUIRED", "message": "track needs event"}),
    "nobody": (b'{"event":"E"}', 400, {"code": "NO_USER_ANON_ID", "message": NOBODY}),
    "only nulls": (
        b'{"event":"E","userId":null,"anonymousId":null,"traits":{"email":null}}',
        400,
        {"code": "NO_USER_ANON_ID", "message": NOBODY},
    ),
    "a wrong type": (
        track(properties=[1]),
        400,
        {"code": "INVALID", "message": "properties must be an object"},
    ),
    "a user id that is an object": (
        track(userId={"id": 1}),
        400,
        {"code": "INVALID", "message": "userId must be a string or a whole number of 64 bits"},
    ),
    "a user id beyond 64 bits": (
        b'{"event":"E","userId":123456789012345678901234567890}',
        400,
        {"code": "INVALID", "message": "userId must be a string or a whole number of 64 bits"},
    ),
    "a time in words": (
        track(timestamp="tomorrow"),
        400,
        {"code": "INVALID", "message": "timestamp must be a time in RFC 3339"},
    ),
    "a messageId of 101 characters": (
        track(messageId="m" * 101),
        400,
        {"code": "INVALID", "message": "messageId is longer than 100 characters"},
    ),
    "an event over 32 KB": (
        track(messageId="m", properties={"x": "x" * 32_768}),
        413,
        {"code": "TOO_LARGE", "message": "the event has 32848 bytes, more than 32768"},
    ),
    "a body over 500 KB": (
        b" " * 512_001,
        413,
        {"code": "TOO_LARGE", "message": "the body is larger than 512000 bytes"},
    ),
    "a body of 8 MB": (
        b"x" * 8_000_000,
        413,
        {"code": "TOO_LARGE", "message": "the body is larger than 512000 bytes"},
    ),
}


@pytest.mark.parametrize(("body", "status", "answer"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_bad_call_is_refused_and_leaves_nothing(
    client: httpx.AsyncClient, log: Log, body: bytes, status: int, answer: dict[str, str]
) -> None:
    reply = await client.post("/v1/track", content=body)
    assert (reply.status_code, reply.json()) == (status, answer)
    assert reply.headers["content-type"] == "application/json"
    assert await log.items() == []


async def test_what_is_odd_but_honest_is_accepted_as_it_is(client: httpx.AsyncClient, log: Log) -> None:
    odd: list[dict[str, Any]] = [
        {"userId": "00000"},
        {"userId": "u", "traits": {"phone": "12"}},
        {"userId": "u", "timestamp": "9999-12-31T23:59:59Z"},
        {"userId": "u", "timestamp": "1970-01-01T00:00:00Z"},
        {"anonymousId": "null"},
        {"userId": 12345},
        {"userId": "林女士 👩‍🦰"},
        {"userId": "u", "context": {"externalIds": [{"id": "x", "type": "undeclared"}]}},
    ]
    for number, fields in enumerate(odd):
        call = {"event": "E", "messageId": f"m{number}", **fields}
        assert (await client.post("/v1/track", json=call)).status_code == 200
    assert [{k: v for k, v in item.items() if k in odd[n]} for n, item in enumerate(await log.items())] == odd


@pytest.mark.parametrize("size", [1_000_000, 100_000_000])
async def test_a_gzip_bomb_is_refused_without_unpacking_it(
    client: httpx.AsyncClient, log: Log, size: int
) -> None:
    bomb = gzip.compress(b'{"userId":"u","event":"' + b"x" * size)
    reply = await client.post("/v1/track", content=bomb, headers={"Content-Encoding": "gzip"})
    assert (reply.status_code, reply.json()["code"]) == (413, "TOO_LARGE")
    assert await log.items() == []


async def test_a_body_that_unpacks_to_a_hundred_times_its_size_is_refused(
    client: httpx.AsyncClient, log: Log
) -> None:
    items = [{"type": "page", "userId": "u"}] * 2_400
    packed = gzip.compress(orjson.dumps({"batch": items}))
    reply = await client.post("/v1/batch", content=packed, headers={"Content-Encoding": "gzip"})
    assert (reply.status_code, reply.json()["code"]) == (413, "TOO_LARGE")
    assert await log.items() == []


@pytest.mark.parametrize("cut", [5, -1])
async def test_damaged_gzip_is_refused(client: httpx.AsyncClient, log: Log, cut: int) -> None:
    body = gzip.compress(track())[:cut]
    reply = await client.post("/v1/track", content=body, headers={"Content-Encoding": "gzip"})
    assert (reply.status_code, reply.json()["message"]) == (400, "the body is not valid gzip")
    assert await log.items() == []


async def test_a_body_without_length_is_limited_too(client: httpx.AsyncClient, log: Log) -> None:
    async def chunks() -> AsyncGenerator[bytes]:
        for _ in range(60):
            yield b" " * 10_000

    reply = await client.post("/v1/track", content=chunks())
    assert (reply.status_code, reply.json()["code"]) == (413, "TOO_LARGE")
    assert await log.items() == []


async def test_the_largest_body_passes(client: httpx.AsyncClient, log: Log) -> None:
    padding = 512_000 - len(track())
    reply = await client.post("/v1/track", content=track() + b" " * padding)
    assert reply.status_code == 200
    assert len(await log.items()) == 1


async def test_after_a_refusal_the_same_connection_goes_on(client: httpx.AsyncClient, log: Log) -> None:
    for body, status in ((b"x" * 600_000, 413), (b"{", 400), (track(), 200)):
        assert (await client.post("/v1/track", content=body)).status_code == status
    assert len(await log.items()) == 1
