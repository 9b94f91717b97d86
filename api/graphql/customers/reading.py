"""Reading customers back after a change."""

from api.graphql.context import Context
from api.graphql.customers.types import Customer
from oneid.errors import Retriable


async def read_back(context: Context, one_id: str) -> Customer | None:
    """A customer after a change that is done. None where it can't be read right now: the change must not be taken
    for one that failed."""
    try:
        return Customer.from_optional(await context.services.customers.by_one_id(one_id))
    except Retriable:
        return None
