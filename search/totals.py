"""Exact totals over events: how many, of how many customers, and the sum of a property.

A name may hold an equals sign, and a decimal never: the last one of an entry is where its number begins.

Everything is read from one point in time, in pages of bounded memory: a composite aggregation per key counts
events and adds money up as BigDecimal, a second one per (customer, key) counts customers. The index is sorted by
customer, so the second ends early on each page. An estimate (`cardinality`) would be quicker and wrong; sets
in a script are exact too but hold every ONE-ID in the server's heap, once per key.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from oneid.domain.texts import shown
from oneid.errors import TooLarge
from search.client import Parameters, Search

PAGE: Final = 20_000
MAX_VALUES: Final = 1_000
"""Of a property that totals are kept for."""
KEEP_ALIVE: Final = "1m"

SUM: Final = {
    "init_script": "state.sum = '0';",
    "map_script": """
        for (entry in doc['numbers']) {
          if (entry.startsWith(params.prefix) && entry.lastIndexOf('=') + 1 == params.prefix.length()) {
            def number = new BigDecimal(entry.substring(params.prefix.length()));
            state.sum = new BigDecimal(state.sum).add(number).toString();
          }
        }
    """,
    "combine_script": "return state.sum;",
    "reduce_script": """
        def sum = BigDecimal.ZERO;
        for (part in states) { if (part != null) { sum = sum.add(new BigDecimal(part)); } }
        return sum.toString();
    """,
}


VALUES: Final = """
def found = new ArrayList();
for (told in doc['properties._valueAndPath']) {
  if (told.startsWith(params.prefix)) { found.add(told.substring(params.prefix.length())); }
}
return found;
"""


class EventGroup(StrEnum):
    """What a total is kept for. Keys of times are in the deployment's time zone: 2026-03-01T14:00+08:00,
    2026-03-01, the Monday of a week, 2026-03. Events without a channel have the key ""."""

    NAME = "NAME"
    SOURCE = "SOURCE"
    CHANNEL = "CHANNEL"
    HOUR = "HOUR"
    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"


FORMATS: Final = {
    EventGroup.HOUR: "yyyy-MM-dd'T'HH:mmXXX",
    EventGroup.DAY: "yyyy-MM-dd",
    EventGroup.WEEK: "yyyy-MM-dd",
    EventGroup.MONTH: "yyyy-MM",
}


@dataclass(frozen=True, slots=True)
class EventTotal:
    """The total of one key; `sum` is None where no property was named."""

    key: str
    events: int
    customers: int
    sum: Decimal | None


@dataclass(frozen=True, slots=True)
class Totals:
    """What to add up. `clauses` select the events, `sum` names a numeric property, `zone` is an IANA time zone. Keys
    are those of `group`, or the values of the property `by` (with dots into objects; "" where there is none).
    `former` maps former ONE-IDs whose events are still being re-homed to the customer's own, so that a
    customer whose events lie under both is counted once."""

    clauses: list[dict[str, Any]]
    sum: str | None = None
    group: EventGroup | None = None
    by: str | None = None
    zone: str = "UTC"
    former: Mapping[str, str] | None = None

    @property
    def keyed(self) -> bool:
        """Whether there is a total for each key."""
        return self.group is not None or self.by is not None


async def totals(search: Search, alias: str, wanted: Totals) -> list[EventTotal]:
    """The totals by key, in the order of the keys; without a group one total with the key "". Raises TooLarge where a
    property has too many values."""
    async with point_in_time(search, alias) as pit:
        reading = _Reading(search, pit, wanted)
        events, sums = await reading.events()
        customers = await reading.customers()
    return [
        EventTotal(key, events[key], customers[key], None if wanted.sum is None else sums[key])
        for key in (sorted(events) if wanted.keyed else [""])
    ]


class _Reading:
    """The two aggregations over one point in time."""

    def __init__(self, search: Search, pit: str, wanted: Totals) -> None:
        self._search = search
        self._pit = pit
        self._wanted = wanted
        self._source = _source(wanted)

    async def events(self) -> tuple[Counter[str], Mapping[str, Decimal]]:
        """Events and sums by key."""
        events: Counter[str] = Counter()
        sums: defaultdict[str, Decimal] = defaultdict(Decimal)
        # Alone, a date_histogram is rewritten to ranges, which fails on the server (3.8) after the last bucket.
        sources = self._source and [*self._source, {"type": {"terms": {"field": "type"}}}]
        async for bucket in self._buckets(self._wanted.clauses, sources, self._sum()):
            key = _key(bucket)
            events[key] += bucket["doc_count"]
            if self._wanted.by is not None and len(events) > MAX_VALUES:
                message = f"more than {MAX_VALUES} different values of {self._wanted.by}"
                raise TooLarge(message, field=("groupByProperty",))
            if self._wanted.sum is not None:
                sums[key] += Decimal(bucket["sum"]["value"] or 0)
        return events, sums

    async def customers(self) -> Counter[str]:
        """Different customers by key."""
        clauses = [*self._wanted.clauses, {"exists": {"field": "customer"}}]
        sources = [{"customer": {"terms": {"field": "customer"}}}, *self._source]
        moving = _moving(self._wanted.former or {})
        customers: Counter[str] = Counter()
        moved: set[tuple[str, str]] = set()
        async for bucket in self._buckets(clauses, sources, {}):
            one_id, key = bucket["key"]["customer"], _key(bucket)
            if one_id in moving:
                moved.add((moving[one_id], key))
            else:
                customers[key] += 1
        customers.update(key for _, key in moved)
        return customers

    def _sum(self) -> dict[str, Any]:
        if self._wanted.sum is None:
            return {}
        return {"sum": {"scripted_metric": {**SUM, "params": {"prefix": f"{self._wanted.sum}="}}}}

    async def _buckets(
        self, clauses: list[dict[str, Any]], sources: list[dict[str, Any]], aggregations: dict[str, Any]
    ) -> AsyncIterator[dict[str, Any]]:
        if not sources:
            yield await self._whole(clauses, aggregations)
            return
        composite: dict[str, Any] = {"size": PAGE, "sources": sources}
        while True:
            answer = await self._ask(clauses, {"keys": {"composite": composite, "aggs": aggregations}})
            found = answer["aggregations"]["keys"]
            for bucket in found["buckets"]:
                yield bucket
            if len(found["buckets"]) < PAGE:
                return
            composite["after"] = found["after_key"]

    async def _whole(self, clauses: list[dict[str, Any]], aggregations: dict[str, Any]) -> dict[str, Any]:
        answer = await self._ask(clauses, aggregations, track_total_hits=True)
        count = answer["hits"]["total"]["value"]
        return {"key": {}, "doc_count": count, **answer.get("aggregations", {})}

    async def _ask(
        self, clauses: list[dict[str, Any]], aggregations: dict[str, Any], *, track_total_hits: bool = False
    ) -> dict[str, Any]:
        body = {
            "pit": {"id": self._pit, "keep_alive": KEEP_ALIVE},
            "query": {"bool": {"filter": clauses}},
            "size": 0,
            "track_total_hits": track_total_hits,
            "aggs": aggregations,
        }
        return await self._search.search("", body)


@asynccontextmanager
async def point_in_time(search: Search, alias: str) -> AsyncGenerator[str]:
    params: Parameters = {"keep_alive": KEEP_ALIVE, "allow_partial_pit_creation": False}
    opened = await search.request("POST", f"/{alias}/_search/point_in_time", params=params)
    pit: str = opened["pit_id"]
    try:
        yield pit
    finally:
        await search.request("DELETE", "/_search/point_in_time", {"pit_id": [pit]}, ignore=(404,))


def _key(bucket: dict[str, Any]) -> str:
    return shown(bucket["key"].get("key") or "")


def _source(wanted: Totals) -> list[dict[str, Any]]:
    """The key as a source of a composite aggregation; none without a group."""
    group = wanted.group
    if wanted.by is not None:
        # A flat_object names each leaf by its own name, too.
        script = {"source": VALUES, "params": {"prefix": f"properties.properties.{wanted.by}="}}
        return [{"key": {"terms": {"script": script, "missing_bucket": True}}}]
    if group is None:
        return []
    if group not in FORMATS:
        return [{"key": {"terms": {"field": group.value.lower(), "missing_bucket": True}}}]
    histogram = {
        "field": "timestamp",
        "calendar_interval": group.value.lower(),
        "time_zone": wanted.zone,
        "format": FORMATS[group],
    }
    return [{"key": {"date_histogram": histogram}}]


def _moving(former: Mapping[str, str]) -> dict[str, str]:
    """Every ONE-ID that takes part in a move, to the one its events are on the way to."""
    return {**{current: current for current in former.values()}, **former}
