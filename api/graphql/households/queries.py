"""Listing households."""

from typing import Final

import strawberry

from api.graphql.context import Context, Info
from api.graphql.customers.types import Household
from api.graphql.fields import root
from api.graphql.relay import After, Connection, First, decode_cursor, encode_cursor, page
from api.graphql.scopes import Scope

CURSOR: Final = "household"


async def household_node(context: Context, key: str) -> Household | None:
    found = await context.loaders.households.load(key)
    return Household.from_domain(found, context.reader) if found else None


@strawberry.type
class HouseholdQueries:
    @root("Households, the first one known first.", Scope.CUSTOMERS_READ)
    async def households(self, info: Info, first: First = None, after: After = None) -> Connection[Household]:
        asked, households = page(first, after), info.context.services.households
        (start,) = decode_cursor(CURSOR, after, str) or [""]
        found = await households.page(asked.size + 1, start)
        items = [
            (encode_cursor(CURSOR, one.id), Household.from_domain(one, info.context.reader))
            for one in found[: asked.size]
        ]
        return Connection[Household].of(
            items,
            has_next=len(found) > asked.size,
            has_previous=after is not None,
            count=households.count,
        )
