"""Trouble on the way in: too much at once, clients that leave, faults of our own; and what the log file says."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import urlsplit

import httpx
import orjson
import pytest
from structlog.testing import capture_logs

from api.tracking.endpoint import TrackingEndpoint
from oneid.domain.keys import KeyKind
from oneid.services.ingestion import IngestionService, ItemResult
from oneid.services.keys import KeyService
from tests.integration.tracking.conftest import WRITE_KEY, Log
from tests.serving import serving

CALL = {"userId": "u1", "event": "E", "messageId": "m1"}


class Broken(IngestionService):
    """Fails in a way that nobody foresaw."""

    def __init__(self) -> None:
        """Needs nothing."""

    async def accept(self, items: Any, **_: Any) -> list[ItemResult]:
        raise ZeroDivisionError("secret-in-the-message")


@pytest.fixture
async def broken(keys: KeyService) -> AsyncGenerator[httpx.AsyncClient]:
    await keys.ensure(WRITE_KEY, "web", KeyKind.WRITE)
    endpoint = TrackingEndpoint(keys, Broken())
    async with serving(endpoint) as url, httpx.AsyncClient(base_url=url, auth=(WRITE_KEY, "")) as client:
        yield client


async def test_a_fault_of_our_own_is_a_503_that_names_its_log_entry(broken: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        reply = await broken.post("/v1/track", json=CALL)
    assert (reply.status_code, reply.json()["code"]) == (503, "UNAVAILABLE")
    assert reply.headers["retry-after"] == "1"
    assert "secret" not in reply.text
    (fault,) = [entry for entry in logs if entry["log_level"] == "error"]
    assert fault["request_id"] in reply.json()["message"]


async def test_too_many_calls_at_once_are_told_to_wait(
    client: httpx.AsyncClient, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.tracking.endpoint.MAX_IN_FLIGHT", 0)
    reply = await client.post("/v1/track", json=CALL)
    assert (reply.status_code, reply.json()["code"]) == (429, "THROTTLED")
    assert reply.headers["retry-after"] == reply.headers["x-ratelimit-reset"] == "1"
    assert await log.items() == []


@pytest.mark.parametrize("sent", [b"", b'{"userId"'])
async def test_a_body_that_does_not_come_is_a_408_and_gives_its_place_free(
    client: httpx.AsyncClient, url: str, log: Log, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    monkeypatch.setattr("api.guard.READ_SECONDS", 0.2)
    monkeypatch.setattr("api.tracking.endpoint.MAX_IN_FLIGHT", 1)
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(b"POST /v1/track HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + sent)
    await writer.drain()
    async with asyncio.timeout(5):
        head = await reader.readuntil(b"\r\n\r\n")
        body = await reader.readuntil(b"}")
    writer.close()
    assert head.startswith(b"HTTP/1.1 408 ")
    assert orjson.loads(body) == {"code": "TIMEOUT", "message": "the body took too long to arrive"}
    assert (await client.post("/v1/track", json=CALL)).status_code == 200
    assert len(await log.items()) == 1


async def test_a_websocket_on_a_path_for_events_is_turned_away_and_logs_no_fault(
    client: httpx.AsyncClient, url: str, log: Log
) -> None:
    handshake = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    for path in ("/v1/track", "/v1/batch/"):
        assert (await client.get(path, headers=handshake)).status_code == 403
    assert await log.items() == []


async def test_a_client_that_leaves_half_way_leaves_nothing(
    client: httpx.AsyncClient, url: str, log: Log
) -> None:
    parts = urlsplit(url)
    for _ in range(3):
        _, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(b'POST /v1/track HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{"userId"')
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    assert (await client.post("/v1/track", json=CALL)).status_code == 200
    assert len(await log.items()) == 1


async def test_logs_hold_neither_keys_nor_persons(anonymous: httpx.AsyncClient, log: Log) -> None:
    person = {"userId": "u-linnvshi", "traits": {"email": "lin@example.com", "phone": "13800138000"}}
    with capture_logs() as logs:
        for key in (WRITE_KEY, "wrong-key"):
            for body in ({**person, "event": 7}, {**person, "event": "E"}):
                await anonymous.post("/v1/track", json=body, headers={"X-Write-Key": key})
    assert sorted((entry["status"], entry["code"]) for entry in logs) == [
        (400, "INVALID"),
        (401, "UNAUTHENTICATED"),
        (401, "UNAUTHENTICATED"),
    ]
    for secret in (WRITE_KEY, "wrong-key", "linnvshi", "lin@", "138001"):
        assert secret not in repr(logs)
