"""Deleting segments: refused while something names them, and complete."""

from typing import Any

import pytest

from graph.client import Graph
from tests.graphql_api import Api, Fresh
from tests.integration.graphql.test_graphql_segments import created, person
from tests.integration.graphql.test_graphql_transitions import inside, transitions

pytestmark = pytest.mark.usefixtures("consumer")

DELETE = """
mutation Delete($input: DeleteSegmentInput!) {
  deleteSegment(input: $input) { deletedId userErrors { code field message } }
}
"""
SEGMENT = "query S($key: String) { segment(key: $key) { id version count } }"
TAG = "mutation T($input: CreateTagInput!) { createTag(input: $input) { userErrors { code } } }"
KEPT = """
OPTIONAL MATCH (t:SegmentTransition {segment: $id})
WITH count(t) AS transitions
OPTIONAL MATCH (c:Customer) WHERE $id IN c.lists
WITH transitions, count(c) AS listed
OPTIONAL MATCH (s {id: $id})
RETURN transitions, listed, count(s) AS nodes
"""


async def deleted(api: Api, key: str, **given: Any) -> dict[str, Any]:
    payload: dict[str, Any] = (await api(DELETE, input={"id": key, **given}))["deleteSegment"]
    return payload


async def own_id(graph: Graph, key: str) -> str:
    rows = await graph.read("test.segment", "MATCH (s:Segment {key: $key}) RETURN s.id AS id", key=key)
    return str(rows[0]["id"])


async def test_a_segment_that_is_deleted_leaves_nothing_and_nobody_leaves_it(
    api: Api, fresh: Fresh, name: str, graph: Graph
) -> None:
    segment = await created(api, fresh("bought"), rule={"event": {"name": name}})
    id_ = await own_id(graph, segment["key"])
    other = await created(api, fresh("other"), rule={"event": {"name": name}})
    one_id = await person(api, fresh, {"event": name})
    assert (await transitions(api, segment["id"]))["totalCount"] == 1

    payload = await deleted(api, segment["key"])

    assert payload == {"deletedId": segment["id"], "userErrors": []}
    assert (await api(SEGMENT, key=segment["key"]))["segment"] is None
    assert await inside(api, one_id) == [other["key"]]
    await person(api, fresh, {"event": name})
    assert await graph.read("test.kept", KEPT, id=id_) == [{"transitions": 0, "listed": 0, "nodes": 0}]
    assert (await transitions(api, other["id"]))["totalCount"] == 2


async def test_a_list_that_is_deleted_is_taken_from_its_members(
    api: Api, fresh: Fresh, name: str, graph: Graph
) -> None:
    people = [await person(api, fresh) for _ in range(3)]
    segment = await created(api, fresh("list"), members=[{"oneId": one_id} for one_id in people])
    id_ = await own_id(graph, segment["key"])

    assert (await deleted(api, segment["id"]))["userErrors"] == []

    assert await graph.read("test.kept", KEPT, id=id_) == [{"transitions": 0, "listed": 0, "nodes": 0}]
    again = await created(api, segment["key"])
    assert (again["count"], again["version"]) == (0, 1)


async def test_a_segment_that_rules_name_stays_and_the_refusal_says_whose(
    api: Api, fresh: Fresh, name: str
) -> None:
    segment = await created(api, fresh("base"), rule={"event": {"name": name}})
    not_in_it = {"all": [{"event": {"name": name}}, {"not": {"segment": segment["key"]}}]}
    by_key = await created(api, fresh("by-key"), rule=not_in_it)
    await created(api, fresh("by-id"), rule={"any": [{"segment": segment["id"]}]})
    tag = await api(TAG, input={"name": fresh("tag"), "rule": {"segment": segment["key"]}})
    assert tag["createTag"]["userErrors"] == []

    payload = await deleted(api, segment["key"])

    (error,) = payload["userErrors"]
    assert (payload["deletedId"], error["code"], error["field"]) == (None, "CONFLICT", ["id"])
    assert by_key["name"] in error["message"]
    assert error["message"].count(",") == 2
    assert (await api(SEGMENT, key=segment["key"]))["segment"] == {
        "id": segment["id"],
        "version": 1,
        "count": 0,
    }
    assert await created(api, fresh("more"), rule={"segment": segment["key"]})


async def test_an_unknown_segment_and_another_version_are_refused(api: Api, fresh: Fresh, name: str) -> None:
    segment = await created(api, fresh("s"), rule={"event": {"name": name}})

    unknown = await deleted(api, "no-such-segment")
    stale = await deleted(api, segment["key"], expectedVersion=2)

    assert [e["code"] for e in unknown["userErrors"]] == ["NOT_FOUND"]
    assert [(e["code"], e["field"]) for e in stale["userErrors"]] == [
        ("VERSION_CONFLICT", ["expectedVersion"])
    ]
    assert (await api(SEGMENT, key=segment["key"]))["segment"]["version"] == 1
