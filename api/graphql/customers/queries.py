"""Finding customers."""

from typing import Annotated

import strawberry

from api.graphql.context import Info
from api.graphql.customers.inputs import CustomerLookup
from api.graphql.customers.search import search_customers
from api.graphql.customers.types import Customer
from api.graphql.fields import root
from api.graphql.relay import After, Before, Connection, First, Last, page
from api.graphql.scopes import Scope
from api.graphql.segments.rules import SegmentRule

By = Annotated[CustomerLookup, strawberry.argument(description="Who.")]
Search = Annotated[
    str | None,
    strawberry.argument(
        description="A phone in any notation, an email, another identifier, a ONE-ID, or words of a name."
    ),
]


Rule = Annotated[
    SegmentRule | None, strawberry.argument(description="Only those for whom this rule is true now.")
]


@strawberry.type
class CustomerQueries:
    @root(
        "One customer; null if nobody is named so. A former ONE-ID finds the survivor.", Scope.CUSTOMERS_READ
    )
    async def customer(self, info: Info, by: By) -> Customer | None:
        return Customer.from_optional(await by.find(info.context))

    @root("Customers, the newest first.", Scope.CUSTOMERS_READ)
    async def customers(
        self,
        info: Info,
        rule: Rule = None,
        search: Search = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> Connection[Customer]:
        return await search_customers(info.context, search, rule, page(first, after, last, before))
