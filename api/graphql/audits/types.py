"""What data there is, in numbers."""

import strawberry

from api.graphql.customers.types import DataParty
from api.graphql.scalars import DateTime
from oneid.domain import audits


@strawberry.type(description="How many customers have values that one party collected.")
class PartyCount:
    party: DataParty = strawberry.field(description="Who collected them.")
    customers: int = strawberry.field(description="How many customers.")


@strawberry.type(description="How many customers have a value of an attribute.")
class AttributeCoverage:
    key: str = strawberry.field(description="The attribute's name, up to a dot in it.")
    declared: bool = strawberry.field(description="Whether it is declared, and so good for conditions.")
    customers: int = strawberry.field(description="How many customers have a value.")
    share: float = strawberry.field(description="Of all customers: 0 to 1.")
    parties: list[PartyCount] = strawberry.field(
        description="By who collected it; of a declared attribute only."
    )

    @classmethod
    def from_domain(cls, found: audits.Coverage, customers: int) -> "AttributeCoverage":
        parties = [PartyCount(party=DataParty[p.name], customers=n) for p, n in found.parties.items()]
        return cls(
            key=found.key,
            declared=found.declared,
            customers=found.customers,
            share=part(found.customers, customers),
            parties=parties if found.declared else [],
        )


@strawberry.type(description="How many customers have an identifier of a type.")
class IdentifierCoverage:
    type: str = strawberry.field(description="The type.")
    customers: int = strawberry.field(description="How many customers have one or more.")
    share: float = strawberry.field(description="Of all customers: 0 to 1.")


@strawberry.type(description="How many customers can be reached on a channel.")
class ChannelReach:
    channel: str = strawberry.field(description="The channel, by its name in consents.")
    having: int = strawberry.field(description="How many have an identifier that it takes.")
    withdrawn: int = strawberry.field(description="How many of those withdrew their consent, or refused.")
    granted: int = strawberry.field(description="How many of those gave their consent.")
    reachable: int = strawberry.field(description="Who has what it takes and withdrew nothing.")
    share: float = strawberry.field(description="Who is reachable, of all customers: 0 to 1.")

    @classmethod
    def from_domain(cls, found: audits.Reach, customers: int) -> "ChannelReach":
        return cls(
            channel=found.channel,
            having=found.having,
            withdrawn=found.withdrawn,
            granted=found.granted,
            reachable=found.reachable,
            share=part(found.reachable, customers),
        )


@strawberry.type(
    description="Values of an attribute that should be one person's, and that several customers have."
)
class SharedAttribute:
    key: str = strawberry.field(description="The attribute.")
    values: int = strawberry.field(description="How many values several customers have, whatever their case.")
    customers: int = strawberry.field(description="How many customers have one of those.")
    complete: bool = strawberry.field(
        description="Whether those are all, and not the ten thousand commonest."
    )


@strawberry.type(description="What data there is of customers, and what can be done with it.")
class DataAudit:
    as_of: DateTime = strawberry.field(description="When it was counted, by the business clock.")
    customers: int = strawberry.field(description="All customers.")
    identified: int = strawberry.field(
        description="Those with an identifier that names a person, and not a device only."
    )
    events: int = strawberry.field(description="All events.")
    attributes: list[AttributeCoverage] = strawberry.field(
        description="Attributes that are declared or that somebody has, in order of their names."
    )
    identifiers: list[IdentifierCoverage] = strawberry.field(description="Types of identifiers.")
    channels: list[ChannelReach] = strawberry.field(description="Whom a brand can reach where.")
    shared_attributes: list[SharedAttribute] = strawberry.field(
        description="What looks like one person kept as several: an email or a phone that several customers have "
        "as an attribute."
    )
    merge_proposals: int = strawberry.field(
        description="Pairs that are probably one person and wait for a decision (`mergeProposals`)."
    )

    @classmethod
    def from_domain(cls, audit: audits.DataAudit) -> "DataAudit":
        everybody = audit.customers
        return cls(
            as_of=DateTime(audit.at),
            customers=everybody,
            identified=audit.identified,
            events=audit.events,
            attributes=[AttributeCoverage.from_domain(one, everybody) for one in audit.attributes],
            identifiers=[
                IdentifierCoverage(type=kind, customers=count, share=part(count, everybody))
                for kind, count in audit.identifiers.items()
            ],
            channels=[ChannelReach.from_domain(one, everybody) for one in audit.channels],
            shared_attributes=[
                SharedAttribute(key=s.key, values=s.values, customers=s.customers, complete=s.complete)
                for s in audit.sharing
            ],
            merge_proposals=audit.proposals,
        )


def part(count: int, everybody: int) -> float:
    return count / everybody if everybody else 0.0
