"""Pages of events of many customers in one request."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from oneid.domain.messages import StoredEvent
from search.client import WHOLE, Search
from search.documents import stored_event
from search.encoding import dumps
from search.events import NEWEST_FIRST, ROUTED_IDS, EventFilter, EventIndex, cursor_of, place_after, values_of
from search.pages import Edge, Page

HOMES: Final = {"homes": values_of("customer", 2)}


@dataclass(frozen=True, slots=True)
class EventRequest:
    """One customer's events, newest first: `one_ids` are its ONE-ID and all its former ones."""

    one_ids: Sequence[str]
    wanted: EventFilter = field(default_factory=EventFilter)
    first: int = 50
    after: str | None = None


class EventPages:
    """Reads pages by a multi-search."""

    def __init__(self, search: Search, alias: str, events: EventIndex) -> None:
        self._search = search
        self._alias = alias
        self._events = events

    async def of(self, requests: Sequence[EventRequest]) -> list[Page[StoredEvent]]:
        """A page for each request, in order. Raises InvalidInput on a cursor of another list."""
        lines = [line for request in requests for line in (self._header(request), _body(request))]
        body = b"".join(dumps(line) + b"\n" for line in lines)
        answer = await self._search.request("POST", "/_msearch", body)
        pairs = zip(requests, answer["responses"], strict=True)
        return [await self._page(request, response) for request, response in pairs]

    def _header(self, request: EventRequest) -> dict[str, Any]:
        routed = len(request.one_ids) <= ROUTED_IDS
        routing = {"routing": ",".join(request.one_ids)} if routed else {}
        return {"index": self._alias, **WHOLE, **routing}

    async def _page(self, request: EventRequest, response: dict[str, Any]) -> Page[StoredEvent]:
        """What failed or may hold doubles, because a merge is being re-homed, is read by itself."""
        homes = response.get("aggregations", {}).get("homes", {}).get("buckets", ())
        if "error" in response or len(homes) > 1:
            return await self._events.by_customer(
                request.one_ids, request.wanted, first=request.first, after=request.after
            )
        hits: list[dict[str, Any]] = response["hits"]["hits"]
        shown = hits[: request.first]
        return Page(
            edges=tuple(Edge(cursor_of(hit), stored_event(hit["_source"])) for hit in shown),
            has_next=len(hits) > request.first,
            has_previous=request.after is not None,
            total=response["hits"]["total"]["value"],
        )


def _body(request: EventRequest) -> dict[str, Any]:
    clauses = [{"terms": {"customer": list(request.one_ids)}}, *request.wanted.clauses()]
    key = place_after(request.after)
    return {
        "query": {"bool": {"filter": clauses}},
        "size": request.first + 1,
        "sort": NEWEST_FIRST,
        "track_total_hits": True,
        **({"search_after": key} if key else {}),
        **({"aggs": HOMES} if len(request.one_ids) > 1 else {}),
    }
