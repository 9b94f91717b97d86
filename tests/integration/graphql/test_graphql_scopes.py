"""Which key may do what: every root field with every scope."""

import pytest

from api.graphql.schema import create_schema
from api.graphql.scopes import Scope, scope_of
from oneid.domain.keys import SCOPES
from tests.graphql_api import Api, CallAs

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
    "installTagTemplates": "pack: RETAIL",
    "moveToStage": f'{NOBODY}, lifecycle: "x", stage: "x", reason: "x"',
    "setConsent": f'{NOBODY}, channel: "", purpose: "", state: GRANTED',
    "importMembers": 'segment: "x", csv: ""',
    "exportSegment": 'segment: "x", format: CSV',
    "createSegment": 'key: "", name: ""',
    "updateSegment": 'id: "x"',
    "deleteSegment": 'id: "x"',
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
        n for n, needed in ROOT_FIELDS.items() if needed != scope
    }


async def test_admin_opens_everything(call_as: CallAs) -> None:
    assert await forbidden(await call_as("admin")) == set()


def test_scopes_are_those_that_keys_can_have() -> None:
    assert {scope.value for scope in Scope} <= SCOPES
