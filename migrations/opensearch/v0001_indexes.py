"""The profile and the event index, each behind its alias."""

from search.client import Search
from search.indexes import IndexNames, create, differences


async def upgrade(search: Search, names: IndexNames) -> None:
    """Creates what is not there."""
    for index in names.all:
        await create(search, index)


async def check(search: Search, names: IndexNames) -> list[str]:
    """A sentence for each index that is missing or mapped otherwise than its file says."""
    return [fault for index in names.all for fault in await differences(search, index)]
