"""Browser libraries in a page (by jsdom): configuration, one call of each type, and an order that is not kept."""

import asyncio
from itertools import permutations
from typing import Any

import httpx
import pytest

from graph.client import Graph
from tests.e2e.sdks.checks import check_one_customer, check_visit
from tests.e2e.sdks.conftest import NODE, Events, Source, open_page
from tests.lossy import losing

CLIENTS = {
    "segment_browser": ["alias", "group", "identify", "page", "screen", "track"],
    "rudder_browser": ["alias", "group", "identify", "page", "track"],
    "jitsu_browser": ["group", "identify", "page", "track"],
}
"""The types that each library has."""


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("segment_browser", []),
        ("segment_browser", ["batching"]),
        ("rudder_browser", []),
        ("rudder_browser", ["beacon"]),
        ("jitsu_browser", []),
    ],
)
async def test_a_browsers_client_delivers_each_type(
    page_node: str, url: str, source: Source, events: Events, graph: Graph, name: str, options: list[str]
) -> None:
    command = [page_node, str(NODE / f"{name}.mjs"), url, source.key, source.who, *options]
    async with open_page(*command):
        stored = await events.all_of(source, len(CLIENTS[name]))
    assert [event["type"] for event in stored] == CLIENTS[name]
    check_visit(stored, source.who)
    await check_one_customer(graph, f"anonymous_id:{source.who}-a1", f"user_id:{source.who}-u1")


async def test_a_browsers_client_whose_answer_is_lost_sends_again_and_is_stored_once(
    page_node: str, url: str, source: Source, events: Events
) -> None:
    async with losing(url, spare=1) as proxy:  # the library's configuration comes
        command = [page_node, str(NODE / "segment_browser.mjs"), proxy.url, source.key, source.who]
        async with open_page(*command):
            stored = await events.all_of(source, 6)
        assert proxy.lost == 1
    check_visit(stored, source.who)


def visit(who: str) -> list[dict[str, Any]]:
    """Page, sign-in and order of one visitor, as a browser sends them at once."""
    known = {"anonymousId": f"{who}-a1", "userId": f"{who}-u1"}
    return [
        {"type": "page", "anonymousId": f"{who}-a1", "name": "Home", "timestamp": "2026-01-01T00:00:00Z"},
        {"type": "identify", **known, "traits": {"city": "上海"}, "timestamp": "2026-01-01T00:00:01Z"},
        {"type": "track", "userId": f"{who}-u1", "event": "Order", "timestamp": "2026-01-01T00:00:02Z"},
    ]


async def test_calls_that_arrive_in_any_order_make_one_customer(
    url: str, source: Source, events: Events, graph: Graph
) -> None:
    orders = [
        [
            {**visit(f"{source.who}-{number}")[place], "messageId": f"{source.who}-{number}-{place}"}
            for place in order
        ]
        for number, order in enumerate(permutations(range(3)))
    ]
    async with httpx.AsyncClient(base_url=url, auth=(source.key, "")) as client:

        async def send(call: dict[str, Any]) -> int:
            return (await client.post(f"/v1/{call['type']}", json=call)).status_code

        async def one_by_one(calls: list[dict[str, Any]]) -> list[int]:
            return [await send(call) for call in calls]

        async with asyncio.TaskGroup() as tasks:
            sent = [tasks.create_task(one_by_one(calls)) for calls in orders]
    assert [task.result() for task in sent] == [[200] * 3] * 6
    stored = await events.of(source)
    assert sorted(event["messageId"] for event in stored) == sorted(
        call["messageId"] for calls in orders for call in calls
    )
    for number in range(len(orders)):
        who = f"{source.who}-{number}"
        await check_one_customer(graph, f"anonymous_id:{who}-a1", f"user_id:{who}-u1")


async def test_calls_in_parallel_make_one_customer(
    url: str, source: Source, events: Events, graph: Graph
) -> None:
    visitors = [f"{source.who}-{number}" for number in range(10)]
    async with httpx.AsyncClient(base_url=url, auth=(source.key, "")) as client:
        calls = [client.post(f"/v1/{call['type']}", json=call) for who in visitors for call in visit(who)]
        replies = await asyncio.gather(*calls)
    assert {reply.status_code for reply in replies} == {200}
    assert len(await events.of(source)) == len(calls)
    for who in visitors:
        await check_one_customer(graph, f"anonymous_id:{who}-a1", f"user_id:{who}-u1")
