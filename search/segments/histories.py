"""The events that timed conditions ask about, customer by customer."""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any, Final

from oneid.domain.messages import parse_time
from oneid.domain.segments.histories import Occurrence, in_order
from oneid.domain.segments.intervals import milliseconds
from oneid.domain.segments.rules import ANY_NAME
from search.client import Search

PAGE: Final = 5_000
FIELDS: Final = ["messageId", "name", "timestamp", "customer", "properties"]
ORDER: Final = [{"customer": "asc"}, {"name": "asc"}, {"timestamp": "desc"}, {"messageId": "desc"}]
MAX_EVENTS: Final = 50_000
"""Of one name and one customer. The latest count: what is evaluated anew with each event must have an end."""

BEFORE_ALL: Final = [-(2**62), ""]
"""Instant and messageId that come after those of every event of a name, the latest being first."""


class Histories:
    """Reads the event index. What was stored before a call is found by it."""

    def __init__(self, search: Search, alias: str) -> None:
        self._search = search
        self._alias = alias

    async def of(self, owners: Mapping[str, str], names: Collection[str]) -> Mapping[str, list[Occurrence]]:
        """Events of these names by customer, in order, of each name the latest MAX_EVENTS. `owners`: whose the
        events under each ONE-ID are."""
        found: dict[str, list[Occurrence]] = {owner: [] for owner in owners.values()}
        if not names or not owners:
            return found
        await self._search.request("POST", f"/{self._alias}/_refresh")
        clauses = [{"terms": {"customer": sorted(owners)}}, *named(names)]
        after: list[Any] | None = None
        counts = Counter[tuple[str, str]]()
        while hits := await self._page(clauses, after):
            for hit in hits:
                one_id, name = hit["_source"]["customer"], hit["_source"]["name"]
                counts[one_id, name] += 1
                found[owners[one_id]].append(occurrence(hit["_source"]))
            one_id, name, *place = hits[-1]["sort"]
            after = [one_id, name, *(place if counts[one_id, name] < MAX_EVENTS else BEFORE_ALL)]
        return {owner: latest(events) for owner, events in found.items()}

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
            "_source": FIELDS,
            **({"search_after": after} if after else {}),
        }
        answer = await self._search.search(self._alias, body)
        hits: list[dict[str, Any]] = answer["hits"]["hits"]
        return hits


def named(names: Collection[str]) -> list[dict[str, Any]]:
    """Events of these names."""
    return [] if ANY_NAME in names else [{"terms": {"name": sorted(names)}}]


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
    return Occurrence(source["messageId"], source["name"], at, source["properties"])
