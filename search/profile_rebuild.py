"""A new profile index beside the one that is searched: made, filled, and put in its place in one step.

The alias of profiles leads to exactly one index at any time, and it is moved together with the alias of the index
in the making: whoever finds no index under the second one knows that the first leads to the new one, or that the
work was given up.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from oneid.domain.catalog import AttributeDefinition, Catalog
from oneid.domain.customers import CustomerRecord
from oneid.errors import Retriable
from search.bulk import ABSENT, bulk
from search.client import Parameters, Search
from search.indexes import IndexNames, alias_target, definition
from search.profiles import ProfileIndex, changes, refusals
from search.typed import declare

#: Of an index that is filled and not searched: replicas are copied once, when it is full.
FILLING: Final = {"index.refresh_interval": "-1", "index.auto_expand_replicas": "false"}
ALONE: Final = {"index.number_of_replicas": 0}
HEALTHY: Final[Parameters] = {
    "wait_for_status": "yellow",
    "wait_for_no_initializing_shards": True,
    "timeout": "5s",
}


class ProfileRebuild:
    """Makes, fills and swaps. Every step may be done again after a crash."""

    def __init__(self, search: Search, names: IndexNames) -> None:
        self._search = search
        self._alias = names.profiles
        self._next = names.next_profiles
        self._physical = re.compile(re.escape(names.profiles) + r"-v(\d+)")
        self.index = ProfileIndex(search, names.next_profiles)

    async def copy(
        self, live: Sequence[CustomerRecord], gone: Sequence[tuple[str, int]], catalog: Catalog
    ) -> dict[str, str]:
        """`ProfileIndex.write` to the index in the making; where there is none any more nothing happens."""
        operations = changes(live, gone, catalog)
        outcomes = await bulk(self._search, self._next, operations, final={ABSENT})
        refused = refusals(operations, outcomes)
        absent = {
            operation.meta["_id"]
            for operation, outcome in zip(operations, outcomes, strict=True)
            if outcome.status == 404
        }
        return {one_id: reason for one_id, reason in refused.items() if one_id not in absent}

    async def declare(self, definition: AttributeDefinition) -> None:
        """Gives a declared attribute its field in the index in the making, if there is one. One that is made
        later takes over the fields of the current one, which comes first, therefore."""
        await declare(self._search, self._next, definition, ignore=(404,))

    async def current(self) -> str | None:
        """The index that is searched."""
        return await alias_target(self._search, self._alias)

    async def free_name(self) -> str:
        """A name for a new index, above all that there are."""
        numbers = [int(match[1]) for name in await self._all() if (match := self._physical.fullmatch(name))]
        return f"{self._alias}-v{max(numbers, default=0) + 1:04}"

    async def create(self, name: str, catalog: Catalog) -> bool:
        """Makes the index, empty, with the fields that were declared until now and whatever the current one
        has of them; what is declared from now on reaches both. False: it was there."""
        body = definition("profiles", shards=1)
        settings = {**body["settings"], **FILLING, **ALONE}
        made = {**body, "settings": settings, "aliases": {self._next: {}}}
        answer = await self._search.request("PUT", f"/{name}", made, ignore=(400,))
        if "error" in answer and answer["error"]["type"] != "resource_already_exists_exception":
            raise ValueError(f"index {name} is refused: {answer['error']['reason']}")
        for attribute in catalog.definitions:
            await declare(self._search, name, attribute)
        await self._declare_like_current(name)
        return "error" not in answer

    async def _declare_like_current(self, name: str) -> None:
        current = await self.current()
        if current and current != name:
            mappings = (await self._search.request("GET", f"/{current}/_mapping"))[current]["mappings"]
            typed = mappings["properties"].get("typed", {}).get("properties")
            if typed:
                own: dict[str, Any] = {"properties": {"typed": {"properties": typed}}}
                await self._search.request("PUT", f"/{name}/_mapping", own)

    async def settle(self, name: str) -> None:
        """Makes a filled index fit for searching, replicas included. Raises Retriable until it is."""
        settings = definition("profiles", shards=1)["settings"]
        restored = {key: settings[key] for key in FILLING}
        await self._search.request("PUT", f"/{name}/_settings", restored)
        await self._search.request("POST", f"/{name}/_refresh")
        health = await self._search.request("GET", f"/_cluster/health/{name}", params=HEALTHY, ignore=(408,))
        if health["timed_out"]:
            raise Retriable("the new index is not ready in all its copies")

    async def swap(self, name: str) -> None:
        """Lets the alias lead to this index instead of the current one, in one step."""
        current = await self.current()
        if current == name:
            return
        steps: list[dict[str, Any]] = [
            {"add": {"index": name, "alias": self._alias, "is_write_index": True}},
            {"remove": {"index": name, "alias": self._next, "must_exist": True}},
        ]
        if current:
            steps.append({"remove": {"index": current, "alias": self._alias, "must_exist": True}})
        # An answer that was lost makes the second try fail; what counts is where the alias leads then.
        await self._search.request("POST", "/_aliases", {"actions": steps}, ignore=(404,))
        if await self.current() != name:
            raise Retriable(f"the alias could not be moved to {name}")

    async def drop_others(self) -> None:
        """Deletes every profile index but the one that is searched."""
        current = await self.current()
        for name in await self._all():
            if current and name != current and self._physical.fullmatch(name):
                await self._search.request("DELETE", f"/{name}", ignore=(404,))

    async def _all(self) -> list[str]:
        return sorted(await self._search.request("GET", f"/{self._alias}-v*/_alias"))
