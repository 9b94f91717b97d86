"""Signs that identities are merged too much."""

from typing import Final

import strawberry

from api.graphql.charges import charged
from api.graphql.customers.types import Customer
from api.graphql.identity.types import IdentifierValue
from api.graphql.masking import Reader
from oneid.domain import health as domain

HEALTH_ROWS: Final = 10


@strawberry.type(description="A customer with many identifiers.")
class LargeCustomer:
    customer: Customer = strawberry.field(description="The customer.")
    identifiers: int = strawberry.field(description="How many identifiers it has.")
    merges: int = strawberry.field(description="How many merges made it.")
    warning: str | None = strawberry.field(
        description=f"From {domain.MANY_IDENTIFIERS} identifiers or {domain.MANY_MERGES} merges on: what to look at."
    )

    @classmethod
    def from_domain(cls, large: domain.LargeCustomer) -> "LargeCustomer":
        return cls(
            customer=Customer.from_domain(large.customer),
            identifiers=large.identifiers,
            merges=large.merges,
            warning=large.warning,
        )


@strawberry.type(description="A value that a limit kept from linking, because several customers use it.")
class SharedValue:
    identifier: IdentifierValue = strawberry.field(description="The value.")
    demotions: int = strawberry.field(
        description="How many decisions kept it out; the same one about the same customer counts once."
    )
    customers: int = strawberry.field(description="How many customers have used it, its owner included.")
    warning: str | None = strawberry.field(
        description=f"From {domain.MANY_CUSTOMERS} customers on: what to do about it."
    )

    @classmethod
    def from_domain(cls, shared: domain.SharedValue, reader: Reader) -> "SharedValue":
        return cls(
            identifier=IdentifierValue.from_domain(shared.identifier, reader),
            demotions=shared.demotions,
            customers=shared.customers,
            warning=shared.warning,
        )


@strawberry.type(
    description="Signs that identities are merged too much, or that values are not one person's own."
)
class IdentityHealth:
    largest_customers: list[LargeCustomer] = strawberry.field(
        description="The customers with the most identifiers, more than one, the largest first.",
        metadata=charged(size=HEALTH_ROWS),
    )
    most_shared_values: list[SharedValue] = strawberry.field(
        description="The values that limits kept from linking most often, the most shared first.",
        metadata=charged(size=HEALTH_ROWS),
    )
    warnings: list[str] = strawberry.field(description="All warnings of the two lists.")

    @classmethod
    def from_domain(cls, health: domain.IdentityHealth, reader: Reader) -> "IdentityHealth":
        return cls(
            largest_customers=[LargeCustomer.from_domain(large) for large in health.customers],
            most_shared_values=[SharedValue.from_domain(shared, reader) for shared in health.values],
            warnings=health.warnings,
        )
