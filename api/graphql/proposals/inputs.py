"""Inputs of proposals."""

import strawberry

from api.graphql.proposals.types import AttributeComparison
from api.graphql.relay import decode_id
from oneid.domain.matching import Comparison, MatchField
from oneid.domain.proposals import ProposalRequest
from oneid.errors import NotFound


@strawberry.input(description="An attribute to compare.")
class MatchFieldInput:
    attribute: str = strawberry.field(description="Its name; a dot leads into an object, as in address.city.")
    comparison: AttributeComparison = strawberry.field(description="How its values are compared.")

    def to_domain(self) -> MatchField:
        return MatchField(self.attribute, Comparison[self.comparison.name])


@strawberry.input(description="What to look for.")
class ProposeMergesInput:
    fields: list[MatchFieldInput] | None = strawberry.field(
        default=None,
        description="What to compare, 2 to 16 attributes; by default name, firstName, lastName, birthday and "
        "the street, city, postalCode and state of address.",
    )
    min_probability: float | None = strawberry.field(
        default=None, description="How sure a proposal must be: 0.5 to 1, default 0.95."
    )

    def to_domain(self) -> ProposalRequest:
        """Raises InvalidInput."""
        base = ProposalRequest()
        fields = base.fields if self.fields is None else [field.to_domain() for field in self.fields]
        given = self.min_probability
        request = ProposalRequest(fields, base.min_probability if given is None else given)
        request.check()
        return request


@strawberry.input(description="A proposal to follow.")
class AcceptMergeProposalInput:
    id: strawberry.ID = strawberry.field(description="The proposal's global id.")
    reason: str | None = strawberry.field(default=None, description="Why, for the audit log.")


@strawberry.input(description="A proposal to turn down.")
class RejectMergeProposalInput:
    id: strawberry.ID = strawberry.field(description="The proposal's global id.")
    reason: str | None = strawberry.field(default=None, description="Why; kept with the two customers.")


def proposal_key(id_: strawberry.ID) -> str:
    """The key in a proposal's global id. Raises NotFound."""
    kind, key = decode_id(id_) or ("", "")
    if kind != "MergeProposal":
        raise NotFound("there is no such proposal", field=("id",))
    return key
