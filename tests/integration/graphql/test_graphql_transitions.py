"""Who entered and left segments, over GraphQL: asked for, and as it happens."""

from typing import Any

import pytest

from tests.graphql_api import Api, Fresh
from tests.graphql_socket import connect
from tests.integration.graphql.test_graphql_segments import created, person

pytestmark = pytest.mark.usefixtures("consumer")

TRANSITIONS = """
query Transitions($id: ID!, $since: DateTime, $first: Int, $after: String) {
  segment(id: $id) {
    transitions(since: $since, first: $first, after: $after) {
      totalCount nodes { kind oneId customer { oneId } } pageInfo { hasNextPage endCursor }
    }
  }
}
"""
INSIDE = "query Inside($by: CustomerLookup!) { customer(by: $by) { segments { key kind } } }"
CHANGES = """
subscription Changes($types: [String!]) {
  changes(types: $types) { type oneId segment { key } mergedOneIds }
}
"""


async def transitions(api: Api, id_: str, **page: Any) -> dict[str, Any]:
    found: dict[str, Any] = (await api(TRANSITIONS, id=id_, **page))["segment"]["transitions"]
    return found


async def inside(api: Api, one_id: str) -> list[str]:
    found = (await api(INSIDE, by={"oneId": one_id}))["customer"]["segments"]
    return [segment["key"] for segment in found]


async def test_whoever_an_event_brings_in_has_entered_when_it_is_indexed(
    api: Api, fresh: Fresh, name: str
) -> None:
    segment = await created(api, fresh("bought"), rule={"event": {"name": name}})
    first, second = [await person(api, fresh, {"event": name}) for _ in range(2)]

    page = await transitions(api, segment["id"], first=1)
    assert page["totalCount"] == 2
    assert page["nodes"] == [{"kind": "ENTERED", "oneId": first, "customer": {"oneId": first}}]
    assert page["pageInfo"]["hasNextPage"]
    rest = await transitions(api, segment["id"], after=page["pageInfo"]["endCursor"])
    assert [(one["kind"], one["oneId"]) for one in rest["nodes"]] == [("ENTERED", second)]
    later = await transitions(api, segment["id"], since="2999-01-01T00:00:00Z")
    assert (later["totalCount"], later["nodes"]) == (0, [])


async def test_a_customer_tells_its_segments_rules_and_lists(api: Api, fresh: Fresh, name: str) -> None:
    one_id = await person(api, fresh, {"event": name})
    other = await person(api, fresh)
    rule, listed = f"a-{fresh('rule')}", f"b-{fresh('list')}"
    await created(api, rule, rule={"event": {"name": name}})
    await created(api, listed, members=[{"oneId": one_id}, {"oneId": other}])

    assert await inside(api, one_id) == [rule, listed]
    assert await inside(api, other) == [listed]


async def test_entering_is_told_to_whoever_follows_the_changes(
    url: str, api: Api, fresh: Fresh, name: str
) -> None:
    key = fresh("followed")
    await created(api, key, rule={"event": {"name": name}})
    async with connect(url, api.headers["Authorization"]) as socket:
        await socket.subscribe("s", CHANGES, types=["SEGMENT_ENTERED", "SEGMENT_LEFT"])
        await socket.run("{ clock { now } }")
        one_id = await person(api, fresh, {"event": name})

        change = await socket.change("s")

    assert change == {"type": "SEGMENT_ENTERED", "oneId": one_id, "segment": {"key": key}, "mergedOneIds": []}
