"""Why two are one customer, or are not."""

import strawberry

from api.graphql.identity.types import IdentifierValue, IdentityDecision
from api.graphql.masking import Reader
from api.graphql.scalars import DateTime
from oneid.domain.explanation import Explanation, Step


@strawberry.type(description="One step of a path of evidence: a decision joined these two identifiers.")
class EvidenceStep:
    from_: IdentifierValue = strawberry.field(name="from", description="Where the step starts.")
    to: IdentifierValue = strawberry.field(description="Where it ends.")
    message_id: str | None = strawberry.field(
        description="The message that named both; null for an operator's act."
    )
    at: DateTime = strawberry.field(description="When it was decided.")
    decision: IdentityDecision | None = strawberry.field(description="The decision itself.")

    @classmethod
    def from_domain(cls, step: Step, reader: Reader) -> "EvidenceStep":
        return cls(
            from_=IdentifierValue.from_domain(step.start, reader),
            to=IdentifierValue.from_domain(step.end, reader),
            message_id=step.decision.message_id,
            at=DateTime(step.decision.at),
            decision=IdentityDecision.from_domain(step.decision, reader),
        )


@strawberry.type(description="Why two are one customer, or what keeps them apart.")
class IdentityExplanation:
    same_customer: bool = strawberry.field(description="Whether they are one customer.")
    path: list[EvidenceStep] = strawberry.field(
        description="The shortest path of evidence: identifier, event, identifier ... Empty if they are two."
    )
    kept_apart_by: IdentityDecision | None = strawberry.field(
        description="The last decision that kept them apart, if there was one."
    )

    @classmethod
    def from_domain(cls, explanation: Explanation, reader: Reader) -> "IdentityExplanation":
        apart = explanation.kept_apart_by
        return cls(
            same_customer=explanation.same_customer,
            path=[EvidenceStep.from_domain(step, reader) for step in explanation.path],
            kept_apart_by=IdentityDecision.from_domain(apart, reader) if apart else None,
        )
