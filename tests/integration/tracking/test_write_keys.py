"""The key: wherever a client puts it, and refused when it is not right."""

import asyncio
import base64

import httpx
import pytest

from oneid.domain.keys import KeyKind
from oneid.services.keys import KeyService
from tests.integration.tracking.conftest import WRITE_KEY, Log

CALL = {"userId": "u1", "event": "E"}


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize(
    "headers",
    [
        basic(f"{WRITE_KEY}:"),
        basic(WRITE_KEY),
        {"Authorization": f"Bearer {WRITE_KEY}"},
        {"X-Write-Key": WRITE_KEY},
        {"X-Write-Key": f"kid:{WRITE_KEY}"},
        {"X-Write-Key": WRITE_KEY, **basic("other:")},
    ],
)
async def test_a_key_in_a_header_is_accepted(
    anonymous: httpx.AsyncClient, log: Log, headers: dict[str, str]
) -> None:
    reply = await anonymous.post("/v1/track", json=CALL, headers=headers)
    assert reply.status_code == 200
    assert len(await log.items()) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer an-oauth-token"},
        {"Authorization": "Basic \u00ff\u00fe"},
    ],
)
async def test_a_key_in_the_body_is_accepted_and_not_stored(
    anonymous: httpx.AsyncClient, log: Log, headers: dict[str, str]
) -> None:
    single = {**CALL, "writeKey": WRITE_KEY}
    batch = {"batch": [{**CALL, "type": "track", "writeKey": WRITE_KEY}], "writeKey": WRITE_KEY}
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    for path, body in (("/v1/track", single), ("/v1/batch", batch)):
        assert (await anonymous.post(path, json=body, headers=raw)).status_code == 200
    items = await log.items()
    assert len(items) == 2
    assert all("writeKey" not in item for item in items)


async def test_a_masked_key_in_the_body_does_not_spoil_the_header(
    anonymous: httpx.AsyncClient, keys: KeyService
) -> None:
    head, _, secret = (await keys.create("jitsu", KeyKind.WRITE)).rpartition("_")
    reply = await anonymous.post(
        "/api/s/track", json={**CALL, "writeKey": f"{head}:***"}, headers={"X-Write-Key": f"{head}:{secret}"}
    )
    assert reply.status_code == 200


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        ({}, {}),
        (basic("wrong:"), {}),
        ({"X-Write-Key": "wrong"}, {}),
        ({"Authorization": "Bearer wrong"}, {}),
        ({"Authorization": "Basic ***"}, {}),
        ({"Authorization": "Basic"}, {}),
        ({"Authorization": "Basic \u00ff\u00fe"}, {}),
        ({}, {"writeKey": "wrong"}),
        ({}, {"writeKey": 7}),
        ({}, {"writeKey": "wk_live_" + "0" * 16 + "_" + "0" * 64}),
        ({"X-Write-Key": "\u00ff\u00fe"}, {}),
    ],
)
@pytest.mark.parametrize("path", ["/v1/track", "/v1/batch"])
async def test_a_wrong_or_missing_key_is_refused(
    anonymous: httpx.AsyncClient, log: Log, path: str, headers: dict[str, str], fields: dict[str, object]
) -> None:
    body = {**CALL, **fields, "batch": [{**CALL, "type": "track"}]}
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    reply = await anonymous.post(path, json=body, headers=raw)
    assert reply.status_code == 401
    assert reply.json() == {
        "code": "UNAUTHENTICATED",
        "message": "no valid write key: use it as Basic user name, X-Write-Key or writeKey in the body",
    }
    assert "www-authenticate" not in reply.headers
    assert await log.items() == []


async def test_keys_for_other_doors_are_refused(anonymous: httpx.AsyncClient, keys: KeyService) -> None:
    secret = await keys.create("admin", KeyKind.SECRET, {"admin", "ingest:write"})
    public = await keys.create("shop", KeyKind.PUBLISHABLE)
    for key in (secret, public):
        assert (await anonymous.post("/v1/track", json=CALL, headers=basic(f"{key}:"))).status_code == 401


async def test_a_revoked_key_is_refused_within_seconds(
    anonymous: httpx.AsyncClient, log: Log, keys: KeyService
) -> None:
    key = await keys.create("shop", KeyKind.WRITE)
    headers = basic(f"{key}:")
    assert (await anonymous.post("/v1/track", json=CALL, headers=headers)).status_code == 200
    await keys.revoke(key.split("_")[2])
    await wait_for_refusal(anonymous, headers)
    await log.clear()
    assert (await anonymous.post("/v1/track", json=CALL, headers=headers)).status_code == 401
    assert await log.items() == []


async def wait_for_refusal(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    for _ in range(50):
        if (await client.post("/v1/track", json=CALL, headers=headers)).status_code == 401:
            return
        await asyncio.sleep(0.1)
    pytest.fail("a revoked key was accepted for 5 s")
