"""Who entered and left segments, over GraphQL: asked for, and as it happens."""

from typing import Any

import pytest

from tests.graphql_api import Api, Fresh
from tests.graphql_socket import connect
from tests.integration.graphql.test_graphql_computed import DEFINE as ATTRIBUTE
from tests.integration.graphql.test_graphql_lifecycles import defined, happened, stage
from tests.integration.graphql.test_graphql_segments import created, in_it, person
from tests.integration.graphql.test_graphql_tags import CREATE as CREATE_TAG
from tests.integration.graphql.test_graphql_tags import UPDATE as UPDATE_TAG

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


async def outcome(api: Api, segment: dict[str, Any]) -> tuple[set[str], int]:
    """Who is in a segment, and how often somebody has entered or left it."""
    query = "query S($key: String) { segment(key: $key) { members { nodes { oneId } } } }"
    found = (await api(query, key=segment["key"]))["segment"]
    return in_it(found), (await transitions(api, segment["id"]))["totalCount"]


async def test_nobody_enters_a_segment_because_a_stage_is_defined_anew(
    api: Api, fresh: Fresh, name: str
) -> None:
    def bought(least: int) -> dict[str, Any]:
        sum_ = {"property": "amount", "op": "GTE", "value": least}
        return {"event": {"name": name, "sum": sum_}}

    stages = stage("seen", happened(f"{name}_seen")), stage("rich", bought(300))
    await defined(api, name, *stages)
    rich = {"stage": {"lifecycle": name, "stage": "rich"}}
    other = f"{name}_other"
    await defined(api, other, stage("a", rich), stage("b", happened(f"{name}_b")))
    told = [
        await created(api, fresh("s"), rule=rich),
        await created(api, fresh("s"), rule={"stage": {"lifecycle": other, "stage": "a"}}),
    ]
    within = await created(
        api, fresh("s"), rule={"all": [happened(name), {"not": {"segment": told[1]["key"]}}]}
    )
    order = {"event": name, "properties": {"amount": 200}}
    one_id = await person(api, fresh, order)
    assert [await outcome(api, one) for one in told] == [(set(), 0)] * 2
    before = (await outcome(api, within))[1]

    await defined(api, name, stages[0], stage("rich", bought(150)))

    assert [await outcome(api, one) for one in told] == [({one_id}, 0)] * 2
    inside, count = await outcome(api, within)
    assert (one_id in inside, count) == (False, before)
    another = await person(api, fresh, order)
    assert [await outcome(api, one) for one in told] == [({one_id, another}, 1)] * 2


async def test_nobody_leaves_a_segment_because_an_attribute_is_computed_in_another_way(
    api: Api, fresh: Fresh, name: str
) -> None:
    async def computed(**given: Any) -> None:
        told = {"key": name, "type": "NUMBER", "computed": {"event": {"name": name}, **given}}
        assert (await api(ATTRIBUTE, input=told))["defineAttribute"]["userErrors"] == []

    await computed(aggregate="SUM", property="amount")
    model = {"kind": "LOGISTIC", "intercept": -300, "coefficients": {name: 1}}
    tag = (await api(CREATE_TAG, input={"name": name, "model": {"definition": model, "least": 0.5}}))[
        "createTag"
    ]
    rich = {"attribute": {"key": name, "op": "GTE", "value": 300}}
    told = [
        await created(api, fresh("s"), rule=rich),
        await created(api, fresh("s"), rule={"tag": {"tag": tag["tag"]["path"]}}),
    ]
    order = {"event": name, "properties": {"amount": 400}}
    one_id = await person(api, fresh, order)
    assert [await outcome(api, one) for one in told] == [({one_id}, 1)] * 2

    await computed(aggregate="COUNT")

    assert [await outcome(api, one) for one in told] == [(set(), 1)] * 2
    await computed(aggregate="SUM", property="amount")
    another = await person(api, fresh, order)
    assert [await outcome(api, one) for one in told] == [({one_id, another}, 2)] * 2


async def test_nobody_enters_a_segment_because_a_tag_is_computed_in_another_way(
    api: Api, fresh: Fresh, name: str
) -> None:
    await api(ATTRIBUTE, input={"key": name, "type": "NUMBER"})
    held = f"has(attributes.{name}) && attributes.{name}"
    tag = (await api(CREATE_TAG, input={"name": name, "expression": f"{held} > 9"}))["createTag"]["tag"]
    segment = await created(api, fresh("s"), rule={"tag": {"tag": tag["path"]}})
    one_id = await person(api, fresh, **{name: 5})

    await api(UPDATE_TAG, input={"tag": tag["id"], "expression": f"{held} > 1"})

    assert await outcome(api, segment) == ({one_id}, 0)
