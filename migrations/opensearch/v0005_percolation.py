"""Segments as stored queries, and what stages and consents of customers are in their profiles."""

from search.client import Search
from search.indexes import IndexNames, create, differences

FIELDS = {"stages": {"type": "keyword"}, "consents": {"type": "keyword"}}


async def upgrade(search: Search, names: IndexNames) -> None:
    """Creates the index of stored queries and maps the fields in a profile index that was made without them."""
    for index in names.all:
        await create(search, index)
    await search.request("PUT", f"/{names.profiles}/_mapping", {"properties": FIELDS})
    await take_over(search, names)


async def take_over(search: Search, names: IndexNames) -> None:
    """Gives the stored queries the fields of the attributes that are declared already."""
    mappings = await search.request("GET", f"/{names.profiles}/_mapping")
    for index in mappings.values():
        typed = index["mappings"]["properties"]["typed"]
        await search.request("PUT", f"/{names.segments}/_mapping", {"properties": {"typed": typed}})


async def check(search: Search, names: IndexNames) -> list[str]:
    """A sentence for each index that is missing or mapped otherwise than its file says."""
    return [fault for index in names.all for fault in await differences(search, index)]
