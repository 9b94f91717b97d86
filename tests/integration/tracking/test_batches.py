"""Batches: one entry in the log, a result for each bad item, good neighbours stored."""

from typing import Any

import httpx
import pytest

from tests.integration.tracking.conftest import Log

BATCH_PATHS = [
    f"{prefix}{name}{end}"
    for prefix in ("/v1/", "/api/s/", "/api/s/s2s/")
    for name in ("batch", "b", "import", "m")
    for end in ("", "/")
]


def event(number: int, **fields: Any) -> dict[str, Any]:
    return {"type": "track", "event": "E", "userId": f"u{number}", "messageId": f"m{number}", **fields}


@pytest.mark.parametrize("path", BATCH_PATHS)
async def test_a_batch_is_one_entry_in_order(client: httpx.AsyncClient, log: Log, path: str) -> None:
    items = [event(n) for n in range(3)]
    reply = await client.post(path, json={"batch": items, "sentAt": "2026-01-01T00:00:00Z"})
    assert (reply.status_code, reply.content) == (200, b'{"success":true}')
    (envelope,) = await log.envelopes()
    assert envelope["items"] == items
    assert envelope["sentAt"] == "2026-01-01T00:00:00Z"


async def test_batch_level_context_and_integrations_reach_each_item_and_the_items_own_win(
    client: httpx.AsyncClient, log: Log
) -> None:
    body = {
        "batch": [event(0), event(1, context={"locale": "zh", "os": {"name": "iOS"}})],
        "context": {"ip": "1.1.1.1", "locale": "de"},
        "integrations": {"All": True},
    }
    assert (await client.post("/v1/import/", json=body)).status_code == 200
    first, second = await log.items()
    assert first["context"] == {"ip": "1.1.1.1", "locale": "de"}
    assert second["context"] == {"ip": "1.1.1.1", "locale": "zh", "os": {"name": "iOS"}}
    assert first["integrations"] == second["integrations"] == {"All": True}


async def test_a_bad_item_is_named_and_its_neighbours_are_stored(client: httpx.AsyncClient, log: Log) -> None:
    bad = {"type": "track", "userId": "u1", "messageId": "bad"}
    reply = await client.post("/v1/batch", json={"batch": [event(0), bad, event(2)]})
    assert reply.status_code == 200
    assert reply.json() == {
        "success": True,
        "errors": [
            {
                "index": 1,
                "messageId": "bad",
                "code": "REQUIRED",
                "field": "event",
                "message": "track needs event",
            }
        ],
    }
    assert [item["messageId"] for item in await log.items()] == ["m0", "m2"]


async def test_an_oversize_item_does_not_hold_its_neighbours_up(client: httpx.AsyncClient, log: Log) -> None:
    large = event(1, properties={"x": "x" * 33_000})
    reply = await client.post("/v1/batch", json={"batch": [event(0), large, event(2)]})
    assert reply.status_code == 200
    (error,) = reply.json()["errors"]
    assert (error["index"], error["messageId"], error["code"]) == (1, "m1", "TOO_LARGE")
    assert [item["messageId"] for item in await log.items()] == ["m0", "m2"]


async def test_a_batch_of_bad_items_only_is_refused_with_all_reasons(
    client: httpx.AsyncClient, log: Log
) -> None:
    reply = await client.post("/v1/batch", json={"batch": [{"type": "page"}, "x", None, []]})
    assert reply.status_code == 400
    body = reply.json()
    assert body["code"] == "NO_USER_ANON_ID"
    assert [(error["index"], error["code"]) for error in body["errors"]] == [
        (0, "NO_USER_ANON_ID"),
        (1, "INVALID"),
        (2, "INVALID"),
        (3, "INVALID"),
    ]
    assert [error["messageId"] for error in body["errors"]] == [None] * 4
    assert await log.items() == []


async def test_2500_items_pass_and_2501_do_not(client: httpx.AsyncClient, log: Log) -> None:
    items = [{"type": "page", "userId": n} for n in range(2_501)]
    reply = await client.post("/v1/batch", json={"batch": items})
    assert (reply.status_code, reply.json()["code"]) == (413, "TOO_LARGE")
    assert await log.items() == []
    assert (await client.post("/v1/batch", json={"batch": items[:-1]})).status_code == 200
    assert [item["userId"] for item in await log.items()] == list(range(2_500))


async def test_a_context_that_would_blow_the_batch_up_is_refused(client: httpx.AsyncClient, log: Log) -> None:
    items = [{"type": "page", "userId": n} for n in range(500)]
    reply = await client.post("/v1/batch", json={"batch": items, "context": {"x": "x" * 30_000}})
    assert (reply.status_code, reply.json()["code"]) == (413, "TOO_LARGE")
    assert await log.items() == []


async def test_an_oversize_item_alone_is_a_batch_of_bad_items_only(
    client: httpx.AsyncClient, log: Log
) -> None:
    large = event(1, properties={"x": "x" * 33_000})
    reply = await client.post("/v1/batch", json={"batch": [large]})
    assert (reply.status_code, reply.json()["code"]) == (400, "TOO_LARGE")
    (error,) = reply.json()["errors"]
    assert (error["index"], error["messageId"], error["code"]) == (0, "m1", "TOO_LARGE")
    assert await log.items() == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "INVALID"),
        ({"batch": None}, "INVALID"),
        ({"batch": {}}, "INVALID"),
        ({"batch": "x"}, "INVALID"),
        ({"batch": []}, "REQUIRED"),
        ({"batch": [event(0)], "context": [1]}, "INVALID"),
        ({"batch": [event(0)], "integrations": "x"}, "INVALID"),
        ({"batch": [event(0)], "sentAt": "soon"}, "INVALID"),
    ],
)
async def test_a_batch_that_is_none_is_refused_whole(
    client: httpx.AsyncClient, log: Log, body: dict[str, Any], code: str
) -> None:
    reply = await client.post("/v1/batch", json=body)
    assert (reply.status_code, reply.json()["code"]) == (400, code)
    assert await log.items() == []


async def test_the_callers_address_is_taken_for_a_whole_batch(client: httpx.AsyncClient, log: Log) -> None:
    contexts: list[dict[str, Any]] = [{}, {"ip": None}, {"ip": "9.9.9.9"}]
    items = [event(n, context=context) for n, context in enumerate(contexts)]
    await client.post("/v1/batch", json={"batch": items, "context": {"direct": True}})
    assert [item["context"]["ip"] for item in await log.items()] == ["127.0.0.1", "127.0.0.1", "9.9.9.9"]
