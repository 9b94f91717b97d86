"""Which key may do what: every root field with every scope."""

import pytest

from api.graphql.schema import create_schema
from api.graphql.scopes import EVERY_KEY, Scope, scope_of
from oneid.domain.keys import SCOPES
from tests.graphql_api import Api, CallAs, Fresh
from tests.graphql_socket import connect

CORE = create_schema().core

CORE_OPERATIONS = {
    "node": '{ node(id: "x") { id } }',
    "nodes": "{ nodes(ids: []) { id } }",
    "customer": '{ customer(by: { oneId: "x" }) { oneId } }',
    "customers": "{ customers(first: 1) { totalCount } }",
    "identityRules": "{ identityRules { version } }",
    "why": '{ why(a: { oneId: "x" }, b: { oneId: "x" }) { sameCustomer } }',
    "identityDecisions": "{ identityDecisions(first: 1) { totalCount } }",
    "eventTotals": "{ eventTotals { events } }",
    "deadLetters": "{ deadLetters { totalCount } }",
    "clock": "{ clock { now } }",
    "ingestEvents": "mutation { ingestEvents(input: { events: [] }) { userErrors { code } } }",
    "upsertCustomer": "mutation { upsertCustomer(input: { identifiers: [] }) { userErrors { code } } }",
    "updateIdentityRules": "mutation { updateIdentityRules(input: { maxMerges: -1 }) { userErrors { code } } }",
    "mergeCustomers": (
        'mutation { mergeCustomers(input: { into: { oneId: "x" }, from: [] }) { userErrors { code } } }'
    ),
    "advanceClock": 'mutation { advanceClock(input: { by: "x" }) { userErrors { code } } }',
    "replayDeadLetters": "mutation { replayDeadLetters(input: { ids: [] }) { userErrors { code } } }",
    "discardDeadLetters": (
        'mutation { discardDeadLetters(input: { ids: [], reason: "x" }) { userErrors { code } } }'
    ),
}
NOBODY = 'customer: { oneId: "x" }'
NUMBER = 'identifier: { type: "user_id", value: "nobody" }'
INPUTS = {
    "unlinkIdentifier": NUMBER,
    "splitCustomer": f"{NOBODY}, identifiers: []",
    "reprocessIdentities": "dryRun: true",
    "defineAttribute": 'key: "", type: STRING',
    "defineRfm": 'key: "", order: { name: "x" }, amount: "x", recencyDays: []',
    "defineVap": 'key: "", order: { name: "x" }, amount: "x", category: "x", engagement: { name: "x" }',
    "createTag": 'name: ""',
    "updateTag": 'tag: "x"',
    "moveTag": 'tag: "x"',
    "deleteTag": 'tag: "x"',
    "assignTags": "customers: [], tags: []",
    "importTags": 'csv: ""',
    "defineLifecycle": 'key: "", name: "", stages: []',
    "installLifecycle": "template: AISAS",
    "installMomentOfTruth": "kind: FOLLOWED, minutes: 0",
    "installTagTemplates": "pack: RETAIL",
    "moveToStage": f'{NOBODY}, lifecycle: "x", stage: "x", reason: "x"',
    "setConsent": f'{NOBODY}, channel: "", purpose: "", state: GRANTED',
    "importMembers": 'segment: "x", csv: ""',
    "exportSegment": "format: CSV",
    "createSegment": 'key: "", name: ""',
    "updateSegment": 'id: "x"',
    "deleteSegment": 'id: "x"',
    "setRetentionPolicy": 'key: "", name: "", rule: { identifier: { type: "x" } }',
    "deleteRetentionPolicy": 'key: "x"',
    "applyRetentionPolicy": 'key: "x", expectedCount: 0',
    "cancelOperation": 'id: "x"',
    "eraseCustomer": NOBODY,
    "liftSuppression": NUMBER,
    "exportCustomer": NOBODY,
    "proposeMerges": "fields: []",
    "acceptMergeProposal": 'id: "x"',
    "rejectMergeProposal": 'id: "x"',
}
WRITES = {
    name: f"mutation {{ {name}(input: {{ {given} }}) {{ userErrors {{ code }} }} }}"
    for name, given in INPUTS.items()
}
READS = {
    "momentsOfTruth": "{ momentsOfTruth { key } }",
    "retentionPolicies": "{ retentionPolicies { key } }",
    "dataAudit": "{ dataAudit { customers } }",
    "identityHealth": "{ identityHealth { warnings } }",
    "attributeDefinitions": "{ attributeDefinitions { key } }",
    "segment": '{ segment(key: "x") { key } }',
    "segments": "{ segments(first: 1) { totalCount } }",
    "tags": "{ tags { path } }",
    "lifecycles": "{ lifecycles { key } }",
    "lifecyclePreview": '{ lifecyclePreview(input: { key: "x", name: "x", stages: [] }) { count } }',
    "segmentDiff": '{ segmentDiff(a: "x", b: "y") { added } }',
    "scoreModels": "{ scoreModels { key } }",
    "segmentPreview": '{ segmentPreview(rule: { identifier: { type: "user_id" } }) { count } }',
    "erasure": '{ erasure(receiptId: "x") { __typename } }',
    "households": "{ households(first: 1) { totalCount } }",
    "mergeProposals": "{ mergeProposals(first: 1) { totalCount } }",
}
OPERATIONS = {**CORE_OPERATIONS, **WRITES, **READS}
ROOT_FIELDS = {
    name: scope_of(field)
    for root in (CORE.query_type, CORE.mutation_type)
    if root
    for name, field in root.fields.items()
}


def test_every_root_field_is_tried() -> None:
    assert set(OPERATIONS) == set(ROOT_FIELDS)


async def forbidden(caller: Api) -> set[str]:
    """The root fields that this caller is refused."""
    refused = set[str]()
    for name, text in OPERATIONS.items():
        errors = (await caller.raw(text)).json().get("errors", [])
        if any(error["extensions"]["code"] == "FORBIDDEN" for error in errors):
            refused.add(name)
    return refused


@pytest.mark.parametrize("scope", sorted(SCOPES - {"admin"}))
async def test_a_scope_opens_its_own_fields_only(call_as: CallAs, scope: str) -> None:
    assert await forbidden(await call_as(scope)) == {
        n for n, needed in ROOT_FIELDS.items() if needed not in (scope, EVERY_KEY)
    }


async def test_admin_opens_everything(call_as: CallAs) -> None:
    assert await forbidden(await call_as("admin")) == set()


def test_scopes_are_those_that_keys_can_have() -> None:
    assert {scope.value for scope in Scope} <= SCOPES


BEHIND = {
    "segments:read": [
        '{ customer(by: { oneId: "x" }) { segments { key } } }',
        '{ customer(by: { oneId: "x" }) { tags { method } } }',
        '{ customer(by: { oneId: "x" }) { lifecycleStages { stage } } }',
        '{ customer(by: { oneId: "x" }) { scores(model: "x") { cell } } }',
        '{ node(id: "x") { ... on Segment { name } } }',
        '{ nodes(ids: ["x"]) { ...T } } fragment T on Tag { path method }',
        '{ customers(rule: { all: [{ not: { segment: "x" } }] }) { totalCount } }',
        '{ customers(rule: { tag: { tag: "x" } }) { totalCount } }',
        'mutation { exportSegment(input: { segment: "x", format: CSV }) { userErrors { code } } }',
        'mutation { exportSegment(input: { rule: { segment: "x" }, format: CSV }) { userErrors { code } } }',
    ],
    "customers:read": [
        '{ segment(key: "x") { members(first: 1) { nodes { oneId } } } }',
        '{ segment(key: "x") { members(first: 1) { edges { node { oneId } } } } }',
        '{ segment(key: "x") { transitions(first: 1) { nodes { customer { oneId } } } } }',
        '{ segmentPreview(rule: { identifier: { type: "user_id" } }, sample: 1) { sample { oneId } } }',
        '{ node(id: "x") { ... on Customer { attributes { key } } } }',
    ],
}


@pytest.mark.parametrize("scope", BEHIND)
async def test_what_stands_behind_a_field_needs_its_own_scope(call_as: CallAs, scope: str) -> None:
    """`customers:read` shows no segment, and `segments:read` no customer, whichever way leads to it."""
    (other,) = BEHIND.keys() - {scope}
    caller, both = await call_as(other), await call_as(scope, other)
    for text in BEHIND[scope]:
        (error,) = await caller.errors(text)
        assert error["extensions"]["code"] == "FORBIDDEN", text
        assert scope in error["message"]
        answer = (await both.raw(text)).json()
        assert "FORBIDDEN" not in {e["extensions"]["code"] for e in answer.get("errors", [])}, text


async def test_how_many_are_in_a_segment_needs_no_right_to_see_them(call_as: CallAs) -> None:
    caller = await call_as("segments:read")
    assert await caller('{ segment(key: "x") { count members(first: 1) { totalCount } } }') == {
        "segment": None
    }


async def test_a_node_that_a_key_may_not_see_is_none(api: Api, call_as: CallAs, fresh: Fresh) -> None:
    one_id = await api.upsert(user_id=fresh("u"))
    customer = (await api("query C($id: String!) { customer(by: { oneId: $id }) { id } }", id=one_id))[
        "customer"
    ]
    create = "mutation C($input: CreateSegmentInput!) { createSegment(input: $input) { segment { id } } }"
    segment = (await api(create, input={"key": fresh("s"), "name": "x"}))["createSegment"]["segment"]
    text = "query N($ids: [ID!]!) { nodes(ids: $ids) { id __typename } }"
    ids = [customer["id"], segment["id"]]
    seen = {
        scope: [
            node and node["__typename"] for node in (await (await call_as(scope))(text, ids=ids))["nodes"]
        ]
        for scope in ("customers:read", "segments:read", "analytics:read")
    }
    assert seen == {
        "customers:read": ["Customer", None],
        "segments:read": [None, "Segment"],
        "analytics:read": [None, None],
    }


async def test_a_key_that_may_only_write_learns_what_it_wrote_and_no_more(
    api: Api, call_as: CallAs, fresh: Fresh
) -> None:
    writer, user = await call_as("customers:write"), fresh("u")
    given = {"identifiers": [{"type": "user_id", "value": user}], "set": {"city": "上海"}}
    shown = "created customer { __typename id oneId version }"
    text = "mutation U($input: UpsertCustomerInput!) { upsertCustomer(input: $input) { %s } }"
    first = (await writer(text % shown, input=given))["upsertCustomer"]
    assert (first["created"], first["customer"]["version"]) == (True, 1)
    for more in ("attributes { value }", "identifiers { value }", "formerOneIds", "...F"):
        query = text % f"customer {{ oneId {more} }}" + " fragment F on Customer { createdAt }" * (
            more == "...F"
        )
        (error,) = await writer.errors(query, input={**given, "set": {"city": "北京"}})
        assert error["extensions"]["code"] == "FORBIDDEN"
    by = {"oneId": first["customer"]["oneId"]}
    kept = 'query C($by: CustomerLookup!) { customer(by: $by) { version attribute(key: "city") } }'
    assert (await api(kept, by=by))["customer"] == {"version": 1, "attribute": "上海"}


async def test_changes_of_segments_are_for_those_who_may_see_segments(url: str, call_as: CallAs) -> None:
    caller = await call_as("customers:read")
    async with connect(url, caller.headers["Authorization"]) as socket:
        await socket.subscribe("s", 'subscription { changes(types: ["SEGMENT_ENTERED"]) { id } }')
        (error,) = (await socket.receive())["payload"]["errors"]
        assert (error["extensions"]["code"], error["extensions"]["field"]) == ("FORBIDDEN", ["types"])
        assert (await socket.receive())["type"] == "complete"
        await socket.subscribe("s", "subscription { changes { segment { key } } }")
        assert (await socket.receive())["payload"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_an_operation_is_ended_by_who_started_it_or_by_who_may_change_customers(
    call_as: CallAs,
) -> None:
    starter, other = await call_as("customers:read"), await call_as("customers:read")
    writer = await call_as("customers:read", "customers:write")
    export = (
        'mutation { exportSegment(input: { rule: { identifier: { type: "user_id" } }, format: CSV }) '
        "{ operation { id } } }"
    )
    cancel = "mutation C($input: CancelOperationInput!) { cancelOperation(input: $input) { operation { status } } }"
    for entitled in (starter, writer):
        given = {"id": (await starter(export))["exportSegment"]["operation"]["id"]}
        assert await other.code(cancel, input=given) == "FORBIDDEN"
        done = (await entitled(cancel, input=given))["cancelOperation"]["operation"]
        assert done == {"status": "CANCELLED"}
