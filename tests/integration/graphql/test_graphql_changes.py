"""The change feed, over WebSocket and server-sent events."""

import asyncio
import itertools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from graph.client import Graph
from graph.decision_pages import DecisionPages
from graph.decisions import DecisionLog
from oneid.services.changes import ChangeFeed, ChangeReader, DecisionSource, Position
from oneid.services.keys import KeyService
from tests.graphql_api import Api, CallAs, Fresh
from tests.graphql_socket import Socket, connect

CHANGES = """
subscription Changes($types: [String!], $after: String) {
  changes(types: $types, after: $after) {
    id cursor type at oneId mergedOneIds customer { oneId formerOneIds identifiers { value } }
  }
}
"""

MERGE = """
mutation Merge($into: String!, $from: String!) {
  mergeCustomers(input: { into: { oneId: $into }, from: [{ oneId: $from }] }) { userErrors { message } }
}
"""


async def merge(api: Api, into: str, source: str) -> None:
    assert (await api(MERGE, **{"into": into, "from": source}))["mergeCustomers"]["userErrors"] == []


@asynccontextmanager
async def following(url: str, api: Api, **variables: Any) -> AsyncGenerator[Socket]:
    """A socket on which the subscription `s` has started."""
    async with connect(url, api.headers["Authorization"]) as socket:
        await socket.subscribe("s", CHANGES, **variables)
        # The protocol does not say that a subscription has started; a query behind it does.
        await socket.run("{ clock { now } }")
        await asyncio.sleep(0.3)
        yield socket


async def test_creations_and_merges_arrive_in_order_with_the_customer_as_it_is(
    url: str, api: Api, fresh: Fresh
) -> None:
    async with following(url, api) as socket:
        value = fresh("u")
        one, two = await api.upsert(user_id=value), await api.upsert(user_id=fresh("u"))
        first, second = [await socket.change("s") for _ in range(2)]
        assert (first["type"], first["oneId"], first["mergedOneIds"]) == ("CUSTOMER_CREATED", one, [])
        assert first["customer"] == {"oneId": one, "formerOneIds": [], "identifiers": [{"value": value}]}
        assert second["oneId"] == two
        await merge(api, one, two)
        third = await socket.change("s")
        assert (third["type"], third["oneId"], third["mergedOneIds"]) == ("CUSTOMER_MERGED", one, [two])
        assert third["customer"]["formerOneIds"] == [two]


async def test_a_consumer_goes_on_behind_its_cursor_without_gap_or_double(
    url: str, api: Api, fresh: Fresh
) -> None:
    async with following(url, api) as socket:
        made = [await api.upsert(user_id=fresh("u")) for _ in range(5)]
        seen = [await socket.change("s") for _ in range(2)]
    made.append(await api.upsert(user_id=fresh("u")))
    for start in range(2):
        async with following(url, api, after=seen[start]["cursor"]) as socket:
            rest = [(await socket.change("s"))["oneId"] for _ in range(len(made) - start - 1)]
            assert rest == made[start + 1 :]
            await socket.silence(0.5)


async def test_only_the_types_asked_for_arrive(url: str, api: Api, fresh: Fresh) -> None:
    async with following(url, api, types=["CUSTOMER_MERGED"]) as socket:
        one, two = await api.upsert(user_id=fresh("u")), await api.upsert(user_id=fresh("u"))
        await merge(api, one, two)
        assert (await socket.change("s"))["type"] == "CUSTOMER_MERGED"


@pytest.mark.parametrize("variables", [{"types": ["NOTHING"]}, {"after": "x"}, {"after": "WyJldmVudCIsMV0"}])
async def test_what_cannot_be_followed_is_said(url: str, api: Api, variables: dict[str, Any]) -> None:
    async with connect(url, api.headers["Authorization"]) as socket:
        await socket.subscribe("s", CHANGES, **variables)
        message = await socket.receive()
        (error,) = message["payload"]["errors"]
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert (await socket.receive())["type"] == "complete"


async def test_server_sent_events_carry_the_same(url: str, api: Api, fresh: Fresh) -> None:
    async with following(url, api) as socket:
        await api.upsert(user_id=fresh("u"))
        cursor = (await socket.change("s"))["cursor"]
    made = [await api.upsert(user_id=fresh("u")) for _ in range(3)]
    body = {"query": CHANGES, "variables": {"after": cursor}}
    headers = api.headers | {"Accept": "text/event-stream"}
    async with api.client.stream("POST", "/graphql", json=body, headers=headers) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        lines = (line async for line in answer.aiter_lines() if line.startswith("data: {"))
        seen = [orjson.loads((await anext(lines))[6:])["data"]["changes"]["oneId"] for _ in made]
    assert seen == made


async def test_a_query_over_server_sent_events_is_one_event_and_the_end(api: Api) -> None:
    body = {"query": "{ clock { offsetSeconds } }"}
    headers = api.headers | {"Accept": "text/event-stream"}
    answer = await api.client.post("/graphql", json=body, headers=headers)
    events = [line for line in answer.text.splitlines() if line.startswith("event:")]
    assert events == ["event: next", "event: complete"]


async def test_a_stream_without_the_scope_is_refused(call_as: CallAs) -> None:
    caller = await call_as("ingest:write")
    headers = caller.headers | {"Accept": "text/event-stream"}
    answer = await caller.client.post("/graphql", json={"query": CHANGES}, headers=headers)
    assert '"code":"FORBIDDEN"' in answer.text


async def test_a_stream_ends_when_its_key_is_revoked(call_as: CallAs, keys: KeyService) -> None:
    caller = await call_as("customers:read")
    headers = caller.headers | {"Accept": "text/event-stream"}
    async with caller.client.stream("POST", "/graphql", json={"query": CHANGES}, headers=headers) as answer:
        await keys.revoke(caller.headers["Authorization"].split("_")[2])
        text = "".join([part async for part in answer.aiter_text()])
    assert '"code":"UNAUTHENTICATED"' in text
    assert "event: complete" in text


class Writer:
    """Writes decisions of given sequences, as transactions that commit in another order would."""

    def __init__(self, graph: Graph, run: str) -> None:
        self.graph = graph
        self.run = run
        self._numbers = itertools.count()

    async def commit(self, at: int) -> str:
        id_ = f"{self.run}-{next(self._numbers)}"
        row = {
            "id": id_,
            "seq": at,
            "kind": "CREATED",
            "at": "2026-01-01T00:00:00.000Z",
            "ruleVersion": 1,
            "oneId": id_,
            "mergedOneIds": [],
            "kept": [],
            "dropped": [],
            "manual": False,
        }
        await self.graph.write("test.decision", "CREATE (d:Decision) SET d = $row", row=row)
        return id_


@pytest.fixture
async def writer(graph: Graph, fresh: Fresh) -> AsyncGenerator[Writer]:
    """A writer whose decisions lie in a future that nothing else reaches, and are gone at the end."""
    run = fresh("d")
    yield Writer(graph, run)
    await graph.write("test.decisions", "MATCH (d:Decision) WHERE d.id STARTS WITH $run DELETE d", run=run)


FUTURE = 4_000_000_000_000_000_000
SECOND = 1_000_000_000


async def ids(reader: ChangeReader) -> list[str]:
    return [decision.id async for _, decision in reader.poll()]


async def positions(reader: ChangeReader) -> list[Position]:
    return [position async for position, _ in reader.poll()]


@pytest.fixture
def feed(graph: Graph) -> ChangeFeed:
    return ChangeFeed(DecisionSource(DecisionLog(graph), DecisionPages(graph)))


async def test_a_decision_that_commits_late_is_still_delivered_once(feed: ChangeFeed, writer: Writer) -> None:
    reader = await feed.open(Position(FUTURE, 0))
    early = await writer.commit(FUTURE + 2 * SECOND)
    assert await ids(reader) == [early]
    late = await writer.commit(FUTURE + SECOND)
    assert await ids(reader) == [late]
    assert await ids(reader) == []


async def test_a_position_goes_on_exactly_when_nothing_came_late(feed: ChangeFeed, writer: Writer) -> None:
    reader = await feed.open(Position(FUTURE, 0))
    await writer.commit(FUTURE + 1)
    await writer.commit(FUTURE + 2)
    first, second = await positions(reader)
    third = await writer.commit(FUTURE + 3)
    assert await ids(await feed.open(second)) == [third]
    assert len(await ids(await feed.open(first))) == 2


async def test_what_came_late_while_nobody_listened_is_delivered_after_resuming(
    feed: ChangeFeed, writer: Writer
) -> None:
    reader = await feed.open(Position(FUTURE, 0))
    early = await writer.commit(FUTURE + 2 * SECOND)
    (position,) = await positions(reader)
    late = await writer.commit(FUTURE + SECOND)
    assert await ids(await feed.open(position)) == [late, early], "at least once, never less"


async def test_more_than_a_page_of_changes_arrives_whole(
    feed: ChangeFeed, graph: Graph, writer: Writer
) -> None:
    rows = [
        {
            "id": f"{writer.run}-many-{n}",
            "seq": FUTURE + n,
            "kind": "CREATED",
            "at": "2026-01-01T00:00:00.000Z",
            "ruleVersion": 1,
            "oneId": "x",
            "mergedOneIds": [],
            "kept": [],
            "dropped": [],
            "manual": False,
        }
        for n in range(1, 1201)
    ]
    await graph.write("test.many", "UNWIND $rows AS row CREATE (d:Decision) SET d = row", rows=rows)
    reader = await feed.open(Position(FUTURE, 0))
    assert await ids(reader) == [row["id"] for row in rows]
    assert await ids(reader) == []
