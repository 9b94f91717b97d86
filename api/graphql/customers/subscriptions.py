"""The change feed of customers."""

from collections.abc import AsyncIterator
from typing import Annotated, Final

import strawberry

from api.graphql.context import Info
from api.graphql.customers.types import Customer
from api.graphql.fields import feed, field
from api.graphql.relay import decode_cursor, encode_cursor
from api.graphql.scalars import DateTime
from api.graphql.scopes import Scope
from oneid.domain.decisions import Decision, DecisionKind
from oneid.errors import InvalidInput
from oneid.services.changes import Position

CURSOR: Final = "change"
TYPES: Final = {DecisionKind.CREATED: "CUSTOMER_CREATED", DecisionKind.MERGED: "CUSTOMER_MERGED"}


@strawberry.type(description="Something that happened to a customer.")
class ChangeEvent:
    id: strawberry.ID = strawberry.field(description="Good for dropping doubles.")
    cursor: str = strawberry.field(description="Good for `after`: the feed goes on behind it.")
    type: str = strawberry.field(description="CUSTOMER_CREATED or CUSTOMER_MERGED.")
    at: DateTime = strawberry.field(description="When.")
    one_id: str = strawberry.field(description="The customer; of a merge the one that stayed.")
    merged_one_ids: list[str] = strawberry.field(description="ONE-IDs that were merged away.")

    @field("The customer as it is now; null if it is gone.")
    async def customer(self, info: Info) -> Customer | None:
        return Customer.from_optional(await info.context.loaders.customers.load(self.one_id))

    @classmethod
    def from_domain(cls, position: Position, decision: Decision) -> "ChangeEvent":
        return cls(
            id=strawberry.ID(decision.id),
            cursor=encode_cursor(CURSOR, position.sequence, position.known),
            type=TYPES[decision.kind],
            at=DateTime(decision.at),
            one_id=decision.one_id,
            merged_one_ids=list(decision.merged_one_ids),
        )


def wanted_types(types: list[str] | None) -> frozenset[str]:
    """All without `types`. Raises InvalidInput on a type that there is not."""
    unknown = set(types or ()) - set(TYPES.values())
    if unknown:
        names = ", ".join(sorted(unknown))
        raise InvalidInput(f"there is no change of type {names}", field=("types",))
    return frozenset(TYPES.values() if types is None else types)


@strawberry.type
class CustomerSubscriptions:
    @feed(
        "What happens to customers, in order, at least once: from now on, or on from a cursor.",
        Scope.CUSTOMERS_READ,
    )
    async def changes(
        self,
        info: Info,
        types: Annotated[
            list[str] | None,
            strawberry.argument(description="CUSTOMER_CREATED, CUSTOMER_MERGED; default: all."),
        ] = None,
        after: Annotated[str | None, strawberry.argument(description="Go on behind this cursor.")] = None,
    ) -> AsyncIterator[ChangeEvent]:
        wanted, values = wanted_types(types), decode_cursor(CURSOR, after)
        reader = await info.context.services.changes.open(Position(*values) if values else None)
        async for news in reader.follow():
            await info.context.check_key()
            for position, decision in news:
                if TYPES[decision.kind] in wanted:
                    info.context.forget()
                    yield ChangeEvent.from_domain(position, decision)
