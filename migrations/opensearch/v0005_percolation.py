"""Segments as stored queries."""

from search.client import Search
from search.indexes import IndexNames, create, differences


async def upgrade(search: Search, names: IndexNames) -> None:
    """Creates the index of stored queries, with the fields of the attributes that are declared already."""
    for index in names.all:
        await create(search, index)
    mappings = await search.request("GET", f"/{names.profiles}/_mapping")
    for index in mappings.values():
        typed = index["mappings"]["properties"]["typed"]
        await search.request("PUT", f"/{names.segments}/_mapping", {"properties": {"typed": typed}})


async def check(search: Search, names: IndexNames) -> list[str]:
    """A sentence for each index that is missing or mapped otherwise than its file says."""
    return [fault for index in names.all for fault in await differences(search, index)]
