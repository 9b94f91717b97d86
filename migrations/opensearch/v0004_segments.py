"""Profiles have what segments ask: intervals of timed conditions, lists, anniversaries, seeds of random buckets."""

from search.client import Search
from search.indexes import IndexNames, differences

FIELDS = {
    "anniversaries": {"type": "keyword"},
    "holds": {"type": "long_range"},
    "lists": {"type": "keyword"},
    "seed": {"type": "long"},
}


async def upgrade(search: Search, names: IndexNames) -> None:
    """Maps the fields in a profile index that was made without them; reconciliation fills them."""
    await search.request("PUT", f"/{names.profiles}/_mapping", {"properties": FIELDS})


async def check(search: Search, names: IndexNames) -> list[str]:
    """A sentence if the profile index is missing or mapped otherwise than its file says."""
    profiles = next(index for index in names.all if index.alias == names.profiles)
    return await differences(search, profiles)
