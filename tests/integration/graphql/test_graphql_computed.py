"""Computed attributes over GraphQL: at once there, kept up by events and by time, written by nobody."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.graphql_api import UPSERT, Api, Fresh
from tests.integration.graphql.test_graphql_segments import members

pytestmark = pytest.mark.usefixtures("consumer")

DEFINE = """
mutation Define($input: DefineAttributeInput!) {
  defineAttribute(input: $input) { attribute { key } userErrors { code field } }
}
"""
SHOWN = """
query S($id: String!) { customer(by: { oneId: $id }) { attributes { key value source } } }
"""
ADVANCE = "mutation V($by: String!) { advanceClock(input: { by: $by }) { userErrors { code } } }"


async def view(api: Api, user: str, event: str, topic: str, days: float = 0) -> str:
    now = datetime.fromisoformat((await api("{ clock { now } }"))["clock"]["now"])
    item = {"type": "track", "userId": user, "event": event, "properties": {"topic": topic}}
    at = (now - timedelta(days=days)).isoformat()
    (result,) = await api.ingest({**item, "timestamp": at}, wait="INDEXED")
    one_id: str = result["oneId"]
    return one_id


async def shown(api: Api, one_id: str) -> dict[str, tuple[Any, str]]:
    attributes = (await api(SHOWN, id=one_id))["customer"]["attributes"]
    return {one["key"]: (one["value"], one["source"]) for one in attributes}


async def test_an_interest_is_what_was_looked_at_most_and_changes_with_events_and_time(
    api: Api, fresh: Fresh, name: str
) -> None:
    """A03: six views, four of one topic."""
    user = fresh("u")
    for topic in ("精油", "面膜", "精油", "精油", "面膜", "精油"):
        one_id = await view(api, user, name, topic, days=20)
    top, weights, lately = f"{name}_top", f"{name}_weights", f"{name}_lately"
    event = {"name": name}
    for key, type_, computed in (
        (top, "STRING", {"aggregate": "MOST_FREQUENT", "property": "topic"}),
        (weights, "LIST", {"aggregate": "SHARES", "property": "topic"}),
        (lately, "NUMBER", {"aggregate": "COUNT", "lastDays": 30}),
    ):
        given = {"key": key, "type": type_, "computed": {"event": event, **computed}}
        assert (await api(DEFINE, input=given))["defineAttribute"]["userErrors"] == []

    assert await shown(api, one_id) == {
        top: ("精油", "computed"),
        weights: (["精油=0.67", "面膜=0.33"], "computed"),
        lately: (6, "computed"),
    }
    assert await members(api, {"attribute": {"key": top, "op": "EQ", "value": "精油"}}) == {one_id}
    for _ in range(3):
        await view(api, user, name, "面膜")
    found = await shown(api, one_id)
    assert (found[top][0], found[lately][0]) == ("面膜", 9)

    await api(ADVANCE, by="P11D")

    assert (await shown(api, one_id))[lately] == (3, "computed")
    assert await members(api, {"attribute": {"key": lately, "op": "EQ", "value": 3}}) == {one_id}


async def test_whoever_did_nothing_that_is_counted_has_a_count_of_0_in_rules(
    api: Api, fresh: Fresh, name: str
) -> None:
    looked, other = (
        await view(api, fresh("u"), name, "精油"),
        await view(api, fresh("u"), f"{name}-not", "精油"),
    )
    for key, computed in (
        (name, {"aggregate": "COUNT"}),
        (f"{name}_most", {"aggregate": "MAX", "property": "weight"}),
    ):
        given = {"key": key, "type": "NUMBER", "computed": {"event": {"name": name}, **computed}}
        assert (await api(DEFINE, input=given))["defineAttribute"]["userErrors"] == []

    async def found(key: str, op: str, value: Any) -> set[str]:
        return await members(api, {"attribute": {"key": key, "op": op, "value": value}}) & {looked, other}

    assert await found(name, "LT", 1) == {other}
    assert await found(name, "LT", 2) == {looked, other}
    assert await found(name, "GTE", 0) == {looked, other}
    assert await found(name, "IN", [0, 5]) == {other}
    assert await found(name, "NE", 0) == {looked}
    assert await found(name, "NE", 1) == {other}
    assert await found(name, "NOT_IN", [0]) == {looked}
    assert await found(name, "GT", 0) == {looked}
    assert await found(f"{name}_most", "LT", 1) == set()


async def test_nobody_writes_what_is_computed_and_what_is_written_is_not_computed(
    api: Api, fresh: Fresh, name: str
) -> None:
    computed = {"event": {"name": name}, "aggregate": "COUNT"}
    given = {"key": name, "type": "NUMBER", "computed": computed}
    assert (await api(DEFINE, input=given))["defineAttribute"]["userErrors"] == []
    identifiers = [{"type": "user_id", "value": fresh("u")}]
    answer = await api(UPSERT, input={"identifiers": identifiers, "set": {name: 7}})
    assert [(e["code"], e["field"]) for e in answer["upsertCustomer"]["userErrors"]] == [
        ("INVALID", ["set", name])
    ]
    written = f"{name}_written"
    await api(DEFINE, input={"key": written, "type": "NUMBER"})
    refused = (await api(DEFINE, input={**given, "key": written}))["defineAttribute"]
    assert [(e["code"], e["field"]) for e in refused["userErrors"]] == [("CONFLICT", ["computed"])]
