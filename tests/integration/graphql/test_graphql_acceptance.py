"""Acceptance scenarios of segments, end to end through the public interface, by the injected clock."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.graphql_api import UPSERT, Api, Fresh
from tests.integration.graphql.test_graphql_segments import DEFINE, PREVIEW, created, in_it, members, name
from tests.integration.graphql.test_graphql_transitions import transitions

__all__ = ["name"]

pytestmark = pytest.mark.usefixtures("consumer")

CREATE_TAG = """
mutation C($input: CreateTagInput!) { createTag(input: $input) { tag { path } userErrors { code message } } }
"""
ASSIGN = "mutation A($input: AssignTagsInput!) { assignTags(input: $input) { changed } }"
HELD = "query H($by: CustomerLookup!) { customer(by: $by) { oneId tags { tag { path } } } }"
LIFECYCLE = """
mutation D($input: DefineLifecycleInput!) { defineLifecycle(input: $input) { userErrors { code message } } }
"""
ADVANCE = "mutation V($by: String!) { advanceClock(input: { by: $by }) { userErrors { code } } }"


async def tag(api: Api, name: str, parent: str | None = None, **given: Any) -> str:
    payload = (await api(CREATE_TAG, input={"name": name, "parent": parent, **given}))["createTag"]
    assert payload["userErrors"] == []
    path: str = payload["tag"]["path"]
    return path


async def sent(api: Api, who: dict[str, str], event: str, days: float = 0, **properties: Any) -> str:
    """An event so many days ago, by the clock of the deployment; the customer's ONE-ID."""
    now = datetime.fromisoformat((await api("{ clock { now } }"))["clock"]["now"])
    item = {"type": "track", "event": event, "properties": properties, **who}
    at = (now - timedelta(days=days)).isoformat()
    (result,) = await api.ingest({**item, "timestamp": at}, wait="INDEXED")
    one_id: str = result["oneId"]
    return one_id


async def test_a_click_on_an_advertisement_and_more_than_ten_seconds_earn_tags(
    api: Api, fresh: Fresh, name: str
) -> None:
    """A01: strictly more than 10 seconds, and no tag of a campaign without its click."""
    top = await tag(api, name)
    clicked = {"name": f"{name}.click", "where": [{"property": "campaign", "op": "EQ", "value": "c1"}]}
    campaign = await tag(api, "c1", top, rule={"event": clicked})
    long = {"name": f"{name}.leave", "where": [{"property": "dwell_ms", "op": "GT", "value": 10000}]}
    deep_rule = {"all": [{"event": {"name": f"{name}.click"}}, {"event": long}]}
    deep = await tag(api, "深度互动", top, rule=deep_rule)

    async def visitor(dwell: int, click: bool) -> set[str]:
        who = {"anonymousId": fresh("a")}
        if click:
            await sent(api, who, f"{name}.click", campaign="c1")
        one_id = await sent(api, who, f"{name}.leave", dwell_ms=dwell)
        found = (await api(HELD, by={"oneId": one_id}))["customer"]
        assert found["oneId"] == one_id
        return {one["tag"]["path"] for one in found["tags"]}

    assert await visitor(10001, click=True) == {campaign, deep}
    assert await visitor(10000, click=True) == {campaign}
    assert await visitor(10001, click=False) == set()


async def test_about_to_be_inactive_is_entered_once_at_four_fifths_of_the_own_rhythm(
    api: Api, fresh: Fresh, name: str
) -> None:
    """A51: orders every ten days; entered eight days after the last one, once in each cycle."""
    segment = await created(api, fresh("mot"), rule={"cadence": {"name": name, "times": 0.8}})
    who = {"userId": fresh("u")}
    for days in (30, 20, 10):
        one_id = await sent(api, who, name, days)
    await sent(api, who, name)
    before = (await transitions(api, segment["id"]))["totalCount"]

    await api(ADVANCE, by="P7D")
    assert (await transitions(api, segment["id"]))["totalCount"] == before
    await api(ADVANCE, by="P1DT1M")
    await api(ADVANCE, by="P20D")

    page = await transitions(api, segment["id"])
    assert page["totalCount"] == before + 1
    assert (page["nodes"][-1]["kind"], page["nodes"][-1]["oneId"]) == ("ENTERED", one_id)


WHOLE: dict[str, Any] = {
    "city": "上海",
    "level": "gold",
    "tag": True,
    "view": True,
    "amount": 100,
    "out": False,
}
LACKING: list[dict[str, Any]] = [
    {},
    {"city": "北京"},
    {"tag": False},
    {"view": False},
    {"amount": 99.5},
    {"level": "silver"},
    {"out": True},
]
"""What is different about each person: nothing about the first."""


def six_kinds(name: str, portrait: str) -> dict[str, Any]:
    """Who is WHOLE: attribute, tag, behaviour, sum, stage and what did not happen."""
    total = {"property": "amount", "op": "GTE", "value": 100}
    return {
        "all": [
            {"attribute": {"key": f"{name}_city", "op": "EQ", "value": "上海"}},
            {"tag": {"tag": portrait}},
            {"any": [{"event": {"name": f"{name}.view"}}, {"event": {"name": f"{name}.share"}}]},
            {"event": {"name": f"{name}.order", "sum": total, "window": {"lastDays": 30}}},
            {"stage": {"lifecycle": name, "stage": "gold"}},
            {"not": {"event": {"name": f"{name}.unsubscribe"}}},
        ]
    }


async def test_one_rule_joins_six_kinds_of_knowledge_and_finds_exactly_whom_it_should(
    api: Api, fresh: Fresh, name: str
) -> None:
    """A64: basic attribute, portrait tag, behaviour, transactions, membership file, marketing; count = members."""
    city, level = f"{name}_city", f"{name}_level"
    for key in (city, level):
        await api(DEFINE, input={"key": key, "type": "STRING"})
    portrait = await tag(api, name)
    stages = [
        {"key": "member", "name": "member", "rule": {"attribute": {"key": level, "op": "EXISTS"}}},
        {"key": "gold", "name": "gold", "rule": {"attribute": {"key": level, "op": "EQ", "value": "gold"}}},
    ]
    answer = await api(LIFECYCLE, input={"key": name, "name": name, "stages": stages})
    assert answer["defineLifecycle"]["userErrors"] == []
    rule = six_kinds(name, portrait)
    people = [{**WHOLE, **without} for without in LACKING]
    ids = list[str]()
    for person in people:
        user = {"userId": fresh("u")}
        identifiers = [{"type": "user_id", "value": user["userId"]}]
        given = {city: person["city"], level: person["level"]}
        await api(UPSERT, input={"identifiers": identifiers, "set": given})
        one_id = await sent(api, user, f"{name}.order", amount=person["amount"])
        for happened, event in ((person["view"], "view"), (person["out"], "unsubscribe")):
            if happened:
                await sent(api, user, f"{name}.{event}")
        if person["tag"]:
            await api(ASSIGN, input={"customers": [{"oneId": one_id}], "tags": [portrait]})
        ids.append(one_id)

    assert await members(api, rule) == {ids[0]}
    preview = (await api(PREVIEW, rule=rule))["segmentPreview"]
    assert (preview["count"], preview["sample"]) == (1, [{"oneId": ids[0]}])
    assert in_it(await created(api, fresh("s"), rule=rule)) == {ids[0]}
