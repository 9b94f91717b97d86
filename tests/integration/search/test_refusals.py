"""What the server itself answers to writes that cannot be, beside those that can."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from search.bulk import Operation, bulk
from search.client import Search
from search.events import EventIndex
from search.indexes import IndexNames
from tests.integration.search.factories import event


async def test_one_refused_item_leaves_the_others_alone(
    search: Search, names: IndexNames, events: EventIndex
) -> None:
    await events.store([event("there")])
    operations = [
        Operation("index", {"_id": "good"}, b'{"messageId":"good"}'),
        Operation("index", {"_id": "bad"}, b'{"unheard":"of"}'),
        Operation("index", {"_id": "late"}, b'{"timestamp":"not a time"}'),
        Operation("delete", {"_id": "absent"}),
        Operation("delete", {"_id": "there", "routing": "c1", "if_seq_no": 99, "if_primary_term": 1}),
    ]

    outcomes = await bulk(search, names.events, operations)

    assert [outcome.status for outcome in outcomes] == [201, 400, 400, 404, 409]
    assert [outcome.reason is None for outcome in outcomes] == [True, False, False, True, True]
    assert "unheard" in (outcomes[1].reason or "")
    await events.refresh()
    assert sorted(await events.get(["there"])) == ["there"]


NOBODY = "index.routing.allocation.require._name"
BLOCK = "index.blocks.read_only_allow_delete"


@pytest.fixture
async def troubled(search: Search) -> AsyncIterator[None]:
    """Indexes of which one is well, one takes no writes because the disk is full, and one has no node to lie on."""
    settings: dict[str, dict[str, Any]] = {"well": {}, "full": {}, "away": {NOBODY: "nobody"}}
    mappings = {"dynamic": "strict", "properties": {"name": {"type": "keyword"}}}
    for name, given in settings.items():
        index = {"settings": {"number_of_replicas": 0, **given}, "mappings": mappings}
        body = {**index, "aliases": {f"trouble-{name}": {}}}
        await search.request("DELETE", f"/trouble-{name}-1", ignore=(404,))
        await search.request("PUT", f"/trouble-{name}-1", body, params={"wait_for_active_shards": 0})
    await search.request("PUT", "/trouble-full/_settings", {BLOCK: True})
    yield
    for name in settings:
        await search.request("DELETE", f"/trouble-{name}-1")


def named(name: str, body: bytes = b'{"name":"x"}') -> Operation:
    return Operation("index", {"_index": f"trouble-{name}", "_id": f"{name}-{len(body)}"}, body)


async def test_items_that_the_server_is_too_busy_for_go_through_when_it_is_not_any_more_and_refused_ones_do_not(
    search: Search, troubled: None
) -> None:
    """F20: 429, 503 and 400 beside what is taken."""
    wrong = b'{"unheard":"of"}'
    operations = [named("well"), named("full"), named("away"), named("well", wrong)]
    body = b"".join(operation.encoded() for operation in operations)
    first = await search.request("POST", "/_bulk", body, params={"require_alias": True, "timeout": "200ms"})
    assert [item["index"]["status"] for item in first["items"]] == [201, 429, 503, 400]

    writing = asyncio.create_task(bulk(search, "trouble-well", operations))
    await asyncio.sleep(1)
    assert not writing.done()
    await search.request("PUT", "/trouble-full/_settings", {BLOCK: None})
    await search.request("PUT", "/trouble-away/_settings", {NOBODY: None})
    outcomes = await writing

    assert [outcome.status for outcome in outcomes] == [200, 201, 201, 400]
    assert [bool(outcome.reason) for outcome in outcomes] == [False, False, False, True]
    await search.request("POST", "/trouble-*/_refresh")
    counted = await search.request("GET", "/trouble-*/_count", orjson.dumps({"query": {"match_all": {}}}))
    assert counted["count"] == 3
