"""What rules can say: periods of the calendar, counted steps, steps of one order, events of every name."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.graphql_api import Api, Fresh
from tests.integration.graphql.test_graphql_segments import DEFINE, create, created, in_it, members, person

pytestmark = pytest.mark.usefixtures("consumer")

TRANSITIONS = "query T($id: ID!) { segment(id: $id) { count transitions { nodes { kind at oneId } } } }"
ADVANCE = """
mutation V($to: DateTime!) { advanceClock(input: { to: $to }) { clock { now } userErrors { code message } } }
"""
CALCUTTA = ZoneInfo("Asia/Calcutta")


async def business_now(api: Api) -> datetime:
    return datetime.fromisoformat((await api("{ clock { now } }"))["clock"]["now"])


async def test_a_month_ends_at_the_midnight_of_the_zone_that_the_rule_names(
    api: Api, fresh: Fresh, name: str
) -> None:
    rule = {"event": {"name": name, "window": {"period": "THIS_MONTH", "zone": "Asia/Calcutta"}}}
    segment = await created(api, fresh("month"), rule=rule)
    last = {"event": {"name": name, "window": {"period": "LAST_MONTH", "zone": "Asia/Calcutta"}}}
    one_id = await person(api, fresh, {"event": name})
    today = (await business_now(api)).astimezone(CALCUTTA)
    next_month = (today.replace(day=1) + timedelta(days=32)).replace(
        day=1, hour=0, minute=0, second=0, microsecond=0
    )
    assert await members(api, rule) == {one_id}
    assert await members(api, last) == set()

    answer = await api(ADVANCE, to=(next_month + timedelta(minutes=1)).isoformat())
    assert answer["advanceClock"]["userErrors"] == []

    found = (await api(TRANSITIONS, id=segment["id"]))["segment"]
    left = datetime.fromisoformat(found["transitions"]["nodes"][1]["at"])
    assert [(one["kind"], one["oneId"]) for one in found["transitions"]["nodes"]] == [
        ("ENTERED", one_id),
        ("LEFT", one_id),
    ]
    assert (found["count"], left) == (0, next_month.astimezone(UTC))
    assert await members(api, last) == {one_id}


async def test_a_date_lies_in_a_period_of_the_calendar(api: Api, fresh: Fresh, name: str) -> None:
    await api(DEFINE, input={"key": name, "type": "DATE"})
    today = (await business_now(api)).astimezone(CALCUTTA).replace(hour=12)
    dated = {
        days: await person(api, fresh, **{name: (today + timedelta(days=days)).isoformat()})
        for days in (-1, 0, 1)
    }

    def period(value: str) -> dict[str, Any]:
        return {"attribute": {"key": name, "op": "IN_PERIOD", "value": value, "zone": "Asia/Calcutta"}}

    assert await members(api, period("YESTERDAY")) == {dated[-1]}
    assert await members(api, period("TODAY")) == {dated[0]}
    assert in_it(await created(api, fresh("s"), rule=period("TOMORROW"))) == {dated[1]}
    payload = await create(api, fresh("s"), rule=period("SOMEDAY"))
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [
        ("INVALID", ["rule", "attribute", "value"])
    ]
    assert payload["segment"] is None


async def test_an_order_that_is_paid_does_not_hide_one_that_is_not(api: Api, fresh: Fresh, name: str) -> None:
    """The steps and what is missing belong to one order."""
    made, paid = f"{name}.made", f"{name}.paid"
    hour_ago = (await business_now(api)) - timedelta(hours=1)

    def told(event: str, order: str, minutes: int) -> dict[str, Any]:
        at = (hour_ago + timedelta(minutes=minutes)).isoformat()
        return {"event": event, "properties": {"order": order}, "timestamp": at}

    unpaid = await person(api, fresh, told(made, "1", 0), told(made, "2", 1), told(paid, "2", 2))
    await person(api, fresh, told(made, "3", 0), told(paid, "3", 5))
    rule = {"steps": [{"name": made}], "without": {"name": paid}, "withinHours": 0.5}

    assert await members(api, {"sequence": {**rule, "sameProperty": "order"}}) == {unpaid}
    assert await members(api, {"sequence": rule}) == set()


async def test_a_step_may_be_asked_for_several_times(api: Api, fresh: Fresh, name: str) -> None:
    now = await business_now(api)

    def told(what: str, minutes: int) -> dict[str, Any]:
        return {"event": f"{name}.{what}", "timestamp": (now - timedelta(minutes=minutes)).isoformat()}

    await person(api, fresh, told("view", 9), told("order", 7))
    often = await person(api, fresh, told("view", 9), told("view", 8), told("order", 7))
    steps = [{"name": f"{name}.view", "count": {"op": "GTE", "value": 2}}, {"name": f"{name}.order"}]

    assert await members(api, {"sequence": {"steps": steps, "withinHours": 24}}) == {often}


async def test_a_step_has_no_measure_but_its_count(api: Api, fresh: Fresh, name: str) -> None:
    total = {"property": "amount", "op": "GTE", "value": 1}
    steps = [{"name": name}, {"name": name, "sum": total}]

    payload = await create(api, fresh("s"), rule={"sequence": {"steps": steps, "withinHours": 1}})

    assert payload["segment"] is None
    assert [(error["code"], error["field"]) for error in payload["userErrors"]] == [
        ("INVALID", ["rule", "sequence", "steps", "1", "sum"])
    ]


async def test_events_of_every_name_count_also_those_that_no_other_condition_asks(
    api: Api, fresh: Fresh, name: str
) -> None:
    await api(DEFINE, input={"key": name, "type": "STRING"})
    quiet = {"not": {"event": {"name": "*", "window": {"lastDays": 60}}}}
    mine = {"attribute": {"key": name, "op": "EXISTS"}}
    segment = await created(api, fresh("quiet"), rule={"all": [mine, quiet]})
    user, long_ago = fresh("u"), (await business_now(api) - timedelta(days=90)).isoformat()
    old = {"type": "identify", "userId": user, "traits": {name: "x"}, "timestamp": long_ago}
    one_id = (await api.ingest(old, wait="INDEXED"))[0]["oneId"]
    assert await members(api, {"all": [mine, quiet]}) == {one_id}

    await api.ingest({"type": "page", "name": fresh("unheard-of"), "userId": user}, wait="INDEXED")

    found = (await api(TRANSITIONS, id=segment["id"]))["segment"]
    assert found["count"] == 0
    assert [one["kind"] for one in found["transitions"]["nodes"]] == ["ENTERED", "LEFT"]
    assert await members(api, {"all": [mine, quiet]}) == set()
