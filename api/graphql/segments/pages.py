"""Pages of customers that a query of the index found."""

from api.graphql.customers.types import Customer
from api.graphql.relay import Connection
from oneid.domain.customers import CustomerRecord
from search.pages import Page


def customer_connection(found: Page[CustomerRecord]) -> Connection[Customer]:
    async def count() -> int:
        return found.total

    items = [(edge.cursor, Customer.from_domain(edge.node)) for edge in found.edges]
    return Connection[Customer].of(
        items, has_next=found.has_next, has_previous=found.has_previous, count=count
    )
