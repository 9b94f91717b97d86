"""Declaring attributes over GraphQL: at once writable, checked, indexed; no restart, no developer."""

from typing import Any

import pytest
from opensearchpy import AsyncOpenSearch

from oneid.bootstrap import open_stores, upkeep
from oneid.domain.segments.dates import SINCE
from oneid.settings import Settings
from tests.graphql_api import UPSERT, Api, CallAs, Fresh

pytestmark = pytest.mark.usefixtures("consumer")

DEFINE = """
mutation Define($input: DefineAttributeInput!) {
  defineAttribute(input: $input) {
    attribute { key type enumValues pii storefrontVisible description }
    userErrors { code field message }
  }
}
"""
DEFINITIONS = "query { attributeDefinitions { key type enumValues pii storefrontVisible description } }"
READ = """
query Read($by: CustomerLookup!) {
  customer(by: $by) { attributes { key value } events { nodes { properties } } }
}
"""


async def define(api: Api, key: str, kind: str, **more: Any) -> dict[str, Any]:
    answer = await api(DEFINE, input={"key": key, "type": kind, **more})
    payload: dict[str, Any] = answer["defineAttribute"]
    return payload


async def defined(api: Api, key: str, kind: str, **more: Any) -> None:
    assert (await define(api, key, kind, **more))["userErrors"] == []


async def codes(api: Api, user: str, **given: Any) -> list[tuple[str, list[str]]]:
    input = {"identifiers": [{"type": "user_id", "value": user}], **given}
    errors = (await api(UPSERT, input=input))["upsertCustomer"]["userErrors"]
    return [(error["code"], error["field"]) for error in errors]


async def held(api: Api, user: str) -> dict[str, Any] | None:
    by = {"identifier": {"type": "user_id", "value": user}}
    customer = (await api(READ, by=by))["customer"]
    return {one["key"]: one["value"] for one in customer["attributes"]} if customer else None


async def test_a_value_that_rules_name_does_not_go(api: Api, fresh: Fresh) -> None:
    key, segment = fresh("skin").replace("-", "_"), fresh("segment")
    await defined(api, key, "ENUM", enumValues=["dry", "oily", "mixed"])
    create = (
        "mutation C($input: CreateSegmentInput!) { createSegment(input: $input) { userErrors { code } } }"
    )
    rule = {"all": [{"not": {"not": {"attribute": {"key": key, "op": "IN", "value": ["dry", "oily"]}}}}]}
    given = {"key": segment, "name": f"Users {segment}", "rule": rule}
    assert (await api(create, input=given))["createSegment"]["userErrors"] == []

    refused = await define(api, key, "ENUM", enumValues=["dry", "mixed"])

    assert [(e["code"], e["field"]) for e in refused["userErrors"]] == [("CONFLICT", ["enumValues"])]
    assert f"Users {segment}" in refused["userErrors"][0]["message"]
    (known,) = [one for one in (await api(DEFINITIONS))["attributeDefinitions"] if one["key"] == key]
    assert known["enumValues"] == ["dry", "oily", "mixed"]
    await defined(api, key, "ENUM", enumValues=["oily", "dry"])
    assert await codes(api, fresh("u"), set={key: "mixed"}) == [("INVALID", ["set", key])]


async def test_a_value_that_customers_have_does_not_go(api: Api, fresh: Fresh) -> None:
    key, user = fresh("skin").replace("-", "_"), fresh("u")
    await defined(api, key, "ENUM", enumValues=["dry", "oily", "mixed"])
    assert await codes(api, user, set={key: "mixed"}) == []

    refused = await define(api, key, "ENUM", enumValues=["dry", "oily"])

    assert [(e["code"], e["field"]) for e in refused["userErrors"]] == [("CONFLICT", ["enumValues"])]
    assert refused["userErrors"][0]["message"].endswith("mixed (1)")
    (known,) = [one for one in (await api(DEFINITIONS))["attributeDefinitions"] if one["key"] == key]
    assert known["enumValues"] == ["dry", "oily", "mixed"]
    assert await held(api, user) == {key: "mixed"}
    assert await codes(api, user, set={key: "dry"}) == []
    await defined(api, key, "ENUM", enumValues=["dry"])


async def profile(opensearch: AsyncOpenSearch, one_id: str) -> dict[str, Any]:
    document: dict[str, Any] = (await opensearch.get(index="oneid-profiles", id=one_id))["_source"]
    return document


def declared(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The values of declared attributes by type, without the dates since when they are so."""
    typed: dict[str, dict[str, Any]] = document["typed"]
    values = {kind: {k: v for k, v in held.items() if not k.endswith(SINCE)} for kind, held in typed.items()}
    return {kind: held for kind, held in values.items() if held}


async def test_a_definition_is_there_at_once_and_changes_in_part(api: Api, fresh: Fresh) -> None:
    key = fresh("skin").replace("-", "_")
    made = await define(api, key, "ENUM", enumValues=["dry", "oily", "dry"], description="皮肤类型")
    changed = await define(api, key, "ENUM", pii=True)

    assert made["attribute"] == {
        "key": key,
        "type": "ENUM",
        "enumValues": ["dry", "oily"],
        "pii": False,
        "storefrontVisible": False,
        "description": "皮肤类型",
    }
    assert changed["attribute"] == {**made["attribute"], "pii": True}
    definitions = (await api(DEFINITIONS))["attributeDefinitions"]
    assert [one for one in definitions if one["key"] == key] == [changed["attribute"]]


async def test_another_type_is_a_conflict_and_changes_nothing(api: Api, fresh: Fresh) -> None:
    key = fresh("size")
    await defined(api, key, "NUMBER")

    refused = await define(api, key, "STRING", pii=True)

    assert refused["attribute"] is None
    assert [(e["code"], e["field"]) for e in refused["userErrors"]] == [("CONFLICT", ["type"])]
    (kept,) = [o for o in (await api(DEFINITIONS))["attributeDefinitions"] if o["key"] == key]
    assert (kept["type"], kept["pii"]) == ("NUMBER", False)


@pytest.mark.parametrize(
    ("given", "field"),
    [({"key": "a.b", "type": "STRING"}, "key"), ({"key": "plain", "type": "ENUM"}, "enumValues")],
)
async def test_a_definition_that_makes_no_sense_is_refused(
    api: Api, given: dict[str, Any], field: str
) -> None:
    errors = (await api(DEFINE, input=given))["defineAttribute"]["userErrors"]

    assert [(error["code"], error["field"]) for error in errors] == [("INVALID", [field])]
    assert given["key"] not in {o["key"] for o in (await api(DEFINITIONS))["attributeDefinitions"]}


async def test_declaring_needs_the_admin(call_as: CallAs, fresh: Fresh) -> None:
    caller = await call_as("customers:read", "customers:write")
    key = fresh("own")

    assert await caller.code(DEFINE, input={"key": key, "type": "STRING"}) == "FORBIDDEN"
    assert key not in {o["key"] for o in (await caller(DEFINITIONS))["attributeDefinitions"]}


async def test_an_upsert_of_another_type_is_refused_with_its_path_and_writes_nothing(
    api: Api, fresh: Fresh
) -> None:
    age, user = fresh("age"), fresh("u")
    await defined(api, age, "NUMBER")
    name = fresh("name")
    await defined(api, name, "STRING")

    assert await codes(api, user, set={age: "30", "city": "上海"}) == [("INVALID", ["set", age])]
    assert await codes(api, user, setOnce={age: True}) == [("INVALID", ["setOnce", age])]
    assert await codes(api, user, increment={name: 1}) == [("INVALID", ["increment", name])]
    assert await held(api, user) is None

    assert await codes(api, user, set={age: 30}, increment={"visits": 1}) == []
    assert await codes(api, user, increment={age: 1}) == []
    assert await codes(api, user, set={age: None}) == []
    assert await held(api, user) == {"visits": 1}


async def test_an_identify_of_another_type_is_refused_by_itself(api: Api, fresh: Fresh) -> None:
    age, good, bad = fresh("age"), fresh("u"), fresh("u")
    await defined(api, age, "NUMBER")

    results = await api.ingest(
        {"type": "identify", "userId": bad, "traits": {age: "old"}},
        {"type": "identify", "userId": good, "traits": {age: 7}},
        {"type": "track", "event": "Seen", "userId": good, "properties": {age: "free"}},
    )

    assert [result["status"] for result in results] == ["REJECTED", "RESOLVED", "RESOLVED"]
    assert [(e["code"], e["field"]) for e in results[0]["userErrors"]] == [
        ("INVALID", ["events", "0", "traits", age])
    ]
    assert await held(api, bad) is None
    assert await held(api, good) == {age: 7}


async def test_each_type_gets_a_field_of_its_own_with_its_values(
    api: Api, fresh: Fresh, settings: Settings, opensearch: AsyncOpenSearch
) -> None:
    values = {
        "STRING": "上海",
        "NUMBER": 7.5,
        "BOOLEAN": True,
        "DATE": "2026-03-01",
        "LIST": ["a", "b"],
        "GEO": {"lat": 31.2, "lon": 121.5},
        "ENUM": "dry",
    }
    keys = {kind: fresh(kind) for kind in values}
    for kind, key in keys.items():
        await defined(api, key, kind, **({"enumValues": ["dry"]} if kind == "ENUM" else {}))
    given = {keys[kind]: value for kind, value in values.items()}
    user = fresh("u")
    assert await codes(api, user, set=given, party="THIRD") == []
    one_id = await api.upsert(user_id=user)
    async with open_stores(settings) as stores:
        await upkeep(stores).projection.make_searchable([one_id])

    document = await profile(opensearch, one_id)

    expected = {**values, "DATE": "2026-03-01T00:00:00.000Z"}
    assert declared(document) == {kind.lower(): {keys[kind]: expected[kind]} for kind in values}
    assert sorted(document["parties"]) == sorted(f"{key}=THIRD" for key in keys.values())
    found = await opensearch.search(
        index="oneid-profiles",
        body={"query": {"range": {f"typed.number.{keys['NUMBER']}": {"gt": 7, "lt": 8}}}},
    )
    assert [hit["_id"] for hit in found["hits"]["hits"]] == [one_id]


async def test_values_from_before_the_declaration_are_indexed_by_it(
    api: Api, fresh: Fresh, settings: Settings, opensearch: AsyncOpenSearch
) -> None:
    key = fresh("late")
    fits, misfits = fresh("u"), fresh("u")
    assert await codes(api, fits, set={key: 3}) == []
    assert await codes(api, misfits, set={key: "three"}) == []
    one_ids = [await api.upsert(user_id=fits), await api.upsert(user_id=misfits)]
    async with open_stores(settings) as stores:
        projection = upkeep(stores).projection
        await projection.make_searchable(one_ids)
        await defined(api, key, "NUMBER")
        await projection.make_searchable(one_ids)

    documents = [await profile(opensearch, one_id) for one_id in one_ids]

    assert list(map(declared, documents)) == [{"number": {key: 3}}, {}]
    assert await held(api, misfits) == {key: "three"}


async def test_declared_personal_data_are_masked_without_the_scope(
    api: Api, call_as: CallAs, fresh: Fresh
) -> None:
    key, user = fresh("idcard"), fresh("u")
    await defined(api, key, "STRING", pii=True)
    (result,) = await api.ingest(
        {"type": "identify", "userId": user, "traits": {key: "310101", "city": "上海"}}, wait="INDEXED"
    )
    by = {"oneId": result["oneId"]}

    open_to_all = (await (await call_as("customers:read"))(READ, by=by))["customer"]
    open_to_some = (await (await call_as("customers:read", "pii:read"))(READ, by=by))["customer"]

    masked, whole = {key: "3***", "city": "上海"}, {key: "310101", "city": "上海"}
    for customer, expected in ((open_to_all, masked), (open_to_some, whole)):
        assert {one["key"]: one["value"] for one in customer["attributes"]} == expected
        assert [one["properties"] for one in customer["events"]["nodes"]] == [expected]


async def test_ten_thousand_undeclared_names_add_no_field(
    api: Api, fresh: Fresh, settings: Settings, opensearch: AsyncOpenSearch
) -> None:
    before = await opensearch.indices.get_mapping(index="oneid-*")
    users = [fresh("u") for _ in range(50)]
    items = [
        {"type": kind, "userId": user, "event": "Seen", field: {f"x{n}_{m}": m for m in range(100)}}
        for n, user in enumerate(users)
        for kind, field in (("identify", "traits"), ("track", "properties"))
    ]

    results = await api.ingest(*items, wait="INDEXED")

    assert {result["status"] for result in results} == {"INDEXED"}
    assert await opensearch.indices.get_mapping(index="oneid-*") == before
