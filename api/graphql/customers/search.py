"""Customers found by words: ids from the index, everything shown from the graph."""

from api.graphql.context import Context
from api.graphql.customers.types import Customer
from api.graphql.relay import Connection, Page


async def search_customers(context: Context, text: str | None, page: Page) -> Connection[Customer]:
    """One page of customers. Raises InvalidInput on a foreign cursor."""
    found = await context.services.customers.search(
        text,
        first=None if page.backwards else page.size,
        after=page.after,
        last=page.size if page.backwards else None,
        before=page.before,
    )

    async def count() -> int:
        return found.total

    items = [(edge.cursor, Customer.from_domain(edge.node)) for edge in found.edges]
    return Connection[Customer].of(
        items, has_next=found.has_next, has_previous=found.has_previous, count=count
    )
