"""Since when a declared attribute has its value is a date beside it."""

from typing import Any

from oneid.domain.catalog import AttributeType
from oneid.domain.segments.dates import SINCE
from search.client import Search
from search.indexes import IndexNames, differences
from search.typed import MAPPINGS


async def upgrade(search: Search, names: IndexNames) -> None:
    """Gives the attributes that are declared already the second field, and leaves room for one each."""
    for alias in (names.profiles, names.segments):
        await search.request("PUT", f"/{alias}/_settings", {"index.mapping.total_fields.limit": 1300})
        found = await search.request("GET", f"/{alias}/_mapping")
        for index, described in found.items():
            keys = declared(described["mappings"]["properties"]["typed"])
            dates = {"properties": {f"{key}{SINCE}": MAPPINGS[AttributeType.DATE] for key in keys}}
            fields = {"properties": {"typed": {"properties": {"date": dates}}}}
            if keys:
                await search.request("PUT", f"/{index}/_mapping", fields)


def declared(typed: dict[str, Any]) -> list[str]:
    """The keys of the attributes that have a field."""
    of_types = typed.get("properties", {}).values()
    keys = {key for of_type in of_types for key in of_type.get("properties", {})}
    return sorted(key for key in keys if not key.endswith(SINCE))


async def check(search: Search, names: IndexNames) -> list[str]:
    """A sentence for each index that is missing or mapped otherwise than its file says."""
    return [fault for index in names.all for fault in await differences(search, index)]
