"""The event index: every event once, beside the other events of its customer."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from oneid.domain.messages import StoredEvent, format_time
from oneid.errors import InvalidInput, TooLarge
from search.bulk import Operation, bulk, field_of
from search.client import Parameters, Search
from search.documents import EventDocument, event_document, stored_event
from search.encoding import dumps
from search.moves import claim, move
from search.pages import INT64, Edge, Page, decode, encode
from search.totals import EventGroup, EventTotal, Totals, totals

CURSOR: Final = "event"
NEWEST_FIRST: Final = [
    {"timestamp": "desc"},
    {"sequence": {"order": "desc", "missing": 0}},
    {"messageId": "desc"},
]
MOVED_AT_ONCE: Final = 1_000
COUNTED_AT_ONCE: Final = 10_000
MAX_NAMES: Final = 100
ROUTED_IDS: Final = 50
"""A request line may have 4,096 bytes: beyond this many ONE-IDs every shard is asked."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """An event that the index refuses for good, for a reason that names no value of it."""

    message_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events: of these names (none: all), from `since` on, before `until`. Raises TooLarge where it is made."""

    names: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        if self.names is not None and len(self.names) > MAX_NAMES:
            raise TooLarge(f"at most {MAX_NAMES} names at a time", field=("names",))

    def clauses(self) -> list[dict[str, Any]]:
        clauses: list[dict[str, Any]] = []
        if self.names is not None:
            clauses.append({"terms": {"name": list(self.names)}})
        bounds = {"gte": self.since, "lt": self.until}
        given = {name: format_time(moment) for name, moment in bounds.items() if moment}
        if given:
            clauses.append({"range": {"timestamp": given}})
        return clauses


class EventIndex:
    """Reads and writes events through their alias.

    An event lies in the shard of its customer. While a merge is being re-homed, events of a former ONE-ID still
    lie there, and for a moment an event can lie in both places; reads therefore ask for all ONE-IDs of a
    customer and drop doubles by messageId.
    """

    def __init__(self, search: Search, alias: str) -> None:
        self._search = search
        self._alias = alias

    async def store(self, events: Sequence[StoredEvent]) -> list[Rejected]:
        """Writes events durably; the same event again changes nothing. Returns those refused for good."""
        outcomes = await bulk(self._search, self._alias, [_put(event_document(event)) for event in events])
        return [
            Rejected(event.message.message_id, f"the event index refuses {field_of(outcome.reason) or 'it'}")
            for event, outcome in zip(events, outcomes, strict=True)
            if outcome.reason
        ]

    async def refresh(self) -> None:
        """Makes everything written so far searchable."""
        await self._search.request("POST", f"/{self._alias}/_refresh")

    async def by_customer(
        self,
        one_ids: Sequence[str],
        wanted: EventFilter | None = None,
        *,
        first: int = 50,
        after: str | None = None,
    ) -> Page[StoredEvent]:
        """A customer's events, newest first. `one_ids`: the customer's ONE-ID and all its former ones."""
        clauses = [_of(one_ids), *(wanted or EventFilter()).clauses()]
        key = place_after(after)
        rows: dict[str, dict[str, Any]] = {}
        more = True
        while more and len(rows) <= first:
            hits = await self._page(clauses, one_ids, size=first + 1, after=key)
            rows |= {
                hit["_source"]["messageId"]: hit for hit in hits if hit["_source"]["messageId"] not in rows
            }
            more = len(hits) > first
            key = hits[-1]["sort"] if hits else None
        page = list(rows.values())[:first]
        return Page(
            edges=tuple(Edge(cursor_of(hit), stored_event(hit["_source"])) for hit in page),
            has_next=len(rows) > first,
            has_previous=after is not None,
            total=await self._count(clauses, one_ids),
        )

    async def get(self, message_ids: Sequence[str]) -> dict[str, StoredEvent]:
        """Events by messageId, those that exist."""
        if not message_ids:
            return {}
        body = {"query": {"terms": {"messageId": list(message_ids)}}, "size": 2 * len(message_ids)}
        answer = await self._search.search(self._alias, body)
        documents: list[EventDocument] = [hit["_source"] for hit in answer["hits"]["hits"]]
        return {document["messageId"]: stored_event(document) for document in documents}

    async def totals(
        self,
        wanted: EventFilter,
        *,
        sum: str | None = None,
        group: EventGroup | None = None,
        by: str | None = None,
        zone: str = "UTC",
        former: Mapping[str, str] | None = None,
    ) -> list[EventTotal]:
        """Events, different customers and the exact sum of a numeric property, by key (see `search.totals`).
        While an event lies in two places, between its copy and its delete, it counts twice."""
        asked = Totals(wanted.clauses(), sum=sum, group=group, by=by, zone=zone, former=former)
        return await totals(self._search, self._alias, asked)

    async def rehome(self, targets: Mapping[str, str]) -> int:
        """Moves the events of former ONE-IDs to their customers; returns how many (see `search.moves`)."""
        return await move(self._search, self._alias, targets)

    async def divide(
        self,
        sources: Sequence[str],
        target: str | None,
        *,
        keys: Sequence[str],
        stay: Sequence[str],
        until: int | None = None,
    ) -> int:
        """Moves the events of `sources` that name one of `keys` and none of `stay`, and were processed until then;
        returns how many."""
        others: list[dict[str, Any]] = [{"terms": {"identifiers": list(stay)}}]
        if until is not None:
            others.append({"range": {"sequence": {"gt": until}}})
        among = {"filter": [{"terms": {"identifiers": list(keys)}}], "must_not": others}
        return await move(self._search, self._alias, dict.fromkeys(sources, target), among)

    async def hand_over(self, source: str | None, target: str | None, message_ids: Sequence[str]) -> int:
        """Moves these events of one customer (None: nobody's) to another (None: to nobody); returns how many."""
        moved = 0
        for low in range(0, len(message_ids), MOVED_AT_ONCE):
            ids = list(message_ids[low : low + MOVED_AT_ONCE])
            among = {"filter": [{"terms": {"messageId": ids}}]}
            if source:
                moved += await move(self._search, self._alias, {source: target}, among)
            elif target:
                moved += await claim(self._search, self._alias, target, ids)
        return moved

    async def homes(self, one_ids: Sequence[str]) -> set[str]:
        """Those of the ONE-IDs under which events lie."""
        if not one_ids:
            return set()
        body = {
            "query": {"bool": {"filter": [_of(one_ids)]}},
            "size": 0,
            "aggs": {"homes": values_of("customer", len(one_ids))},
        }
        answer = await self._search.search(self._alias, body)
        return {bucket["key"] for bucket in answer["aggregations"]["homes"]["buckets"]}

    async def homes_between(
        self, after: str, until: str | None, *, page: int = 1_000
    ) -> AsyncIterator[list[str]]:
        """The ONE-IDs in the range (after, until] under which events lie, in order, in pages; until None: to the
        end."""
        while True:
            bounds = {"gt": after} if until is None else {"gt": after, "lte": until}
            body = {
                "query": {"bool": {"filter": [{"range": {"customer": bounds}}]}},
                "size": 0,
                "aggs": {"homes": values_of("customer", page)},
            }
            found = (await self._search.search(self._alias, body))["aggregations"]["homes"]["buckets"]
            if found:
                yield [bucket["key"] for bucket in found]
            if len(found) < page:
                return
            after = found[-1]["key"]

    async def _page(
        self,
        clauses: list[dict[str, Any]],
        one_ids: Sequence[str],
        *,
        size: int,
        after: list[Any] | None,
    ) -> list[dict[str, Any]]:
        body: dict[str, Any] = {"query": {"bool": {"filter": clauses}}, "size": size, "sort": NEWEST_FIRST}
        if after:
            body["search_after"] = after
        answer = await self._search.search(self._alias, body, params=_routing(one_ids))
        hits: list[dict[str, Any]] = answer["hits"]["hits"]
        return hits

    async def _count(self, clauses: list[dict[str, Any]], one_ids: Sequence[str]) -> int:
        """How many different events. Doubles only exist between ONE-IDs, so one of them alone counts right."""
        body = {
            "query": {"bool": {"filter": clauses}},
            "size": 0,
            "track_total_hits": True,
            "aggs": {"customers": values_of("customer", 2)},
        }
        answer = await self._search.search(self._alias, body, params=_routing(one_ids))
        if len(answer["aggregations"]["customers"]["buckets"]) < 2:
            total: int = answer["hits"]["total"]["value"]
            return total
        return await self._count_distinct(clauses, one_ids)

    async def _count_distinct(self, clauses: list[dict[str, Any]], one_ids: Sequence[str]) -> int:
        count, after = 0, ""
        while True:
            found = await self._after(after, clauses, one_ids)
            count += len(found)
            if len(found) < COUNTED_AT_ONCE:
                return count
            after = found[-1]

    async def _after(self, after: str, clauses: list[dict[str, Any]], one_ids: Sequence[str]) -> list[str]:
        """The next messageIds."""
        body = {
            "query": {"bool": {"filter": [*clauses, {"range": {"messageId": {"gt": after}}}]}},
            "size": 0,
            "aggs": {"ids": values_of("messageId", COUNTED_AT_ONCE)},
        }
        answer = await self._search.search(self._alias, body, params=_routing(one_ids))
        return [bucket["key"] for bucket in answer["aggregations"]["ids"]["buckets"]]


def values_of(field: str, most: int) -> dict[str, Any]:
    """Aggregates the first so many values of a field, in order, of few events. By the values themselves: their
    places among all would be told anew after every refresh, 0.4 s with a million customers."""
    return {"terms": {"field": field, "size": most, "execution_hint": "map", "order": {"_key": "asc"}}}


def _put(document: EventDocument) -> Operation:
    """Without a customer the event lies where its own id puts it."""
    meta = {"_id": document["messageId"]}
    if customer := document.get("customer"):
        meta["routing"] = customer
    return Operation("index", meta, dumps(document))


def _of(one_ids: Sequence[str]) -> dict[str, Any]:
    return {"terms": {"customer": list(one_ids)}}


def _routing(one_ids: Sequence[str]) -> Parameters:
    return {"routing": ",".join(one_ids)} if len(one_ids) <= ROUTED_IDS else {}


def cursor_of(hit: dict[str, Any]) -> str:
    """The cursor of an event that was found NEWEST_FIRST."""
    at, number, message_id = hit["sort"]
    return encode(CURSOR, (at, f"{number} {message_id}"))


def place_after(cursor: str | None) -> list[Any] | None:
    """The sort values of a cursor, None for none. Raises InvalidInput on a foreign one."""
    key = decode(CURSOR, cursor, "after")
    if key is None:
        return None
    number, _, message_id = key[1].partition(" ")
    if not number.isdecimal() or int(number) not in INT64:
        raise InvalidInput("not a cursor of this list", field=("after",))
    return [key[0], int(number), message_id]
