"""Any object by its global id."""

import asyncio
from typing import Annotated, Final

import strawberry

from api.graphql.context import Context, Info
from api.graphql.customers.types import Customer
from api.graphql.events.types import Event
from api.graphql.fields import root
from api.graphql.households.queries import household_node
from api.graphql.lifecycles.queries import lifecycle_node
from api.graphql.operations.queries import operation_node
from api.graphql.proposals.queries import proposal_node
from api.graphql.relay import MAX_PAGE, Node, decode_id
from api.graphql.scopes import EVERY_KEY, may_see
from api.graphql.segments.queries import segment_node
from api.graphql.tags.types import tag_node
from oneid.errors import TooLarge


async def customer_node(context: Context, key: str) -> Node | None:
    return Customer.from_optional(await context.loaders.customers.load(key))


async def event_node(context: Context, key: str) -> Node | None:
    event = await context.loaders.messages.load(key)
    return Event.from_domain(event, context.reader) if event else None


KINDS: Final = {
    "Customer": customer_node,
    "Event": event_node,
    "Household": household_node,
    "Lifecycle": lifecycle_node,
    "MergeProposal": proposal_node,
    "Operation": operation_node,
    "Segment": segment_node,
    "Tag": tag_node,
}


async def find_node(context: Context, id_: strawberry.ID) -> Node | None:
    """The object, None for a foreign id as for one of something that is gone, or that this caller may not see."""
    kind, key = decode_id(id_) or ("", "")
    return await KINDS[kind](context, key) if kind in KINDS and may_see(context.actor, kind) else None


@strawberry.type
class NodeQueries:
    @root("The object with this global id; null if there is none.", EVERY_KEY)
    async def node(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The global id.")]
    ) -> Node | None:
        return await find_node(info.context, id)

    @root("The objects with these global ids, in order; null where there is none.", EVERY_KEY)
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="Global ids, at most 100.")],
    ) -> list[Node | None]:
        if len(ids) > MAX_PAGE:
            raise TooLarge(f"at most {MAX_PAGE} at a time", field=("ids",))
        return list(await asyncio.gather(*(find_node(info.context, id_) for id_ in ids)))
