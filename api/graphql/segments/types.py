"""Segments and previews."""

from enum import Enum
from typing import Annotated

import strawberry
from strawberry.scalars import JSON

from api.graphql.charges import QUERY
from api.graphql.context import Info
from api.graphql.customers.types import Customer
from api.graphql.fields import field
from api.graphql.relay import After, Before, Connection, First, Last, Node, encode_id, page
from api.graphql.scalars import DateTime
from api.graphql.segments.pages import customer_connection
from api.graphql.segments.readable import readable
from api.graphql.segments.transitions import SegmentTransition, transition_connection
from oneid.domain.messages import format_time
from oneid.domain.segments import definitions
from oneid.services.previews import Preview


@strawberry.enum(description="How a segment gets its members.")
class SegmentKind(Enum):
    DYNAMIC = strawberry.enum_value("DYNAMIC", description="Whoever its rule is true for, at every instant.")
    STATIC = strawberry.enum_value("STATIC", description="A list that is kept by hand.")
    SNAPSHOT = strawberry.enum_value("SNAPSHOT", description="Who matched its rule when it was created.")


@strawberry.type(description="A named group of customers.")
class Segment(Node):
    key: str = strawberry.field(description="Its name in code.")
    name: str = strawberry.field(description="Its name for people.")
    kind: SegmentKind = strawberry.field(description="How it gets its members.")
    version: int = strawberry.field(description="Grows with each change; good for `expectedVersion`.")
    building: bool = strawberry.field(
        description="Whether its members are still being found out; until then nobody enters or leaves it."
    )
    created_at: DateTime = strawberry.field(description="When it was created.")
    updated_at: DateTime = strawberry.field(description="When it was last changed.")
    definition: strawberry.Private[definitions.Segment]

    @field(
        "The rule as it was written; null of a list. What personal data are compared with needs `pii:read`."
    )
    async def rule_json(self, info: Info) -> JSON | None:
        rule = self.definition.rule
        return None if rule is None else await readable(info.context, rule)

    @field("How many are in it now.")
    async def count(self, info: Info) -> int:
        return await info.context.loaders.segment_counts.load(self.definition)

    @field("Now, by the clock that decides who is in it.")
    def as_of(self, info: Info) -> DateTime:
        return DateTime(format_time(info.context.services.clock.now()))

    @field("Who is in it now, the newest customer first.", weight=QUERY)
    async def members(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Customer]:
        wanted = page(first, after, last, before)
        found = await info.context.services.segments.members(self.definition, **wanted.arguments)
        return customer_connection(found)

    @field("Who entered and left it, the oldest first.")
    async def transitions(
        self,
        info: Info,
        since: Annotated[DateTime | None, strawberry.argument(description="At this time or later.")] = None,
        first: First = None,
        after: After = None,
    ) -> Connection[SegmentTransition]:
        return await transition_connection(info.context, self.definition.id, since, page(first, after))

    @classmethod
    def from_domain(cls, segment: definitions.Segment) -> "Segment":
        return cls(
            id=encode_id("Segment", segment.id),
            key=segment.key,
            name=segment.name,
            kind=SegmentKind[segment.kind.name],
            version=segment.version,
            building=bool(segment.building),
            created_at=DateTime(segment.created_at),
            updated_at=DateTime(segment.updated_at),
            definition=segment,
        )


@strawberry.type(description="Who is in one of two segments and not in the other, now.")
class SegmentDiff:
    a: strawberry.Private[definitions.Segment]
    b: strawberry.Private[definitions.Segment]

    @field("How many are in the later one only.", weight=QUERY)
    async def added(self, info: Info) -> int:
        return await info.context.services.segments.difference(self.b, self.a)

    @field("How many are in the earlier one only.", weight=QUERY)
    async def removed(self, info: Info) -> int:
        return await info.context.services.segments.difference(self.a, self.b)

    @field("How many are in both.", weight=QUERY)
    async def stayed(self, info: Info) -> int:
        return await info.context.services.segments.common(self.a, self.b)

    @field("Who is in the later one only, the newest customer first.", weight=QUERY)
    async def added_customers(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Customer]:
        wanted = page(first, after, last, before)
        found = await info.context.services.segments.only(self.b, self.a, **wanted.arguments)
        return customer_connection(found)

    @field("Who is in the earlier one only, the newest customer first.", weight=QUERY)
    async def removed_customers(
        self, info: Info, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> Connection[Customer]:
        wanted = page(first, after, last, before)
        found = await info.context.services.segments.only(self.a, self.b, **wanted.arguments)
        return customer_connection(found)


@strawberry.type(description="How many a part of a rule is true for.")
class SegmentNodeCount:
    path: list[str] = strawberry.field(description="The part's place in the rule.")
    count: int = strawberry.field(description="How many it is true for by itself.")


@strawberry.type(description="Who a rule would find.")
class SegmentPreview:
    count: int = strawberry.field(description="How many.")
    sample: list[Customer] = strawberry.field(description="Some of them, the newest first.")
    nodes: list[SegmentNodeCount] = strawberry.field(description="How many for each part of the rule.")
    took_ms: int = strawberry.field(description="How long it took, in milliseconds.")

    @classmethod
    def from_domain(cls, preview: Preview) -> "SegmentPreview":
        return cls(
            count=preview.count,
            sample=[Customer.from_domain(record) for record in preview.sample],
            nodes=[SegmentNodeCount(path=list(path), count=n) for path, n in preview.counts.items()],
            took_ms=preview.took_ms,
        )
