"""Conditions on how long an attribute has had its value, through the public API and the clock."""

from typing import Any

import pytest

from tests.graphql_api import UPSERT, Api, Fresh
from tests.integration.graphql.test_graphql_segments import DEFINE, create, created, members
from tests.integration.graphql.test_graphql_tags import ADVANCE
from tests.integration.graphql.test_graphql_transitions import transitions

pytestmark = pytest.mark.usefixtures("consumer")


async def write(api: Api, user: str, key: str, value: str | None) -> str:
    identifiers = [{"type": "user_id", "value": user}]
    answer = await api(UPSERT, input={"identifiers": identifiers, "set": {key: value}})
    assert answer["upsertCustomer"]["userErrors"] == []
    one_id: str = answer["upsertCustomer"]["customer"]["oneId"]
    return one_id


async def test_who_has_been_gold_for_a_week_enters_when_the_week_is_over(
    api: Api, fresh: Fresh, name: str
) -> None:
    await api(DEFINE, input={"key": name, "type": "STRING"})
    rule = {"attribute": {"key": name, "op": "EQ", "value": "gold", "hasBeenForDays": 7}}
    segment = await created(api, fresh("gold"), rule=rule)
    steady, changing = fresh("steady"), fresh("changing")
    one_id = await write(api, steady, name, "gold")
    await write(api, changing, name, "gold")
    await api(ADVANCE, by="P4D")
    await write(api, steady, name, "gold")
    await write(api, changing, name, "silver")
    await write(api, changing, name, "gold")
    assert await members(api, {"segment": segment["id"]}) == set()

    await api(ADVANCE, by="P3DT1M")

    assert await members(api, {"segment": segment["id"]}) == {one_id}
    page = await transitions(api, segment["id"])
    assert [(one["kind"], one["oneId"]) for one in page["nodes"]] == [("ENTERED", one_id)]
    await api(ADVANCE, by="P4D")
    assert len(await members(api, {"segment": segment["id"]})) == 2


@pytest.mark.parametrize(
    ("op", "value", "days"),
    [("EQ", "gold", 0), ("EXISTS", None, 7), ("NE", "gold", 7), ("STARTS_WITH", "g", 7), ("IN", ["gold"], 7)],
)
async def test_what_can_change_while_it_stays_true_and_days_that_are_none_are_refused_at_their_place(
    api: Api, fresh: Fresh, name: str, op: str, value: Any, days: int
) -> None:
    await api(DEFINE, input={"key": name, "type": "STRING"})
    rule = {"attribute": {"key": name, "op": op, "value": value, "hasBeenForDays": days}}
    refused = await create(api, fresh("none"), rule=rule)
    assert refused["segment"] is None
    (error,) = refused["userErrors"]
    assert error["field"][-2:] == ["attribute", "hasBeenForDays"]
