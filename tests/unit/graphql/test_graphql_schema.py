"""The schema as callers see it."""

from importlib.resources import files
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    build_schema,
    is_specified_scalar_type,
    parse,
    validate,
)

from api.graphql.examples import EXAMPLES, Example
from api.graphql.schema import create_schema
from api.graphql.scopes import scope_of

SCHEMA = create_schema()

CONTRACT = """
interface Node { id: ID! }
type PageInfo { hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String endCursor: String }
type UserError { code: ErrorCode! field: [String!] message: String! }
enum ErrorCode { INVALID REQUIRED TOO_LARGE NOT_FOUND CONFLICT VERSION_CONFLICT DUPLICATE LIMIT_EXCEEDED CYCLE
  TIMEOUT UNAVAILABLE APPROVAL_REQUIRED NO_USER_ANON_ID }
scalar DateTime scalar JSON scalar Decimal scalar EventBatch
type Query {
  node(id: ID!): Node
  nodes(ids: [ID!]!): [Node]!
  customer(by: CustomerLookup!): Customer
  customers(rule: SegmentRule, search: String, first: Int, after: String, last: Int,
    before: String): CustomerConnection!
  identityRules: IdentityRules!
  why(a: CustomerLookup!, b: CustomerLookup!): IdentityExplanation!
  identityDecisions(messageId: String, oneId: String, kind: IdentityDecisionKind, since: DateTime,
    first: Int, after: String): IdentityDecisionConnection!
  eventTotals(names: [String!], since: DateTime, until: DateTime, sum: String, groupBy: EventGroup,
    groupByProperty: String): [EventTotal!]!
  deadLetters(first: Int, after: String): DeadLetterConnection!
  households(first: Int, after: String): HouseholdConnection!
  mergeProposals(first: Int, after: String): MergeProposalConnection!
  identityHealth: IdentityHealth!
  attributeDefinitions: [AttributeDefinition!]!
  segments(first: Int, after: String): SegmentConnection!
  segment(id: ID, key: String): Segment
  segmentPreview(rule: SegmentRule!, sample: Int = 10): SegmentPreview!
  clock: Clock!
}
input CustomerLookup @oneOf { id: ID oneId: String identifier: IdentifierInput }
input IdentifierInput { type: String! value: String! }
type Customer implements Node {
  id: ID! oneId: String! formerOneIds: [String!]! version: Int! createdAt: DateTime! updatedAt: DateTime!
  identifiers(type: String): [Identifier!]!
  attributes(keys: [String!]): [Attribute!]!
  attribute(key: String!): JSON
  events(names: [String!], since: DateTime, until: DateTime, first: Int, after: String): EventConnection!
  decisions(first: Int, after: String): IdentityDecisionConnection!
}
type IdentifierValue { type: String! value: String! }
type Identifier { type: String! value: String! firstSeenAt: DateTime! lastSeenAt: DateTime! verified: Boolean!
  source: String }
type Attribute { key: String! value: JSON! source: String! party: DataParty! updatedAt: DateTime! }
enum DataParty { FIRST SECOND THIRD }
type Event implements Node { id: ID! messageId: String! type: String! name: String! timestamp: DateTime!
  receivedAt: DateTime! source: String! channel: String properties: JSON! }
type IdentityDecision { id: ID! kind: IdentityDecisionKind! at: DateTime! messageId: String ruleVersion: Int!
  oneId: String! mergedOneIds: [String!]! kept: [IdentifierValue!]! dropped: [IdentifierValue!]! manual: Boolean!
  reason: String }
enum IdentityDecisionKind { CREATED ADDED DEMOTED BLOCKED CAPPED REFUSED MERGED UNLINKED TRANSFERRED SPLIT ERASED }
type Mutation {
  ingestEvents(input: IngestEventsInput!): IngestEventsPayload!
  upsertCustomer(input: UpsertCustomerInput!): UpsertCustomerPayload!
  updateIdentityRules(input: UpdateIdentityRulesInput!): UpdateIdentityRulesPayload!
  mergeCustomers(input: MergeCustomersInput!): MergeCustomersPayload!
  advanceClock(input: AdvanceClockInput!): AdvanceClockPayload!
  replayDeadLetters(input: ReplayDeadLettersInput!): ReplayDeadLettersPayload!
  discardDeadLetters(input: DiscardDeadLettersInput!): DiscardDeadLettersPayload!
  cancelOperation(input: CancelOperationInput!): CancelOperationPayload!
  unlinkIdentifier(input: UnlinkIdentifierInput!): UnlinkIdentifierPayload!
  splitCustomer(input: SplitCustomerInput!): SplitCustomerPayload!
  eraseCustomer(input: EraseCustomerInput!): EraseCustomerPayload!
  exportCustomer(input: ExportCustomerInput!): ExportCustomerPayload!
  reprocessIdentities(input: ReprocessIdentitiesInput!): ReprocessIdentitiesPayload!
  defineAttribute(input: DefineAttributeInput!): DefineAttributePayload!
  createSegment(input: CreateSegmentInput!): CreateSegmentPayload!
  updateSegment(input: UpdateSegmentInput!): UpdateSegmentPayload!
}
input UnlinkIdentifierInput { identifier: IdentifierInput! reason: String }
type UnlinkIdentifierPayload { customer: Customer userErrors: [UserError!]! }
input SplitCustomerInput { customer: CustomerLookup! identifiers: [IdentifierInput!]! sticky: Boolean = false
  reason: String }
type SplitCustomerPayload { kept: Customer splitOff: Customer userErrors: [UserError!]! }
input EraseCustomerInput { customer: CustomerLookup! suppress: Boolean = false }
type EraseCustomerPayload { receiptId: ID userErrors: [UserError!]! }
input ExportCustomerInput { customer: CustomerLookup! }
type ExportCustomerPayload { operation: Operation userErrors: [UserError!]! }
input ReprocessIdentitiesInput { dryRun: Boolean = false }
type ReprocessIdentitiesPayload { operation: Operation userErrors: [UserError!]! }
input DefineAttributeInput { key: String! }
type DefineAttributePayload { userErrors: [UserError!]! }
type AttributeDefinition { key: String! }
input CreateSegmentInput { key: String! name: String! rule: SegmentRule }
type CreateSegmentPayload { segment: Segment userErrors: [UserError!]! }
input UpdateSegmentInput { rule: SegmentRule }
type UpdateSegmentPayload { segment: Segment userErrors: [UserError!]! }
input SegmentRule @oneOf { all: [SegmentRule!] any: [SegmentRule!] not: SegmentRule segment: ID }
type Segment implements Node { id: ID! key: String! name: String! kind: SegmentKind! ruleJson: JSON count: Int!
  asOf: DateTime! members(first: Int, after: String, last: Int, before: String): CustomerConnection! }
enum SegmentKind { DYNAMIC STATIC SNAPSHOT }
type SegmentConnection { edges: [SegmentEdge!]! nodes: [Segment!]! pageInfo: PageInfo! totalCount: Int! }
type SegmentEdge { cursor: String! node: Segment! }
type SegmentPreview { count: Int! sample: [Customer!]! }
type IngestEventsPayload { results: [IngestResult!]! userErrors: [UserError!]! }
type IngestResult { index: Int! messageId: String! status: IngestStatus! oneId: String userErrors: [UserError!]! }
enum IngestStatus { ACCEPTED RESOLVED INDEXED DUPLICATE REJECTED }
input UpsertCustomerInput { identifiers: [IdentifierInput!]! set: JSON setOnce: JSON unset: [String!] increment: JSON
  source: String party: DataParty expectedVersion: Int }
type UpsertCustomerPayload { customer: Customer created: Boolean! userErrors: [UserError!]! }
type UpdateIdentityRulesPayload { identityRules: IdentityRules userErrors: [UserError!]! }
type MergeCustomersPayload { customer: Customer userErrors: [UserError!]! }
input MergeCustomersInput { into: CustomerLookup! from: [CustomerLookup!]! reason: String }
type Clock { now: DateTime! offsetSeconds: Float! }
input AdvanceClockInput @oneOf { by: String to: DateTime }
type AdvanceClockPayload { clock: Clock! userErrors: [UserError!]! }
input IngestEventsInput { events: EventBatch! wait: IngestWait = ACCEPTED }
enum IngestWait { ACCEPTED RESOLVED INDEXED }
input ReplayDeadLettersInput { ids: [ID!]! }
type ReplayDeadLettersPayload { userErrors: [UserError!]! }
input DiscardDeadLettersInput { ids: [ID!]! reason: String! }
type DiscardDeadLettersPayload { userErrors: [UserError!]! }
input UpdateIdentityRulesInput { reset: Boolean = false types: [IdentifierTypeRuleInput!] block: [BlockedValueInput!]
  unblock: [BlockedValueInput!] maxMerges: Int maxIdentifiers: Int aliasMerges: Boolean
  sharedIdentifierPolicy: SharedIdentifierPolicy consentRequired: Boolean }
input IdentifierTypeRuleInput { type: String! priority: Int limit: Int windowDays: Int joinsPeople: Boolean
  household: Boolean transferOnVerified: Boolean genericAfter: Int genericAnchor: String
  normalizer: IdentifierNormalizer }
enum IdentifierNormalizer { NONE LOWER EMAIL PHONE }
type IdentityRules { version: Int! types: [IdentifierTypeRule!]! blocked: [BlockedValue!]! maxMerges: Int!
  maxIdentifiers: Int! aliasMerges: Boolean! sharedIdentifierPolicy: SharedIdentifierPolicy! consentRequired: Boolean! }
type IdentifierTypeRule { type: String! priority: Int! limit: Int! windowDays: Int! joinsPeople: Boolean!
  household: Boolean! transferOnVerified: Boolean! normalizer: IdentifierNormalizer! }
type BlockedValue { type: String regex: String exact: String }
type IdentityExplanation { sameCustomer: Boolean! path: [EvidenceStep!]! keptApartBy: IdentityDecision }
type EvidenceStep { from: IdentifierValue! to: IdentifierValue! messageId: String at: DateTime!
  decision: IdentityDecision }
type EventTotal { key: String! events: Int! customers: Int! sum: Decimal }
enum EventGroup { NAME SOURCE CHANNEL HOUR DAY WEEK MONTH }
input BlockedValueInput { type: String regex: String exact: String }
enum SharedIdentifierPolicy { FIRST_OWNER LAST_LOGIN QUARANTINE }
type CustomerConnection { edges: [CustomerEdge!]! nodes: [Customer!]! pageInfo: PageInfo! totalCount: Int! }
type CustomerEdge { cursor: String! node: Customer! }
type EventConnection { edges: [EventEdge!]! nodes: [Event!]! pageInfo: PageInfo! totalCount: Int! }
type EventEdge { cursor: String! node: Event! }
type IdentityDecisionConnection { edges: [IdentityDecisionEdge!]! nodes: [IdentityDecision!]! pageInfo: PageInfo!
  totalCount: Int! }
type IdentityDecisionEdge { cursor: String! node: IdentityDecision! }
type DeadLetterConnection { edges: [DeadLetterEdge!]! nodes: [DeadLetter!]! pageInfo: PageInfo! totalCount: Int! }
type DeadLetterEdge { cursor: String! node: DeadLetter! }
type DeadLetter { id: ID! }
type HouseholdConnection { edges: [HouseholdEdge!]! nodes: [Household!]! pageInfo: PageInfo! totalCount: Int! }
type HouseholdEdge { cursor: String! node: Household! }
type Household implements Node { id: ID! identifier: IdentifierValue!
  members(first: Int, after: String): CustomerConnection! createdAt: DateTime! }
type MergeProposalConnection { edges: [MergeProposalEdge!]! nodes: [MergeProposal!]! pageInfo: PageInfo!
  totalCount: Int! }
type MergeProposalEdge { cursor: String! node: MergeProposal! }
type MergeProposal implements Node { id: ID! customers: [Customer!]! probability: Float! }
type IdentityHealth { largestCustomers: [LargeCustomer!]! mostSharedValues: [SharedValue!]! warnings: [String!]! }
type LargeCustomer { customer: Customer! identifiers: Int! merges: Int! warning: String }
type SharedValue { identifier: IdentifierValue! demotions: Int! customers: Int! warning: String }
type ChangeEvent { id: ID! cursor: String! type: String! at: DateTime! oneId: String! mergedOneIds: [String!]!
  customer: Customer }
type Operation implements Node { id: ID! kind: String! status: OperationStatus! done: Int! total: Int errors: Int!
  createdAt: DateTime! startedAt: DateTime finishedAt: DateTime result: JSON error: String resultUrl: String }
enum OperationStatus { QUEUED RUNNING COMPLETED FAILED CANCELLED }
input CancelOperationInput { id: ID! }
type CancelOperationPayload { operation: Operation userErrors: [UserError!]! }
type Subscription { changes(types: [String!], after: String): ChangeEvent! operationUpdated(id: ID!): Operation! }
"""
"""What the contract promises of this part: the schema may have more, never less and never otherwise."""

Shape = dict[str, Any]


def shape(kind: Any) -> Shape:
    """What callers rely on: members by name with their types, arguments included."""
    if isinstance(kind, GraphQLEnumType):
        return dict.fromkeys(kind.values)
    if isinstance(kind, GraphQLInputObjectType):
        return {name: (str(f.type), f.default_value) for name, f in kind.fields.items()}
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        return {
            name: (str(f.type), {n: (str(a.type), a.default_value) for n, a in f.args.items()})
            for name, f in kind.fields.items()
        }
    return {}


PROMISED = {
    name: kind
    for name, kind in build_schema(CONTRACT).type_map.items()
    if not name.startswith("__") and not is_specified_scalar_type(kind)
}
OWN = {
    name: kind
    for name, kind in build_schema(SCHEMA.as_str()).type_map.items()
    if not name.startswith("__") and not is_specified_scalar_type(kind)
}


def test_the_printed_schema_is_the_one_in_the_repository() -> None:
    stored = files("api").joinpath("schema.graphql").read_text("utf-8")
    assert stored == SCHEMA.as_str() + "\n", "print it again: python -m api.graphql > api/schema.graphql"


@pytest.mark.parametrize("name", PROMISED)
def test_the_schema_keeps_the_contract(name: str) -> None:
    promised, own = shape(PROMISED[name]), shape(OWN[name])
    assert type(OWN[name]) is type(PROMISED[name])
    assert {member: own.get(member) for member in promised} == promised


def test_one_of_inputs_take_exactly_one() -> None:
    marked = [n for n, kind in OWN.items() if isinstance(kind, GraphQLInputObjectType) and kind.is_one_of]
    assert sorted(marked) == ["AdvanceClockInput", "CustomerLookup", "SegmentRule"]


@pytest.mark.parametrize("name", OWN)
def test_everything_has_a_description(name: str) -> None:
    kind: Any = OWN[name]
    missing = [] if kind.description else [name]
    members = kind.values if isinstance(kind, GraphQLEnumType) else getattr(kind, "fields", {})
    for member, definition in members.items():
        missing += [] if definition.description else [f"{name}.{member}"]
        arguments = getattr(definition, "args", {})
        missing += [f"{name}.{member}({a}:)" for a, argument in arguments.items() if not argument.description]
    assert missing == []


def test_every_root_field_declares_a_scope() -> None:
    core = SCHEMA.core
    roots = (core.query_type, core.mutation_type, core.subscription_type)
    open_fields = [n for root in roots if root for n, f in root.fields.items() if scope_of(f) is None]
    assert open_fields == []


def test_every_mutation_takes_one_input_and_answers_with_user_errors() -> None:
    assert SCHEMA.core.mutation_type is not None
    for name, field in SCHEMA.core.mutation_type.fields.items():
        upper = name[0].upper() + name[1:]
        assert {n: str(a.type) for n, a in field.args.items()} == {"input": f"{upper}Input!"}
        assert str(field.type) == f"{upper}Payload!"
        assert str(getattr(OWN[f"{upper}Payload"], "fields", {})["userErrors"].type) == "[UserError!]!"


def test_scalars_are_only_those_of_the_contract() -> None:
    scalars = {name for name, kind in OWN.items() if isinstance(kind, GraphQLScalarType)}
    assert scalars == {"DateTime", "JSON", "Decimal", "EventBatch"}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.query.split("\n")[0])
def test_every_example_is_valid(example: Example) -> None:
    assert validate(SCHEMA.core, parse(example.query)) == []
