"""A21, A56: attributes without a developer, and who told each value."""

import json
from typing import Any

import pytest

from tests.acceptance import Brand

HELD = """
query Held($id: String!) {
  customer(by: { oneId: $id }) { attributes { key value source party updatedAt } }
}
"""
EXPORT = "operation { id }"


async def held(brand: Brand, one_id: str) -> dict[str, dict[str, Any]]:
    found = (await brand.api(HELD, id=one_id))["customer"]["attributes"]
    return {one.pop("key"): one for one in found}


async def exported(brand: Brand, **given: Any) -> list[dict[str, Any]]:
    """The lines of the file that exportSegment writes."""
    operation = (await brand.do("exportSegment", {"format": "NDJSON", **given}, EXPORT))["operation"]
    found = await brand.api.ended(operation["id"])
    assert found["status"] == "COMPLETED", found
    answer = await brand.api.client.get(found["resultUrl"], headers=brand.api.headers)
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_a_new_field_is_written_segmented_indexed_and_exported_at_once(brand: Brand) -> None:
    """A56."""
    skin = brand.name("skin_type")
    given = {"key": skin, "type": "ENUM", "enumValues": ["dry", "oily"], "description": "肤质"}
    await brand.do("defineAttribute", given, "attribute { key type }")
    dry, oily = brand.user(), brand.user()
    rule = {"attribute": {"key": skin, "op": "EQ", "value": "dry"}}
    key = brand.name("dry")

    assert (await brand.upsert(dry, set={skin: "dry"}))["userErrors"] == []
    one_id = await brand.send(dry, {"type": "page", "name": "Home"})
    other = await brand.send(oily, {"type": "identify", "traits": {skin: "oily"}})
    await brand.segment(key, rule)

    assert await brand.find(rule) == await brand.find({"segment": key}) == {one_id}
    assert {line["oneId"]: line["attributes"] for line in await exported(brand, segment=key)} == {
        one_id: {skin: "dry"}
    }
    # Written once more, it moves: entered and left are told.
    await brand.send(dry, {"type": "identify", "traits": {skin: "oily"}})
    assert [(kind, who) for kind, who, _ in await brand.moves(key)] == [("LEFT", one_id)]

    wrong = await brand.upsert(dry, set={skin: "wet"})
    assert [(e["code"], e["field"]) for e in wrong["userErrors"]] == [("INVALID", ["set", skin])]
    refused, taken = await brand.api.ingest(
        {"type": "identify", **oily, "traits": {skin: 7}},
        {"type": "identify", **oily, "traits": {skin: "dry"}},
        wait="INDEXED",
    )
    assert (refused["status"], taken["status"]) == ("REJECTED", "INDEXED")
    assert [e["field"] for e in refused["userErrors"]] == [["events", "0", "traits", skin]]
    assert (await held(brand, one_id))[skin]["value"] == "oily"
    assert await brand.find(rule) == {other}
    retyped = await brand.payload("defineAttribute", {"key": skin, "type": "NUMBER"})
    assert [e["code"] for e in retyped["userErrors"]] == ["CONFLICT"]


async def test_every_value_says_who_told_it_who_collected_it_and_when(brand: Brand) -> None:
    """A21: upserts, messages, files of partners, and what is computed."""
    city, income, age, visits = (brand.name(key) for key in ("city", "income", "age", "visits"))
    for key, kind in ((city, "STRING"), (income, "NUMBER"), (age, "NUMBER")):
        await brand.do("defineAttribute", {"key": key, "type": kind})
    computed = {"event": {"name": brand.name("visit")}, "aggregate": "COUNT"}
    await brand.do("defineAttribute", {"key": visits, "type": "NUMBER", "computed": computed})
    user = brand.user()
    start = await brand.now()
    one_id = await brand.send(
        user,
        {"type": "identify", "traits": {city: "上海"}},
        {"type": "identify", "traits": {income: 30_000}, "context": {"party": "THIRD"}},
        {"event": brand.name("visit")},
    )
    payload = await brand.upsert(user, set={age: 31}, source="partner-crm", party="SECOND")
    assert payload["userErrors"] == []

    told = await held(brand, one_id)

    parties = {key: (one["party"], one["source"]) for key, one in told.items()}
    assert parties == {
        city: ("FIRST", "admin"),
        income: ("THIRD", "admin"),
        age: ("SECOND", "partner-crm"),
        visits: ("FIRST", "computed"),
    }
    assert all(one["updatedAt"] >= f"{start:%Y-%m-%dT%H:%M}" for one in told.values())


async def test_a_segment_may_leave_out_what_third_parties_say(brand: Brand) -> None:
    """A21."""
    income = brand.name("income")
    await brand.do("defineAttribute", {"key": income, "type": "NUMBER"})
    people: dict[str, str] = {}
    for party in ("FIRST", "SECOND", "THIRD"):
        user = brand.user()
        identify = {"type": "identify", "traits": {income: 30_000}, "context": {"party": party}}
        people[party] = await brand.send(user, identify)
    rich = {"key": income, "op": "GTE", "value": 20_000}

    assert await brand.find({"attribute": rich}) == set(people.values())
    own = {"attribute": {**rich, "parties": ["FIRST", "SECOND"]}}
    assert await brand.find(own) == {people["FIRST"], people["SECOND"]}


async def test_a_party_stays_with_its_value_when_a_customer_is_split(brand: Brand) -> None:
    """The values of each part are told again from its own events."""
    key = brand.name("income")
    user, other = brand.user(), brand.user()
    await brand.send(user, {"type": "identify", "traits": {key: 1}, "context": {"party": "THIRD"}})
    await brand.send(other, {"type": "identify", "traits": {"else": 1}})
    lookup = [{"identifier": {"type": "user_id", "value": one["userId"]}} for one in (user, other)]
    merge = {"into": lookup[1], "from": [lookup[0]], "reason": "by mistake"}
    await brand.do("mergeCustomers", merge, "customer { oneId }")
    split = {"customer": lookup[0], "identifiers": [lookup[0]["identifier"]]}

    parts = await brand.do("splitCustomer", split, "splitOff { oneId } kept { oneId }")

    both = [await held(brand, parts[part]["oneId"]) for part in ("splitOff", "kept")]
    assert [(one[key]["value"], one[key]["party"]) for one in both if key in one] == [(1, "THIRD")]


@pytest.mark.parametrize("party", ["FOURTH", 3, ["THIRD"]])
async def test_a_party_that_there_is_not_is_refused(brand: Brand, party: Any) -> None:
    user = brand.user()
    item = {"type": "identify", **user, "traits": {"a": 1}, "context": {"party": party}}

    (result,) = await brand.api.ingest(item, wait="RESOLVED")

    assert result["status"] == "REJECTED"
    assert [(e["code"], e["field"]) for e in result["userErrors"]] == [
        ("INVALID", ["events", "0", "context", "party"])
    ]
