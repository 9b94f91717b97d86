"""Reading segments, and asking what a rule would find."""

from typing import Annotated, Final

import strawberry

from api.graphql.charges import PREVIEW
from api.graphql.context import Context, Info
from api.graphql.fields import root
from api.graphql.relay import After, Connection, First, decode_cursor, encode_cursor, page
from api.graphql.scopes import Scope
from api.graphql.segments.rules import SegmentRule, segment_name
from api.graphql.segments.types import Segment, SegmentDiff, SegmentPreview

CURSOR: Final = "segment"

Rule = Annotated[SegmentRule, strawberry.argument(description="The rule, which need not be saved.")]
Sample = Annotated[int | None, strawberry.argument(description="How many customers to show: 0 to 100.")]
Earlier = Annotated[strawberry.ID, strawberry.argument(description="The earlier one, by global id or key.")]
Later = Annotated[strawberry.ID, strawberry.argument(description="The later one, by global id or key.")]
Id = Annotated[strawberry.ID | None, strawberry.argument(description="The global id.")]
Key = Annotated[str | None, strawberry.argument(description="The key.")]


async def segment_node(context: Context, key: str) -> Segment | None:
    """A segment by its own id."""
    found = await context.loaders.segments.load(key)
    return Segment.from_domain(found) if found else None


@strawberry.type
class SegmentQueries:
    @root("One segment, by global id or by key; null if there is none.", Scope.SEGMENTS_READ)
    async def segment(self, info: Info, id: Id = None, key: Key = None) -> Segment | None:
        name = segment_name(id) if id else key
        return await segment_node(info.context, name) if name else None

    @root("Segments, in order of their keys.", Scope.SEGMENTS_READ)
    async def segments(self, info: Info, first: First = None, after: After = None) -> Connection[Segment]:
        services, wanted = info.context.services.segments, page(first, after)
        values = decode_cursor(CURSOR, after, str)
        found = await services.page(wanted.size + 1, values[0] if values else "")
        items = [(encode_cursor(CURSOR, one.key), Segment.from_domain(one)) for one in found[: wanted.size]]
        has_next = len(found) > wanted.size
        return Connection[Segment].of(
            items, has_next=has_next, has_previous=after is not None, count=services.total
        )

    @root(
        "Who is in one of two segments and not in the other; snapshots of two days, mostly.",
        Scope.SEGMENTS_READ,
    )
    async def segment_diff(self, info: Info, a: Earlier, b: Later) -> SegmentDiff:
        segments = info.context.services.segments
        earlier = await segments.get(segment_name(a), ("a",))
        return SegmentDiff(a=earlier, b=await segments.get(segment_name(b), ("b",)))

    @root(
        "What a rule would find: how many, some of them, how many for each part.",
        Scope.SEGMENTS_READ,
        weight=PREVIEW,
    )
    async def segment_preview(self, info: Info, rule: Rule, sample: Sample = 10) -> SegmentPreview:
        services = info.context.services
        read = await services.audiences.read(rule.to_domain(), personal=info.context.pii)
        found = await services.previews.preview(read, 10 if sample is None else sample)
        return SegmentPreview.from_domain(found)
