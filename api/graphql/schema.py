"""The admin schema: the sum of its nouns."""

import strawberry
from graphql import (
    GraphQLArgument,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    Undefined,
)
from strawberry.schema.config import StrawberryConfig

from api.graphql.attributes.mutations import AttributeMutations
from api.graphql.attributes.queries import AttributeQueries
from api.graphql.audits.queries import AuditQueries
from api.graphql.clock.mutations import ClockMutations
from api.graphql.clock.queries import ClockQueries
from api.graphql.consents.mutations import ConsentMutations
from api.graphql.customers.mutations import CustomerMutations
from api.graphql.customers.queries import CustomerQueries
from api.graphql.customers.subscriptions import CustomerSubscriptions
from api.graphql.dead_letters.mutations import DeadLetterMutations
from api.graphql.dead_letters.queries import DeadLetterQueries
from api.graphql.documents import Documents
from api.graphql.erasure.exports import ExportMutations
from api.graphql.erasure.mutations import ErasureMutations
from api.graphql.erasure.queries import ErasureQueries
from api.graphql.events.mutations import EventMutations
from api.graphql.events.queries import EventQueries
from api.graphql.execution import AdminSchema
from api.graphql.households.queries import HouseholdQueries
from api.graphql.identity.mutations import IdentityMutations
from api.graphql.identity.queries import IdentityQueries
from api.graphql.lifecycles.mutations import LifecycleMutations
from api.graphql.lifecycles.queries import LifecycleQueries
from api.graphql.moments.mutations import MomentMutations
from api.graphql.moments.queries import MomentQueries
from api.graphql.nodes import NodeQueries
from api.graphql.operations.mutations import OperationMutations
from api.graphql.operations.subscriptions import OperationSubscriptions
from api.graphql.proposals.mutations import ProposalMutations
from api.graphql.proposals.queries import ProposalQueries
from api.graphql.retention.mutations import RetentionMutations
from api.graphql.retention.queries import RetentionQueries
from api.graphql.scalars import SCALARS
from api.graphql.scores.mutations import ScoreMutations
from api.graphql.scores.queries import ScoreQueries
from api.graphql.segments.files import SegmentFileMutations
from api.graphql.segments.mutations import SegmentMutations
from api.graphql.segments.queries import SegmentQueries
from api.graphql.tags.mutations import TagMutations
from api.graphql.tags.queries import TagQueries


@strawberry.type(description="What can be asked.")
class Query(
    NodeQueries,
    CustomerQueries,
    IdentityQueries,
    EventQueries,
    AuditQueries,
    AttributeQueries,
    SegmentQueries,
    ScoreQueries,
    TagQueries,
    LifecycleQueries,
    MomentQueries,
    DeadLetterQueries,
    ErasureQueries,
    RetentionQueries,
    HouseholdQueries,
    ProposalQueries,
    ClockQueries,
): ...


@strawberry.type(
    description="What can be done. Every mutation takes one input and answers with `userErrors`."
)
class Mutation(
    EventMutations,
    CustomerMutations,
    IdentityMutations,
    ClockMutations,
    DeadLetterMutations,
    AttributeMutations,
    SegmentMutations,
    SegmentFileMutations,
    ScoreMutations,
    TagMutations,
    LifecycleMutations,
    MomentMutations,
    ConsentMutations,
    OperationMutations,
    ErasureMutations,
    RetentionMutations,
    ExportMutations,
    ProposalMutations,
): ...


@strawberry.type(description="What can be followed, over graphql-transport-ws or server-sent events.")
class Subscription(CustomerSubscriptions, OperationSubscriptions): ...


def create_schema() -> AdminSchema:
    """The schema with its rules of execution."""
    config = StrawberryConfig(batching_config=None, scalar_map=SCALARS)
    schema = AdminSchema(Query, Mutation, Subscription, config=config, extensions=[Documents])
    _drop_null_defaults(schema.core)
    return schema


def _drop_null_defaults(schema: GraphQLSchema) -> None:
    """A Python default of None says "may be left out", which the schema need not repeat as `= null`."""
    optional: list[GraphQLArgument | GraphQLInputField] = []
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLInputObjectType):
            optional += kind.fields.values()
        elif isinstance(kind, GraphQLObjectType):
            optional += [argument for field in kind.fields.values() for argument in field.args.values()]
    for argument in optional:
        if argument.default_value is None:
            argument.default_value = Undefined
