"""The events that timed conditions ask about, customer by customer."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any, Final

from oneid.domain.messages import parse_time
from oneid.domain.segments.histories import Occurrence, in_order
from oneid.domain.segments.intervals import milliseconds
from oneid.domain.segments.rules import ANY_NAME
from search.client import Search
from search.events import NEWEST_FIRST, values_of

PAGE: Final = 5_000
AT_ONCE: Final = 50_000
FIELDS: Final = ["messageId", "name", "timestamp", "customer", "properties", "sequence"]
ORDER: Final = [{"customer": "asc"}, {"name": "asc"}, *NEWEST_FIRST]
MAX_EVENTS: Final = 50_000
"""Of one name and one customer. The latest count: what is evaluated anew with each event must have an end."""

BEFORE_ALL: Final = [-(2**62), 0, ""]
"""Instant, sequence and messageId that come after those of every event of a name, the latest being first."""


class Histories:
    """Reads the event index. What was stored before a call is found by it."""

    def __init__(self, search: Search, alias: str) -> None:
        self._search = search
        self._alias = alias

    async def of(self, owners: Mapping[str, str], names: Collection[str]) -> Mapping[str, list[Occurrence]]:
        """Events of these names by customer, in order, of each name the latest MAX_EVENTS. `owners`: whose the
        events under each ONE-ID are."""
        return {owner: events async for owner, events in self.each(owners, names)}

    async def each(
        self, owners: Mapping[str, str], names: Collection[str]
    ) -> AsyncIterator[tuple[str, list[Occurrence]]]:
        """Customers one after the other with what `of` tells of them. Memory: about AT_ONCE events, or those of one
        customer where they are more."""
        await self._search.request("POST", f"/{self._alias}/_refresh")
        one_ids: defaultdict[str, list[str]] = defaultdict(list)
        for one_id, owner in owners.items():
            one_ids[owner].append(one_id)
        for part in await self._parts(one_ids, names):
            for owner, events in (await self._read(part, names)).items():
                yield owner, latest(events)

    async def _parts(
        self, one_ids: Mapping[str, Sequence[str]], names: Collection[str]
    ) -> Sequence[Mapping[str, Sequence[str]]]:
        """Customers in parts that are read at once."""
        sizes = await self._sizes([id_ for ids in one_ids.values() for id_ in ids], names)
        parts: list[dict[str, Sequence[str]]] = [{}]
        room = AT_ONCE
        for owner, ids in one_ids.items():
            size = sum(sizes.get(id_, 0) for id_ in ids)
            if size > room:
                parts.append({})
                room = AT_ONCE
            parts[-1][owner] = ids
            room -= size
        return parts

    async def _sizes(self, one_ids: Sequence[str], names: Collection[str]) -> Mapping[str, int]:
        if not names or not one_ids:
            return {}
        body = {
            "query": {"bool": {"filter": selected(one_ids, names)}},
            "size": 0,
            "track_total_hits": False,
            "aggs": {"customers": values_of("customer", len(one_ids))},
        }
        found = (await self._search.search(self._alias, body))["aggregations"]["customers"]["buckets"]
        return {bucket["key"]: bucket["doc_count"] for bucket in found}

    async def _read(
        self, one_ids: Mapping[str, Sequence[str]], names: Collection[str]
    ) -> Mapping[str, list[Occurrence]]:
        owners = {id_: owner for owner, ids in one_ids.items() for id_ in ids}
        found: dict[str, list[Occurrence]] = {owner: [] for owner in one_ids}
        after: list[Any] | None = None
        counts = Counter[tuple[str, str]]()
        while owners and names and (hits := await self._page(selected(list(owners), names), after)):
            for hit in hits:
                one_id, name = hit["_source"]["customer"], hit["_source"]["name"]
                counts[one_id, name] += 1
                found[owners[one_id]].append(occurrence(hit["_source"]))
            if len(hits) < PAGE:
                break
            one_id, name, *place = hits[-1]["sort"]
            after = [one_id, name, *(place if counts[one_id, name] < MAX_EVENTS else BEFORE_ALL)]
        return found

    async def customers(self, names: Collection[str]) -> AsyncIterator[list[str]]:
        """Every ONE-ID under which events of these names lie, in pages."""
        await self._search.request("POST", f"/{self._alias}/_refresh")
        composite: dict[str, Any] = {
            "size": PAGE,
            "sources": [{"customer": {"terms": {"field": "customer"}}}],
        }
        body = {
            "query": {"bool": {"filter": [{"exists": {"field": "customer"}}, *named(names)]}},
            "size": 0,
            "aggs": {"customers": {"composite": composite}},
        }
        while True:
            answer = await self._search.search(self._alias, body)
            found = answer["aggregations"]["customers"]
            yield [bucket["key"]["customer"] for bucket in found["buckets"]]
            if "after_key" not in found:
                return
            composite["after"] = found["after_key"]

    async def _page(self, clauses: list[dict[str, Any]], after: list[Any] | None) -> list[dict[str, Any]]:
        body: dict[str, Any] = {
            "query": {"bool": {"filter": clauses}},
            "size": PAGE,
            "sort": ORDER,
            "track_total_hits": False,
            "_source": FIELDS,
            **({"search_after": after} if after else {}),
        }
        answer = await self._search.search(self._alias, body)
        hits: list[dict[str, Any]] = answer["hits"]["hits"]
        return hits


def named(names: Collection[str]) -> list[dict[str, Any]]:
    """Events of these names."""
    return [] if ANY_NAME in names else [{"terms": {"name": sorted(names)}}]


def selected(one_ids: Sequence[str], names: Collection[str]) -> list[dict[str, Any]]:
    return [{"terms": {"customer": list(one_ids)}}, *named(names)]


def latest(events: list[Occurrence]) -> list[Occurrence]:
    """Events in order, of each name the latest."""
    counts, kept = Counter[str](), list[Occurrence]()
    for event in reversed(in_order(events)):
        counts[event.name] += 1
        if counts[event.name] <= MAX_EVENTS:
            kept.append(event)
    return kept[::-1]


def occurrence(source: dict[str, Any]) -> Occurrence:
    at = milliseconds(parse_time(source["timestamp"]).timestamp())
    return Occurrence(
        source["messageId"], source["name"], at, source["properties"], source.get("sequence") or 0
    )
