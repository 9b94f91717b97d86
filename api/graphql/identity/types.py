"""Identifiers, decisions and the evidence between them."""

from enum import Enum

import strawberry

from api.graphql.masking import Reader
from api.graphql.scalars import DateTime
from oneid.domain.decisions import Decision, DecisionKind
from oneid.domain.identifiers import Identifier


@strawberry.enum(description="What was decided.")
class IdentityDecisionKind(Enum):
    CREATED = strawberry.enum_value("CREATED", description="A new customer.")
    ADDED = strawberry.enum_value("ADDED", description="Identifiers joined a customer.")
    DEMOTED = strawberry.enum_value(
        "DEMOTED", description="Identifiers were left out: over a limit, or no consent."
    )
    BLOCKED = strawberry.enum_value("BLOCKED", description="Values that identify nobody were dropped.")
    CAPPED = strawberry.enum_value("CAPPED", description="A merge or mapping would have passed a cap.")
    REFUSED = strawberry.enum_value("REFUSED", description="A merge that the rules do not allow.")
    MERGED = strawberry.enum_value("MERGED", description="Customers became one.")
    UNLINKED = strawberry.enum_value(
        "UNLINKED",
        description="Identifiers were taken off a customer: by an operator, or because too many share them.",
    )
    TRANSFERRED = strawberry.enum_value(
        "TRANSFERRED", description="Identifiers moved to who proved them, or to who logged in last."
    )
    SPLIT = strawberry.enum_value("SPLIT", description="A customer became two.")
    ERASED = strawberry.enum_value("ERASED", description="A person was erased.")


@strawberry.type(description="An identifier: a type and its normalised value.")
class IdentifierValue:
    type: str = strawberry.field(description="The declared type, such as phone.")
    value: str = strawberry.field(description="The normalised value; masked without `pii:read`.")

    @classmethod
    def from_domain(cls, identifier: Identifier, reader: Reader) -> "IdentifierValue":
        return cls(type=identifier.type, value=reader.identifier(identifier))


@strawberry.type(description="One entry of the audit log: what was decided about identities, and why.")
class IdentityDecision:
    id: strawberry.ID = strawberry.field(description="The decision's id.")
    kind: IdentityDecisionKind = strawberry.field(description="What was decided.")
    at: DateTime = strawberry.field(description="When.")
    message_id: str | None = strawberry.field(
        description="The message that led to it; null for an operator's act."
    )
    rule_version: int = strawberry.field(description="The version of the identity rules that applied.")
    one_id: str = strawberry.field(description="The customer it is about; empty where none was made.")
    merged_one_ids: list[str] = strawberry.field(description="ONE-IDs that were merged away.")
    kept: list[IdentifierValue] = strawberry.field(
        description="The identifiers that were joined, or beside which others were left out."
    )
    dropped: list[IdentifierValue] = strawberry.field(description="The identifiers that were left out.")
    manual: bool = strawberry.field(description="Whether an operator did it.")
    reason: str | None = strawberry.field(description="Why, where there is more to say.")
    split_one_id: str | None = strawberry.field(
        description="Of a split: the customer that the dropped identifiers went to."
    )
    from_one_id: str | None = strawberry.field(
        description="Of a transfer: the customer that the identifiers were taken from."
    )
    sticky: bool = strawberry.field(description="Of a split: whether later events must respect it.")

    @classmethod
    def from_domain(cls, decision: Decision, reader: Reader) -> "IdentityDecision":
        return cls(
            id=strawberry.ID(decision.id),
            kind=IdentityDecisionKind[decision.kind.value],
            at=DateTime(decision.at),
            message_id=decision.message_id,
            rule_version=decision.rule_version,
            one_id=decision.one_id,
            merged_one_ids=list(decision.merged_one_ids),
            kept=[IdentifierValue.from_domain(identifier, reader) for identifier in decision.kept],
            dropped=[IdentifierValue.from_domain(identifier, reader) for identifier in decision.dropped],
            manual=decision.manual,
            reason=decision.reason,
            split_one_id=decision.other_one_id if decision.kind is DecisionKind.SPLIT else None,
            from_one_id=decision.other_one_id if decision.kind is DecisionKind.TRANSFERRED else None,
            sticky=decision.sticky,
        )
