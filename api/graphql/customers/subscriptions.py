"""The change feed of customers."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Final

import strawberry

from api.graphql.context import Info
from api.graphql.customers.types import Customer
from api.graphql.fields import feed, field
from api.graphql.relay import decode_cursor, encode_cursor
from api.graphql.scalars import DateTime
from api.graphql.scopes import Scope, holds
from api.graphql.segments.queries import segment_node
from api.graphql.segments.types import Segment
from oneid.domain.changes import Change, ChangeKind, Position
from oneid.domain.keys import Actor
from oneid.errors import Forbidden, InvalidInput

CURSOR: Final = "change"
OF_SEGMENTS: Final = frozenset({ChangeKind.SEGMENT_ENTERED, ChangeKind.SEGMENT_LEFT})
NAMES: Final = ", ".join(ChangeKind)


@strawberry.type(description="Something that happened to a customer.")
class ChangeEvent:
    id: strawberry.ID = strawberry.field(description="Good for dropping doubles.")
    cursor: str = strawberry.field(description="Good for `after`: the feed goes on behind it.")
    type: str = strawberry.field(description=f"One of {NAMES}.")
    at: DateTime = strawberry.field(description="When.")
    one_id: str = strawberry.field(
        description="The customer; of a merge the one that stayed, of an erasure the one that is gone. Empty once the "
        "erasure is complete, and nobody knows it any more."
    )
    merged_one_ids: list[str] = strawberry.field(
        description="ONE-IDs that were merged away; of an erasure those that went with it."
    )
    split_one_id: str | None = strawberry.field(
        description="Of a split: the customer that the other part went to."
    )
    receipt_id: strawberry.ID | None = strawberry.field(description="Of an erasure: good for `erasure`.")
    segment_id: strawberry.Private[str | None] = None

    @field("The customer as it is now; null if it is gone.")
    async def customer(self, info: Info) -> Customer | None:
        return Customer.from_optional(await info.context.loaders.customers.load(self.one_id))

    @field("The segment that was entered or left; null of other changes, and if it is gone.")
    async def segment(self, info: Info) -> Segment | None:
        return await segment_node(info.context, self.segment_id) if self.segment_id else None

    @classmethod
    def from_domain(cls, position: Position, change: Change) -> "ChangeEvent":
        return cls(
            id=strawberry.ID(change.id),
            cursor=encode_cursor(CURSOR, position.sequence, position.near, position.far),
            type=change.kind,
            at=DateTime(change.at),
            one_id=change.one_id,
            merged_one_ids=list(change.merged_one_ids),
            split_one_id=change.split_one_id,
            receipt_id=strawberry.ID(change.receipt) if change.receipt else None,
            segment_id=change.segment,
        )


def wanted_types(types: list[str] | None, actor: Actor) -> frozenset[str]:
    """All that the actor may see without `types`. Raises InvalidInput on a type that there is not, Forbidden on one
    that the actor may not see."""
    unknown = set(types or ()) - set(ChangeKind)
    if unknown:
        names = ", ".join(sorted(unknown))
        raise InvalidInput(f"there is no change of type {names}", field=("types",))
    hidden: frozenset[str] = frozenset() if holds(actor, Scope.SEGMENTS_READ) else OF_SEGMENTS
    if types is None:
        return frozenset(ChangeKind) - hidden
    if closed := hidden.intersection(types):
        raise Forbidden(f"{min(closed)} needs the scope {Scope.SEGMENTS_READ}", field=("types",))
    return frozenset(types)


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
            strawberry.argument(
                description=f"Of {NAMES}; default: all; those of segments need `segments:read`."
            ),
        ] = None,
        after: Annotated[str | None, strawberry.argument(description="Go on behind this cursor.")] = None,
    ) -> AsyncIterator[ChangeEvent]:
        wanted, values = wanted_types(types, info.context.actor), decode_cursor(CURSOR, after, int, int, int)
        start = Position(*values) if values else None
        async with aclosing(info.context.services.changes.follow(start)) as pages:
            async for news in pages:
                await info.context.check_key()
                for position, change in news:
                    if change.kind in wanted:
                        info.context.forget()
                        yield ChangeEvent.from_domain(position, change)
