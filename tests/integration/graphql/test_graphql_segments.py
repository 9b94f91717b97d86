"""Segments over GraphQL: rules, previews, members, and what is refused."""

from typing import Any

import pytest

from api.graphql.relay import decode_id, encode_id
from tests.graphql_api import UPSERT, Api, CallAs, Fresh

pytestmark = pytest.mark.usefixtures("consumer")

CREATE = """
mutation Create($input: CreateSegmentInput!) {
  createSegment(input: $input) {
    segment { id key name kind version ruleJson count members { nodes { oneId } } }
    userErrors { code field message }
  }
}
"""
UPDATE = """
mutation Update($input: UpdateSegmentInput!) {
  updateSegment(input: $input) {
    segment { id key name kind version ruleJson count members { nodes { oneId } } }
    userErrors { code field message }
  }
}
"""
PREVIEW = """
query Preview($rule: SegmentRule!, $sample: Int = 10) {
  segmentPreview(rule: $rule, sample: $sample) { count sample { oneId } nodes { path count } tookMs }
}
"""
FIND = """
query Find($rule: SegmentRule, $search: String, $first: Int, $after: String) {
  customers(rule: $rule, search: $search, first: $first, after: $after) {
    totalCount nodes { oneId } pageInfo { hasNextPage endCursor }
  }
}
"""
SEGMENT = """
query Segment($id: ID, $key: String) {
  segment(id: $id, key: $key) { id key kind count members { totalCount nodes { oneId } } }
}
"""
DEFINE = """
mutation Define($input: DefineAttributeInput!) { defineAttribute(input: $input) { userErrors { code } } }
"""


async def person(api: Api, fresh: Fresh, *events: dict[str, Any], **attributes: Any) -> str:
    """A customer with these attributes who did these events, indexed."""
    user = fresh("u")
    identifiers = [{"type": "user_id", "value": user}]
    answer = await api(UPSERT, input={"identifiers": identifiers, "set": attributes})
    assert answer["upsertCustomer"]["userErrors"] == []
    items = [{"type": "track", "userId": user, **event} for event in events]
    ingested = await api.ingest({"type": "track", "event": "Came", "userId": user}, *items, wait="INDEXED")
    assert {result["status"] for result in ingested} == {"INDEXED"}
    one_id: str = ingested[0]["oneId"]
    return one_id


async def members(api: Api, rule: dict[str, Any]) -> set[str]:
    """Those that a rule finds; of more than a hundred the newest."""
    page = (await api(FIND, rule=rule, first=100))["customers"]
    found = {node["oneId"] for node in page["nodes"]}
    assert page["totalCount"] == len(found) or page["pageInfo"]["hasNextPage"]
    return found


async def create(api: Api, key: str, **given: Any) -> dict[str, Any]:
    answer = await api(CREATE, input={"key": key, "name": key, **given})
    payload: dict[str, Any] = answer["createSegment"]
    return payload


async def created(api: Api, key: str, **given: Any) -> dict[str, Any]:
    payload = await create(api, key, **given)
    assert payload["userErrors"] == []
    segment: dict[str, Any] = payload["segment"]
    return segment


def in_it(segment: dict[str, Any]) -> set[str]:
    return {node["oneId"] for node in segment["members"]["nodes"]}


async def test_a_new_attribute_is_good_for_segments_at_once(api: Api, fresh: Fresh, name: str) -> None:
    """A56: declared, written, segmented, without a restart."""
    given = {"key": name, "type": "ENUM", "enumValues": ["dry", "oily"]}
    assert (await api(DEFINE, input=given))["defineAttribute"]["userErrors"] == []
    dry, _, without = [
        await person(api, fresh, **{name: "dry"}),
        await person(api, fresh, **{name: "oily"}),
        await person(api, fresh),
    ]

    assert await members(api, {"attribute": {"key": name, "op": "EQ", "value": "dry"}}) == {dry}
    absent = await members(api, {"attribute": {"key": name, "op": "MISSING"}})
    assert without in absent
    assert dry not in absent


async def test_what_is_sent_at_once_happened_in_the_order_in_which_it_was_sent(
    api: Api, fresh: Fresh, name: str
) -> None:
    """Without timestamps it is one instant, and messageIds say nothing of what came first."""
    given = {"key": name, "type": "STRING"}
    last = {"computed": {"aggregate": "LAST", "event": {"name": name}, "property": "step"}}
    assert (await api(DEFINE, input={**given, **last}))["defineAttribute"]["userErrors"] == []
    forth = {await person(api, fresh, *steps(name, "one", "two")) for _ in range(4)}
    back = {await person(api, fresh, *steps(name, "two", "one")) for _ in range(4)}

    async def found(*order: str) -> set[str]:
        told = [{"name": name, "where": [{"property": "step", "op": "EQ", "value": one}]} for one in order]
        return await members(api, {"sequence": {"steps": told, "withinHours": 1}})

    assert await found("one", "two") == forth
    assert await found("two", "one") == back
    assert await members(api, {"attribute": {"key": name, "op": "EQ", "value": "two"}}) == forth


def steps(name: str, *told: str) -> list[dict[str, Any]]:
    return [{"event": name, "properties": {"step": one}} for one in told]


async def test_a_condition_may_leave_out_who_collected_the_value(api: Api, fresh: Fresh, name: str) -> None:
    """A21: a segment may exclude what third parties say."""
    await api(DEFINE, input={"key": name, "type": "NUMBER"})
    own = await person(api, fresh, **{name: 30})
    bought = await person(api, fresh, **{name: 40})
    user = fresh("u")
    identifiers = [{"type": "user_id", "value": user}]
    answer = await api(UPSERT, input={"identifiers": identifiers, "set": {name: 50}, "party": "THIRD"})
    third = answer["upsertCustomer"]["customer"]["oneId"]
    await api.ingest({"type": "track", "event": "Came", "userId": user}, wait="INDEXED")
    condition: dict[str, Any] = {"key": name, "op": "GTE", "value": 30}

    assert await members(api, {"attribute": condition}) == {own, bought, third}
    without_third = {**condition, "parties": ["FIRST", "SECOND"]}
    assert await members(api, {"attribute": without_third}) == {own, bought}


async def test_events_are_counted_measured_and_windowed(api: Api, fresh: Fresh, name: str) -> None:
    small, large = {"amount": 10.1}, {"amount": 200}
    once = await person(api, fresh, {"event": name, "properties": small})
    twice = await person(
        api, fresh, {"event": name, "properties": small}, {"event": name, "properties": large}
    )
    old = await person(api, fresh, {"event": name, "properties": large, "timestamp": "2020-01-01T00:00:00Z"})
    never = await person(api, fresh)

    async def found(**given: Any) -> set[str]:
        return await members(
            api, {"all": [{"event": {"name": name, **given}}, {"identifier": {"type": "user_id"}}]}
        )

    assert await found() == {once, twice, old}
    assert await found(window={"lastDays": 30}) == {once, twice}
    assert await found(window={"from": "2020-01-01T00:00:00Z", "to": "2020-01-02T00:00:00Z"}) == {old}
    assert await found(count={"op": "GTE", "value": 2}) == {twice}
    assert await found(sum={"property": "amount", "op": "EQ", "value": 210.1}) == {twice}
    assert await found(where=[{"property": "amount", "op": "GT", "value": 100}]) == {twice, old}
    nobody = await found(count={"op": "EQ", "value": 0})
    assert never in nobody
    assert nobody.isdisjoint({once, twice, old})


async def test_a_late_event_changes_who_is_in_it(api: Api, fresh: Fresh, name: str) -> None:
    segment = await created(api, name, rule={"event": {"name": name, "window": {"lastDays": 1}}})
    assert in_it(segment) == set()

    one_id = await person(api, fresh, {"event": name})

    found = (await api(SEGMENT, key=name))["segment"]
    assert (found["count"], in_it(found)) == (1, {one_id})


async def test_a_preview_counts_every_part_of_a_rule_and_saves_nothing(
    api: Api, fresh: Fresh, name: str
) -> None:
    await person(api, fresh, {"event": name, "properties": {"amount": 1}})
    both = await person(api, fresh, {"event": name, "properties": {"amount": 2}}, {"event": f"{name}2"})
    rule = {
        "all": [
            {"event": {"name": name}},
            {"not": {"event": {"name": f"{name}2", "count": {"op": "EQ", "value": 0}}}},
        ]
    }

    preview = (await api(PREVIEW, rule=rule))["segmentPreview"]

    counts = {"/".join(node["path"]): node["count"] for node in preview["nodes"]}
    everybody = (await api(FIND))["customers"]["totalCount"]
    assert counts == {
        "rule": 1,
        "rule/all/0": 2,
        "rule/all/1": 1,
        "rule/all/1/not": everybody - 1,
    }
    assert (preview["count"], preview["sample"]) == (1, [{"oneId": both}])
    assert (await api(SEGMENT, key=name))["segment"] is None


async def test_a_segment_may_be_a_part_of_another_one_but_not_of_itself(
    api: Api, fresh: Fresh, name: str
) -> None:
    came = await person(api, fresh, {"event": name})
    inner = await created(api, f"{name}-inner", rule={"event": {"name": name}})
    outer = await created(api, f"{name}-outer", rule={"all": [{"segment": inner["id"]}]})
    by_key = await created(api, f"{name}-key", rule={"segment": f"{name}-outer"})
    assert in_it(outer) == in_it(by_key) == {came}

    circle = {"any": [{"event": {"name": "x"}}, {"segment": f"{name}-key"}]}
    refused = (await api(UPDATE, input={"id": inner["id"], "rule": circle}))["updateSegment"]

    assert [(e["code"], e["field"]) for e in refused["userErrors"]] == [
        ("CYCLE", ["rule", "any", "1", "segment"])
    ]
    assert in_it((await api(SEGMENT, id=inner["id"]))["segment"]) == {came}


async def test_changing_a_rule_changes_who_is_in_it_and_its_version(
    api: Api, fresh: Fresh, name: str
) -> None:
    one, other = await person(api, fresh, {"event": name}), await person(api, fresh, {"event": f"{name}2"})
    segment = await created(api, name, rule={"event": {"name": name}})
    change = {"id": segment["id"], "rule": {"event": {"name": f"{name}2"}}, "expectedVersion": 1}

    changed = (await api(UPDATE, input=change))["updateSegment"]["segment"]
    again = (await api(UPDATE, input=change))["updateSegment"]

    assert in_it(segment) == {one}
    assert (changed["version"], in_it(changed)) == (2, {other})
    assert changed["ruleJson"] == {"event": {"name": f"{name}2"}}
    assert [(e["code"], e["field"]) for e in again["userErrors"]] == [
        ("VERSION_CONFLICT", ["expectedVersion"])
    ]


@pytest.mark.parametrize("given", ["", "x" * 201])
async def test_a_segment_keeps_its_name_where_the_new_one_is_none(api: Api, name: str, given: str) -> None:
    segment = await created(api, name)

    refused = (await api(UPDATE, input={"id": segment["id"], "name": given}))["updateSegment"]

    assert [(e["code"], e["field"]) for e in refused["userErrors"]] == [("INVALID", ["name"])]
    assert (await api("query S($key: String) { segment(key: $key) { name } }", key=name))["segment"] == {
        "name": name
    }


async def test_a_static_segment_is_kept_by_hand(api: Api, fresh: Fresh, name: str) -> None:
    one, other = await person(api, fresh), await person(api, fresh)
    segment = await created(api, name, members=[{"oneId": one}])
    assert (segment["kind"], in_it(segment)) == ("STATIC", {one})

    change = {"id": name, "add": [{"oneId": other}], "remove": [{"oneId": one}]}
    changed = (await api(UPDATE, input=change))["updateSegment"]["segment"]

    assert (changed["count"], in_it(changed)) == (1, {other})
    assert await members(api, {"segment": name}) == {other}


async def test_a_snapshot_keeps_who_matched_when_it_was_made(api: Api, fresh: Fresh, name: str) -> None:
    before = await person(api, fresh, {"event": name})
    segment = await created(api, name, kind="SNAPSHOT", rule={"event": {"name": name}})
    after = await person(api, fresh, {"event": name})

    assert in_it((await api(SEGMENT, id=segment["id"]))["segment"]) == {before}
    assert await members(api, {"event": {"name": name}}) == {before, after}


async def test_a_merge_brings_events_and_lists_together(api: Api, fresh: Fresh, name: str) -> None:
    cookie, user = fresh("a"), fresh("u")
    results = await api.ingest(
        {"type": "track", "event": name, "userId": user},
        {"type": "track", "event": name, "anonymousId": cookie},
        wait="INDEXED",
    )
    survivor, loser = [result["oneId"] for result in results]
    await created(api, f"{name}-list", members=[{"oneId": loser}])
    twice = {"event": {"name": name, "count": {"op": "EQ", "value": 2}}}
    assert await members(api, twice) == set()

    (joined,) = await api.ingest({"type": "identify", "anonymousId": cookie, "userId": user}, wait="INDEXED")
    assert joined["oneId"] == survivor
    merged = {"type": "track", "event": name, "userId": user}
    assert await members(api, {"segment": f"{name}-list"}) == {survivor}
    await api.ingest(merged, wait="INDEXED")

    assert await members(api, {"event": {"name": name, "count": {"op": "EQ", "value": 3}}}) == {survivor}


async def test_buckets_share_everybody_out_and_stay(api: Api, fresh: Fresh, name: str) -> None:
    people = {await person(api, fresh, {"event": name}) for _ in range(20)}

    async def bucket(salt: str, low: int, high: int) -> set[str]:
        drawn = {"bucket": {"salt": salt, "from": low, "to": high}}
        return await members(api, {"all": [{"event": {"name": name}}, drawn]})

    halves = await bucket("a", 0, 4999), await bucket("a", 5000, 9999)
    assert (halves[0] | halves[1], halves[0] & halves[1]) == (people, set())
    assert await bucket("a", 0, 4999) == halves[0]
    assert len({frozenset(await bucket(salt, 0, 4999)) for salt in ("a", "b", "c")}) == 3


async def test_a_fault_in_a_rule_is_told_with_its_place(api: Api, name: str) -> None:
    rule = {"all": [{"identifier": {"type": "phone"}}, {"attribute": {"key": "nobody", "op": "EXISTS"}}]}
    place = ["rule", "all", "1", "attribute", "key"]

    refused = await create(api, name, rule=rule)
    (error,) = await api.errors(PREVIEW, rule=rule)

    assert [(e["code"], e["field"]) for e in refused["userErrors"]] == [("NOT_FOUND", place)]
    assert (error["extensions"]["code"], error["extensions"]["field"]) == ("NOT_FOUND", place)
    assert (await api(SEGMENT, key=name))["segment"] is None


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"key": "Not A Key"}, "INVALID", ["key"]),
        ({"name": ""}, "INVALID", ["name"]),
        ({"kind": "DYNAMIC"}, "INVALID", ["rule"]),
        ({"kind": "STATIC", "rule": {"identifier": {"type": "phone"}}}, "INVALID", ["rule"]),
        ({"rule": {"all": []}}, "INVALID", ["rule", "all"]),
        ({"members": [{"oneId": "nobody"}]}, "NOT_FOUND", ["members", "0"]),
    ],
)
async def test_a_segment_that_makes_no_sense_is_not_created(
    api: Api, name: str, given: dict[str, Any], code: str, field: list[str]
) -> None:
    answer = await api(CREATE, input={"key": name, "name": name, **given})

    errors = answer["createSegment"]["userErrors"]
    assert [(error["code"], error["field"]) for error in errors] == [(code, field)]
    assert (await api(SEGMENT, key=name))["segment"] is None


async def test_a_key_belongs_to_one_segment(api: Api, name: str) -> None:
    rule = {"identifier": {"type": "phone"}}
    segment = await created(api, name, rule=rule)

    refused = await create(api, name, rule={"not": rule})

    assert [(e["code"], e["field"]) for e in refused["userErrors"]] == [("CONFLICT", ["key"])]
    assert (await api(SEGMENT, id=segment["id"]))["segment"]["id"] == segment["id"]


async def test_personal_data_can_not_be_guessed_by_conditions(api: Api, call_as: CallAs, name: str) -> None:
    await api(DEFINE, input={"key": name, "type": "STRING", "pii": True})
    rule = {"not": {"attribute": {"key": name, "op": "STARTS_WITH", "value": "3"}}}
    scopes = ("segments:read", "customers:read")
    without, with_ = await call_as(*scopes), await call_as(*scopes, "pii:read")

    assert await without.code(PREVIEW, rule=rule) == "FORBIDDEN"
    assert (await with_(PREVIEW, rule=rule, sample=0))["segmentPreview"]["sample"] == []


async def test_reading_and_writing_need_their_scopes(call_as: CallAs, name: str) -> None:
    reader, stranger = await call_as("segments:read", "customers:read"), await call_as("customers:read")
    rule = {"identifier": {"type": "phone"}}

    assert await stranger.code(PREVIEW, rule=rule) == "FORBIDDEN"
    assert await reader.code(CREATE, input={"key": name, "name": name, "rule": rule}) == "FORBIDDEN"
    assert (await reader(SEGMENT, key=name))["segment"] is None


async def test_the_rules_of_tags_and_stages_are_no_segments(api: Api, name: str) -> None:
    rule = {"identifier": {"type": "phone"}}
    tag = "mutation T($input: CreateTagInput!) { createTag(input: $input) { tag { id ruleJson } } }"
    made = (await api(tag, input={"name": name, "rule": rule}))["createTag"]["tag"]
    hidden = decode_id(made["id"])
    assert hidden is not None
    own, as_segment = hidden[1], encode_id("Segment", hidden[1])

    for id_ in (own, as_segment):
        assert (await api(SEGMENT, id=id_))["segment"] is None
        for query, given in (
            (UPDATE, {"id": id_, "name": "mine", "rule": {"not": rule}}),
            (CREATE, {"key": name, "name": name, "rule": {"segment": id_}}),
        ):
            (payload,) = (await api(query, input=given)).values()
            assert [error["code"] for error in payload["userErrors"]] == ["NOT_FOUND"]
        diff = "query D($id: ID!) { segmentDiff(a: $id, b: $id) { added } }"
        assert await api.code(diff, id=id_) == "NOT_FOUND"
    node = "query N($id: ID!) { node(id: $id) { id ... on Tag { ruleJson } } }"
    assert (await api(node, id=as_segment))["node"] is None
    assert (await api(node, id=made["id"]))["node"] == made
