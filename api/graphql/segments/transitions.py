"""Who entered and left a segment."""

from datetime import UTC, datetime
from enum import Enum
from typing import Final

import strawberry

from api.graphql.context import Context, Info
from api.graphql.customers.types import Customer
from api.graphql.fields import field
from api.graphql.loaders import TransitionsOf
from api.graphql.relay import Connection, Page, decode_cursor, encode_cursor
from api.graphql.scalars import DateTime
from oneid.domain.messages import format_time, parse_time
from oneid.domain.segments import membership
from oneid.domain.segments.intervals import milliseconds

CURSOR: Final = "transition"


@strawberry.enum(description="What happened between a customer and a segment.")
class TransitionKind(Enum):
    ENTERED = strawberry.enum_value("ENTERED", description="The rule became true for the customer.")
    LEFT = strawberry.enum_value("LEFT", description="The rule stopped being true for the customer.")


@strawberry.type(description="A customer entered or left a segment.")
class SegmentTransition:
    id: strawberry.ID = strawberry.field(description="Good for dropping doubles.")
    kind: TransitionKind = strawberry.field(description="What happened.")
    at: DateTime = strawberry.field(description="When, by the business clock.")
    one_id: str = strawberry.field(description="The customer, by the ONE-ID of that time.")

    @field("The customer as it is now; null if it is gone.")
    async def customer(self, info: Info) -> Customer | None:
        return Customer.from_optional(await info.context.loaders.customers.load(self.one_id))

    @classmethod
    def from_domain(cls, transition: membership.Transition) -> "SegmentTransition":
        return cls(
            id=strawberry.ID(transition.id),
            kind=TransitionKind[transition.kind.name],
            at=told(transition.at),
            one_id=transition.one_id,
        )


def told(at: int) -> DateTime:
    """Milliseconds since 1970 as a time."""
    return DateTime(format_time(datetime.fromtimestamp(at / 1000, UTC)))


async def transition_connection(
    context: Context, segment: str, since: DateTime | None, wanted: Page
) -> Connection[SegmentTransition]:
    """A page of a segment's transitions, the oldest first."""
    loaders = context.loaders
    low = milliseconds(parse_time(since).timestamp()) if since else 0
    (start,) = decode_cursor(CURSOR, wanted.after, int) or [0]
    found = await loaders.transitions.load(TransitionsOf(segment, wanted.size + 1, start, low))
    items = [
        (encode_cursor(CURSOR, one.sequence), SegmentTransition.from_domain(one))
        for one in found[: wanted.size]
    ]

    async def count() -> int:
        return await loaders.transition_counts.load((segment, low))

    return Connection[SegmentTransition].of(
        items, has_next=len(found) > wanted.size, has_previous=wanted.after is not None, count=count
    )
