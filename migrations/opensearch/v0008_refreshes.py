"""A refresh waits for no merge of segments."""

from search.client import Search
from search.indexes import IndexNames

SETTING = "index.merge_on_flush.enabled"


async def upgrade(search: Search, names: IndexNames) -> None:
    """Tells every index. One that is open keeps to it from the next start of its server on."""
    for index in names.all:
        await search.request("PUT", f"/{index.alias}/_settings", {SETTING: False})


async def check(search: Search, names: IndexNames) -> list[str]:
    """A sentence for each index whose refreshes wait."""
    waiting = list[str]()
    for index in names.all:
        path = f"/{index.alias}/_settings?flat_settings=true"
        told = await search.request("GET", path, ignore=(404,))
        if "error" not in told:
            waiting += [name for name, one in told.items() if one["settings"].get(SETTING) != "false"]
    return [f"refreshes of {name} wait for merges" for name in waiting]
