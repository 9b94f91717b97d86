"""Merge proposals and their evidence."""

from enum import Enum

import strawberry

from api.graphql.context import Info
from api.graphql.customers.types import Customer
from api.graphql.fields import field
from api.graphql.relay import Node, encode_id
from api.graphql.scalars import DateTime
from oneid.domain import matching
from oneid.domain import proposals as domain


@strawberry.enum(description="How two values of an attribute are compared.")
class AttributeComparison(Enum):
    NAME = strawberry.enum_value(
        "NAME", description="By their look; agreement on a rare one says more than on a frequent one."
    )
    TEXT = strawberry.enum_value("TEXT", description="By their look.")
    CODE = strawberry.enum_value(
        "CODE",
        description="Letters and digits alone, one or two of them mistyped: dates, postcodes, numbers.",
    )


@strawberry.enum(description="How far two values agree.")
class Agreement(Enum):
    EXACT = strawberry.enum_value("EXACT", description="The same, apart from case and spaces.")
    CLOSE = strawberry.enum_value("CLOSE", description="Alike.")
    DIFFERENT = strawberry.enum_value("DIFFERENT", description="Not alike.")
    MISSING = strawberry.enum_value("MISSING", description="One of the two has no value.")


@strawberry.type(description="What one attribute says about a proposal.")
class AttributeEvidence:
    attribute: str = strawberry.field(description="The attribute; a dot leads into an object.")
    agreement: Agreement = strawberry.field(description="How far the two values agree.")
    weight: float = strawberry.field(
        description="Bits for one person, negative: against. One bit more doubles the odds."
    )

    @classmethod
    def from_domain(cls, evidence: matching.FieldEvidence) -> "AttributeEvidence":
        return cls(
            attribute=evidence.attribute,
            agreement=Agreement[evidence.agreement.name],
            weight=evidence.weight,
        )


@strawberry.type(description="Two customers that are probably one person, for a person to decide.")
class MergeProposal(Node):
    probability: float = strawberry.field(description="That they are one person, from 0 to 1.")
    weight: float = strawberry.field(description="The same in bits: the evidence and the prior, added up.")
    evidence: list[AttributeEvidence] = strawberry.field(description="What each compared attribute says.")
    proposed_at: DateTime = strawberry.field(description="When the search found it.")
    one_ids: strawberry.Private[tuple[str, ...]]

    @field("The customers, the oldest first: it is the one that stays when the proposal is accepted.", size=2)
    async def customers(self, info: Info) -> list[Customer]:
        found = await info.context.loaders.customers.load_many(self.one_ids)
        return [Customer.from_domain(record) for record in found if record]

    @classmethod
    def from_domain(cls, proposal: domain.MergeProposal) -> "MergeProposal":
        return cls(
            id=encode_id("MergeProposal", proposal.id),
            probability=proposal.probability,
            weight=proposal.weight,
            evidence=[AttributeEvidence.from_domain(evidence) for evidence in proposal.evidence],
            proposed_at=DateTime(proposal.proposed_at),
            one_ids=proposal.one_ids,
        )
