"""How often the stores are asked."""

from collections.abc import Sequence
from typing import Any

import pytest

from api.graphql.relay import encode_id
from graph.client import Graph
from search.client import Search
from tests.graphql_api import Api, Fresh
from tests.integration.graphql.test_graphql_segment_files import IMPORT
from tests.integration.graphql.test_graphql_segments import CREATE
from tests.integration.graphql.test_graphql_tags import ASSIGN

MERGE = (
    "mutation M($input: MergeCustomersInput!) { mergeCustomers(input: $input) { userErrors { code field } } }"
)

PAGE = """
query Page($search: String, $first: Int) {
  customers(search: $search, first: $first) {
    nodes {
      oneId formerOneIds
      identifiers { type value }
      attributes { key value }
      events(first: 5) { totalCount nodes { name } }
      decisions(first: 5) { totalCount nodes { kind } }
    }
  }
}
"""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the stores are asked from now on: names of graph queries, paths of searches. Keys, health and the
    consumer's look for work are not what a caller asks."""
    calls = list[str]()
    read, once = Graph.read, Search.once

    async def counted_read(self: Graph, name: str, query: Any, /, **parameters: Any) -> Any:
        if not name.startswith(("keys", "ready", "rebuilds")):
            calls.append(name)
        return await read(self, name, query, **parameters)

    async def counted_once(self: Search, method: str, path: str, *rest: Any, **params: Any) -> Any:
        calls.append(path)
        return await once(self, method, path, *rest, **params)

    monkeypatch.setattr(Graph, "read", counted_read)
    monkeypatch.setattr(Search, "once", counted_once)
    return calls


@pytest.mark.usefixtures("consumer")
async def test_a_page_of_a_hundred_customers_asks_no_more_often_than_one_of_five(
    api: Api, fresh: Fresh, asked: list[str]
) -> None:
    family = fresh("zzload").replace("-", "")
    people = [
        {"type": "identify", "userId": fresh("u"), "traits": {"name": f"P{n} {family}"}} for n in range(100)
    ]
    await api.ingest(*people, wait="INDEXED")
    await api("{ identityRules { version } }")
    counts = list[int]()
    for size in (5, 100):
        asked.clear()
        nodes = (await api(PAGE, search=family, first=size))["customers"]["nodes"]
        assert len(nodes) == size
        assert all(node["events"]["totalCount"] == 1 for node in nodes)
        assert all(node["decisions"]["nodes"] == [{"kind": "CREATED"}] for node in nodes)
        counts.append(len([call for call in asked if call != "rules.read"]))
    assert counts == [5, 5], "profiles, customers, events, decisions, their counts"


async def test_a_customer_with_identifiers_and_attributes_is_one_query(
    api: Api, fresh: Fresh, asked: list[str]
) -> None:
    user = fresh("u")
    await api.upsert(user_id=user)
    by = {"identifier": {"type": "user_id", "value": user}}
    text = "query C($by: CustomerLookup!) { customer(by: $by) { oneId identifiers { value } attributes { key } } }"
    await api(text, by=by)
    asked.clear()
    await api(text, by=by)
    assert [name for name in asked if name != "rules.read"] == ["customers.by_identifier"]


SEGMENTS = """
query S($ids: [ID!]!) { nodes(ids: $ids) { ... on Segment {
  key count transitions(first: 5) { totalCount nodes { kind } }
} } }
"""
TAGS = """
query T($ids: [ID!]!) { nodes(ids: $ids) { ... on Tag { count rollUpCount parent { path } children { path } } } }
"""
LIFECYCLES = "query L($ids: [ID!]!) { nodes(ids: $ids) { ... on Lifecycle { distribution { count } } } }"
OPERATIONS = "query O($ids: [ID!]!) { nodes(ids: $ids) { ... on Operation { status } } }"
HELD = """
query H($ids: [ID!]!) { nodes(ids: $ids) { ... on Customer {
  segments { count } tags { tag { count } } lifecycleStages { lifecycle { distribution { count } } }
  households { members(first: 1) { totalCount } } consents { channel } scores(model: "none") { cell }
} } }
"""
NOBODY = {"identifier": {"type": "nobody_has_this"}}


async def often(api: Api, asked: list[str], text: str, ids: Sequence[str]) -> list[int]:
    """How often the stores are asked for two of the objects, and for all of them, once what is kept is known."""
    await api(text, ids=ids)
    counts = list[int]()
    for some in (ids[:2], ids):
        asked.clear()
        assert None not in (await api(text, ids=some))["nodes"]
        counts.append(len([call for call in asked if call != "rules.read"]))
    return counts


async def test_many_nodes_of_a_kind_are_asked_for_as_often_as_two(
    api: Api, fresh: Fresh, asked: list[str]
) -> None:
    names = [fresh("n").replace("-", "_") for _ in range(6)]
    ids = dict[str, list[str]]()
    for kind, mutation, given in (
        ("segment", "createSegment", {"rule": NOBODY}),
        ("tag", "createTag", {"rule": NOBODY}),
        ("lifecycle", "defineLifecycle", {"stages": [stage("a"), stage("b")]}),
    ):
        upper = mutation[0].upper() + mutation[1:]
        text = f"mutation M($input: {upper}Input!) {{ {mutation}(input: $input) {{ {kind} {{ id }} }} }}"
        inputs = [{"name": n, **({} if kind == "tag" else {"key": n}), **given} for n in names]
        ids[kind] = [(await api(text, input=one))[mutation][kind]["id"] for one in inputs]
    export = "mutation E($input: ExportSegmentInput!) { exportSegment(input: $input) { operation { id } } }"
    wanted = {"rule": NOBODY, "format": "CSV"}
    ids["operation"] = [(await api(export, input=wanted))["exportSegment"]["operation"]["id"] for _ in names]
    await api("{ identityRules { version } }")

    for kind, text in (
        ("segment", SEGMENTS),
        ("tag", TAGS),
        ("lifecycle", LIFECYCLES),
        ("operation", OPERATIONS),
    ):
        few, many = await often(api, asked, text, ids[kind])
        assert few == many, kind
    assert await often(api, asked, OPERATIONS, ids["operation"]) == [1, 1]


@pytest.mark.usefixtures("consumer")
async def test_what_hangs_on_customers_is_asked_for_as_often_as_for_two(
    api: Api, fresh: Fresh, asked: list[str]
) -> None:
    results = await api.ingest(
        *({"type": "identify", "userId": fresh("u")} for _ in range(8)), wait="INDEXED"
    )
    people = [{"oneId": result["oneId"]} for result in results]
    for n in range(3):
        key = fresh("list").replace("-", "_")
        members = people[: 2 + 3 * n]
        assert (await api(CREATE, input={"key": key, "name": key, "members": members}))["createSegment"][
            "segment"
        ]
    ids = [encode_id("Customer", result["oneId"]) for result in results]
    await api("{ identityRules { version } }")

    few, many = await often(api, asked, HELD, ids)

    assert few == many


@pytest.mark.usefixtures("consumer")
async def test_whom_a_mutation_names_is_read_at_once_and_not_at_all_if_there_are_too_many(
    api: Api, fresh: Fresh, asked: list[str]
) -> None:
    users = [fresh("u") for _ in range(10)]
    for user in users:
        await api.upsert(user_id=user)
    lookups = [{"identifier": {"type": "user_id", "value": user}} for user in users]
    nobody = {"identifier": {"type": "user_id", "value": "nobody"}}

    def people() -> int:
        return len([call for call in asked if call == "customers.by_identifier"])

    csv = "\n".join(["type,value", *(f"user_id,{user}" for user in users)])
    key = fresh("list").replace("-", "_")
    asked.clear()
    await api(CREATE, input={"key": key, "name": key, "members": lookups})
    assert people() == 1
    asked.clear()
    await api(IMPORT, input={"segment": key, "csv": csv})
    assert people() == 1
    asked.clear()
    for query, given, field in (
        (CREATE, {"key": f"{key}-2", "name": key, "members": [*lookups, *[nobody] * 991]}, "members"),
        (ASSIGN, {"customers": [nobody] * 1001, "tags": []}, "customers"),
        (MERGE, {"into": lookups[0], "from": [nobody] * 101}, "from"),
    ):
        (payload,) = (await api(query, input=given)).values()
        assert [(e["code"], e["field"]) for e in payload["userErrors"]] == [("TOO_LARGE", [field])]
    assert people() == 0
    given = {"into": lookups[0], "from": [lookups[1], nobody]}
    payload = (await api(MERGE, input=given))["mergeCustomers"]
    assert [(e["code"], e["field"]) for e in payload["userErrors"]] == [("NOT_FOUND", ["from", "1"])]


async def test_what_a_mutation_changed_is_read_anew_within_the_same_operation(api: Api, fresh: Fresh) -> None:
    one, two = await api.upsert(user_id=fresh("u")), await api.upsert(user_id=fresh("u"))
    text = """
    mutation M($one: String!, $two: String!, $input: AssignTagsInput!, $tag: CreateTagInput!) {
      createTag(input: $tag) { tag { count } }
      given: assignTags(input: $input) { changed }
      mergeCustomers(input: { into: { oneId: $one }, from: [{ oneId: $two }] }) {
        customer { decisions { nodes { kind } } }
      }
      upsertCustomer(input: { identifiers: [{ type: "device_id", value: "d" }] }) { created }
      setConsent(input: { customer: { oneId: $one }, channel: "email", purpose: "x", state: GRANTED }) {
        customer { tags { tag { path } } decisions { nodes { kind } } }
      }
      moved: moveTag(input: { tag: $path }) { tag { path children { path } } }
    }
    """
    path = fresh("t")
    child = f"{path}/below"
    text = text.replace("$tag: CreateTagInput!", "$tag: CreateTagInput!, $path: ID!, $child: CreateTagInput!")
    text = text.replace(
        "moved:", "child: createTag(input: $child) { tag { parent { children { path } } } } moved:"
    )
    data = await api(
        text,
        one=one,
        two=two,
        path=path,
        tag={"name": path},
        child={"name": "below", "parent": path},
        input={"customers": [{"oneId": two}], "tags": [path]},
    )
    assert data["mergeCustomers"]["customer"]["decisions"]["nodes"][-1] == {"kind": "MERGED"}
    assert {"tag": {"path": path}} in data["setConsent"]["customer"]["tags"]
    assert data["child"]["tag"]["parent"]["children"] == [{"path": child}]
    assert data["moved"]["tag"]["children"] == [{"path": child}]


def stage(key: str) -> dict[str, Any]:
    return {"key": key, "name": key, "rule": NOBODY}
