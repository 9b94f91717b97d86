"""Profiles have the consents that segments ask."""

from search.client import Search
from search.indexes import IndexNames, differences

FIELDS = {"consents": {"type": "keyword"}}


async def upgrade(search: Search, names: IndexNames) -> None:
    """Maps the field where it is stored and where it is compared; reconciliation fills it."""
    for alias in (names.profiles, names.segments):
        await search.request("PUT", f"/{alias}/_mapping", {"properties": FIELDS})


async def check(search: Search, names: IndexNames) -> list[str]:
    """A sentence for each index that is missing or mapped otherwise than its file says."""
    return [fault for index in names.all for fault in await differences(search, index)]
