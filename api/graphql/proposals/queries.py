"""Listing merge proposals."""

from typing import Final

import strawberry

from api.graphql.context import Context, Info
from api.graphql.fields import root
from api.graphql.proposals.types import MergeProposal
from api.graphql.relay import After, Connection, First, decode_cursor, encode_cursor, page
from api.graphql.scopes import Scope

CURSOR: Final = "mergeProposal"


async def proposal_node(context: Context, key: str) -> MergeProposal | None:
    found = await context.loaders.proposals.load(key)
    return MergeProposal.from_domain(found) if found else None


@strawberry.type
class ProposalQueries:
    @root(
        "Customers that are probably one person and wait for a decision, the surest first.",
        Scope.CUSTOMERS_READ,
    )
    async def merge_proposals(
        self, info: Info, first: First = None, after: After = None
    ) -> Connection[MergeProposal]:
        asked, proposals = page(first, after), info.context.services.proposals
        start = decode_cursor(CURSOR, after, float, str)
        found = await proposals.page(asked.size + 1, (start[0], start[1]) if start else None)
        items = [
            (encode_cursor(CURSOR, one.weight, one.id), MergeProposal.from_domain(one))
            for one in found[: asked.size]
        ]
        return Connection[MergeProposal].of(
            items,
            has_next=len(found) > asked.size,
            has_previous=after is not None,
            count=proposals.count,
        )
