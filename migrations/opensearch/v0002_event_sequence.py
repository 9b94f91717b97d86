"""Events know their place in the order of processing, so that they can be replayed in it."""

from search.client import Search
from search.indexes import IndexNames, differences


async def upgrade(search: Search, names: IndexNames) -> None:
    """Maps the field in an event index that was made without it."""
    await search.request("PUT", f"/{names.events}/_mapping", {"properties": {"sequence": {"type": "long"}}})


async def check(search: Search, names: IndexNames) -> list[str]:
    """A sentence if the event index is missing or mapped otherwise than its file says."""
    events = next(index for index in names.all if index.alias == names.events)
    return await differences(search, events)
