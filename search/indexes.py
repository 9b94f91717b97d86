"""The indexes: names, definitions, and whether what is there is what the files say."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import orjson

from search.client import Search


@dataclass(frozen=True, slots=True)
class Index:
    """One index: `alias` is what all code names, `physical` what a migration creates behind it."""

    alias: str
    physical: str
    definition: dict[str, Any]


@dataclass(frozen=True, slots=True)
class IndexNames:
    """The names of a deployment; the prefix keeps several apart on one cluster."""

    prefix: str
    event_shards: int = 1

    @property
    def profiles(self) -> str:
        return f"{self.prefix}-profiles"

    @property
    def next_profiles(self) -> str:
        """The profile index in the making, while there is one."""
        return f"{self.prefix}-profiles-next"

    @property
    def events(self) -> str:
        return f"{self.prefix}-events"

    @property
    def segments(self) -> str:
        """Segments as stored queries."""
        return f"{self.prefix}-segments"

    @property
    def all(self) -> tuple[Index, ...]:
        return (
            Index(self.profiles, f"{self.profiles}-v0001", definition("profiles", shards=1)),
            Index(self.events, f"{self.events}-v0001", definition("events", shards=self.event_shards)),
            Index(self.segments, f"{self.segments}-v0001", definition("segments", shards=1)),
        )


def definition(name: str, *, shards: int) -> dict[str, Any]:
    """Settings and mappings from `mappings/{name}.json`, with the number of shards."""
    body: dict[str, Any] = orjson.loads((files("search") / "mappings" / f"{name}.json").read_bytes())
    return {**body, "settings": {**body["settings"], "index.number_of_shards": shards}}


async def create(search: Search, index: Index) -> None:
    """Creates index and alias in one request; leaves alone what is there."""
    if await alias_target(search, index.alias):
        return
    body = {**index.definition, "aliases": {index.alias: {"is_write_index": True}}}
    answer = await search.request("PUT", f"/{index.physical}", body, ignore=(400,))
    if "error" in answer and answer["error"]["type"] != "resource_already_exists_exception":
        raise ValueError(f"index {index.physical} is refused: {answer['error']['reason']}")


async def alias_target(search: Search, alias: str) -> str | None:
    """The physical index behind an alias, None where there is none."""
    answer = await search.request("GET", f"/_alias/{alias}", ignore=(404,))
    return next(iter(answer), None) if "error" not in answer else None


async def differences(search: Search, index: Index) -> list[str]:
    """What is wrong with an index, a sentence each."""
    target = await alias_target(search, index.alias)
    if target is None:
        return [f"there is no index behind the alias {index.alias}"]
    answer = await search.request("GET", f"/{target}/_mapping")
    if fixed(answer[target]["mappings"]) != fixed(index.definition["mappings"]):
        return [f"{target} is mapped otherwise than this code needs it: it belongs to another version"]
    return []


def fixed(mappings: dict[str, Any]) -> dict[str, Any]:
    """The part of the mappings that is the same everywhere: without the fields of declared attributes."""
    fields = {**mappings.get("properties", {})}
    if "typed" in fields:
        fields["typed"] = {"dynamic": fields["typed"]["dynamic"]}
    return {**mappings, "properties": fields}
