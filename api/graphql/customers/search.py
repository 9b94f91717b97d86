"""Customers found by words: ids from the index, everything shown from the graph."""

from api.graphql.context import Context
from api.graphql.customers.types import Customer
from api.graphql.relay import Connection, Page
from api.graphql.segments.pages import customer_connection
from api.graphql.segments.reading import permit_rule
from api.graphql.segments.rules import SegmentRule


async def search_customers(
    context: Context, text: str | None, rule: SegmentRule | None, page: Page
) -> Connection[Customer]:
    """One page of customers. Raises Forbidden; InvalidInput on a foreign cursor and on what makes no sense in the
    rule."""
    only = None
    permit_rule(context, rule)
    if rule:
        audiences = context.services.audiences
        only = await audiences.query(await audiences.read(rule.to_domain(), personal=context.pii))
    found = await context.services.customers.search(text, only=only, **page.arguments)
    return customer_connection(found)
