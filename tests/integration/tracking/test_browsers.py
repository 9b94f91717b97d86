"""What browser libraries need before and around their events."""

import httpx
import pytest

from tests.integration.tracking.conftest import WRITE_KEY, Log

ORIGIN = {"Origin": "https://shop.example"}
CALL = {"userId": "u1", "event": "E"}
ASKED = ("authorization", "content-type", "x-retry-count", "anonymousid", "sentat", "x-write-key")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/track",
        "/v1/t",
        "/v1/batch/",
        "/api/s/page",
        f"/v1/projects/{WRITE_KEY}/settings",
        "/sourceConfig/",
    ],
)
async def test_a_preflight_allows_what_the_clients_send(anonymous: httpx.AsyncClient, path: str) -> None:
    wanted = {**ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-own"}
    reply = await anonymous.options(path, headers=wanted)
    assert (reply.status_code, reply.content) == (200, b"")
    assert reply.headers["access-control-allow-origin"] == "https://shop.example"
    assert reply.headers["access-control-max-age"] == "900"
    assert "POST" in reply.headers["access-control-allow-methods"]
    allowed = reply.headers["access-control-allow-headers"].split(", ")
    assert set(allowed) >= {*ASKED, "x-own"}


async def test_a_page_may_read_its_answers_good_and_bad(client: httpx.AsyncClient) -> None:
    for body, status in ((CALL, 200), ({}, 400)):
        reply = await client.post("/v1/track", json=body, headers=ORIGIN)
        assert reply.status_code == status
        assert reply.headers["access-control-allow-origin"] == "https://shop.example"
        assert reply.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/track", b"{}", 401),
        ("POST", "/v1/trick", b"{}", 404),
        ("GET", "/v1/track", b"", 405),
        ("POST", "/sourceConfig/", b"", 405),
        ("POST", "/v1/track", b" " * 512_001, 413),
    ],
)
async def test_a_page_may_read_every_refusal(
    anonymous: httpx.AsyncClient, method: str, path: str, body: bytes, status: int
) -> None:
    reply = await anonymous.request(method, path, content=body, headers=ORIGIN)
    assert reply.status_code == status
    check_readable(reply)


async def test_a_page_may_read_when_to_come_back(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.tracking.endpoint.MAX_IN_FLIGHT", 0)
    reply = await client.post("/v1/track", json=CALL, headers=ORIGIN)
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "1")
    check_readable(reply)


def check_readable(reply: httpx.Response) -> None:
    assert reply.headers["access-control-allow-origin"] == "https://shop.example"
    assert reply.headers["access-control-expose-headers"] == "retry-after, x-ratelimit-reset"
    assert reply.json().keys() == {"code", "message"}


async def test_a_client_that_is_no_browser_gets_no_cors_headers(client: httpx.AsyncClient) -> None:
    reply = await client.post("/v1/track", json=CALL)
    assert not [name for name in reply.headers if name.startswith("access-control")]


@pytest.mark.parametrize("end", ["", "/"])
async def test_segments_library_gets_its_settings(anonymous: httpx.AsyncClient, log: Log, end: str) -> None:
    reply = await anonymous.get(f"/v1/projects/{WRITE_KEY}/settings{end}", headers=ORIGIN)
    assert reply.status_code == 200
    assert reply.headers["access-control-allow-origin"] == "https://shop.example"
    assert reply.json() == {
        "integrations": {"Segment.io": {"apiKey": WRITE_KEY}},
        "plan": {"track": {"__default": {"enabled": True}}},
    }


@pytest.mark.parametrize("end", ["", "/"])
async def test_rudderstacks_library_gets_its_source(anonymous: httpx.AsyncClient, log: Log, end: str) -> None:
    reply = await anonymous.get(f"/sourceConfig{end}?p=npm&v=3.34.1&writeKey={WRITE_KEY}", headers=ORIGIN)
    assert reply.status_code == 200
    assert reply.headers["access-control-allow-origin"] == "https://shop.example"
    source = reply.json()["source"]
    assert (source["writeKey"], source["enabled"], source["destinations"]) == (WRITE_KEY, True, [])
    assert source["config"]["statsCollection"] == {
        "errors": {"enabled": False},
        "metrics": {"enabled": False},
    }
