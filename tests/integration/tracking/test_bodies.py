"""Bodies as real clients send them: packed, mislabelled, in pieces."""

import codecs
import gzip
import zlib
from collections.abc import AsyncGenerator

import httpx
import orjson
import pytest

from tests.integration.tracking.conftest import Log

EVENT = {"type": "track", "userId": "u1", "event": "E", "messageId": "m1"}
BATCH = orjson.dumps({"batch": [EVENT]})


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "application/json",
        "text/plain",
        "application/x-www-form-urlencoded",
        "text/plain;charset=UTF-8",
        "x",
    ],
)
@pytest.mark.parametrize("packed", [False, True])
async def test_the_content_type_does_not_matter(
    client: httpx.AsyncClient, log: Log, content_type: str | None, packed: bool
) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    if packed:
        headers["Content-Encoding"] = "gzip"
    reply = await client.post("/v1/batch", content=gzip.compress(BATCH) if packed else BATCH, headers=headers)
    assert (reply.status_code, reply.content) == (200, b'{"success":true}')
    assert await log.items() == [EVENT]


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(BATCH), "GZIP"),
        (gzip.compress(BATCH), None),
        (gzip.compress(BATCH), "x-gzip"),
        (gzip.compress(BATCH[:9]) + gzip.compress(BATCH[9:]), "gzip"),
        (gzip.compress(codecs.BOM_UTF8 + BATCH), "gzip"),
        (zlib.compress(BATCH), "deflate"),
        (zlib.compress(BATCH, wbits=-15), "deflate"),
        (BATCH, "identity"),
        (BATCH, ""),
        (BATCH, "utf-8"),
        (codecs.BOM_UTF8 + BATCH, None),
    ],
    ids=[
        "upper case",
        "unlabelled",
        "x-gzip",
        "two members",
        "packed with a mark",
        "deflate",
        "bare deflate",
        "identity",
        "empty",
        "a charset",
        "a byte order mark",
    ],
)
async def test_packed_bodies_are_recognised(
    client: httpx.AsyncClient, log: Log, body: bytes, encoding: str | None
) -> None:
    headers = {"Content-Encoding": encoding} if encoding is not None else {}
    assert (await client.post("/v1/batch", content=body, headers=headers)).status_code == 200
    assert await log.items() == [EVENT]


@pytest.mark.parametrize("digits", ["18446744073709551616", "-9223372036854775809", "1" * 300])
async def test_a_whole_number_that_would_be_rounded_is_refused_and_its_neighbours_are_not(
    client: httpx.AsyncClient, log: Log, digits: str
) -> None:
    exact = {**EVENT, "properties": {"text": digits, "most": 2**64 - 1, "least": -(2**63), "part": 1e30}}
    large = b'{"type":"track","userId":"u1","event":"E","messageId":"m2","properties":{"x":%s}}'
    body = b'{"batch":[%s,%s]}' % (orjson.dumps(exact), large % digits.encode())
    reply = await client.post("/v1/batch", content=body)
    assert reply.status_code == 200
    (error,) = reply.json()["errors"]
    assert (error["index"], error["messageId"], error["code"]) == (1, "m2", "INVALID")
    assert await log.items() == [exact]


async def test_an_unknown_encoding_is_refused(client: httpx.AsyncClient, log: Log) -> None:
    reply = await client.post("/v1/batch", content=b"\x28\xb5\x2f\xfd", headers={"Content-Encoding": "zstd"})
    assert reply.status_code == 400
    assert reply.json() == {
        "code": "INVALID",
        "message": "the body's encoding is unknown: use gzip or none",
    }
    assert await log.items() == []


async def test_a_body_in_pieces_is_put_together(client: httpx.AsyncClient, log: Log) -> None:
    async def pieces() -> AsyncGenerator[bytes]:
        for start in range(0, len(BATCH), 7):
            yield BATCH[start : start + 7]

    assert (await client.post("/v1/batch", content=pieces())).status_code == 200
    assert await log.items() == [EVENT]
