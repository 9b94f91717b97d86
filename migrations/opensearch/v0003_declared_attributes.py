"""Profiles have a place for declared attributes, each with a field of its own type."""

from search.client import Search
from search.indexes import IndexNames, differences

FIELDS = {"typed": {"type": "object", "dynamic": "false"}, "parties": {"type": "keyword"}}


async def upgrade(search: Search, names: IndexNames) -> None:
    """Maps the fields in a profile index that was made without them, and leaves room for 500 more."""
    limit = {"index.mapping.total_fields.limit": 700}
    await search.request("PUT", f"/{names.profiles}/_settings", limit)
    await search.request("PUT", f"/{names.profiles}/_mapping", {"properties": FIELDS})


async def check(search: Search, names: IndexNames) -> list[str]:
    """A sentence if the profile index is missing or mapped otherwise than its file says."""
    profiles = next(index for index in names.all if index.alias == names.profiles)
    return await differences(search, profiles)
