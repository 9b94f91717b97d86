"""Events in the order in which they were processed, page by page."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from oneid.domain.messages import StoredEvent
from search.client import Search
from search.documents import stored_event

PAGE: Final = 2_000
IN_ORDER: Final = [{"sequence": {"order": "asc", "missing": "_first"}}, {"messageId": "asc"}]


class Replays:
    """Reads the event index as the log that it is. A page sees what was searchable when it was asked for."""

    def __init__(self, search: Search, alias: str) -> None:
        self._search = search
        self._alias = alias

    async def refresh(self) -> None:
        """Makes everything written so far readable."""
        await self._search.request("POST", f"/{self._alias}/_refresh")

    async def count(self) -> int:
        """How many events there are."""
        answer = await self._search.request("GET", f"/{self._alias}/_count")
        count: int = answer["count"]
        return count

    async def pages(
        self,
        *,
        one_ids: Sequence[str] | None = None,
        type: str | None = None,
        after: tuple[int, str] | None = None,
        until: int | None = None,
    ) -> AsyncIterator[list[StoredEvent]]:
        """Events of these ONE-IDs (None: all), of this type, after a (sequence, messageId), up to the sequence
        `until`."""
        clauses: list[dict[str, Any]] = []
        if one_ids is not None:
            clauses.append({"terms": {"customer": list(one_ids)}})
        if type is not None:
            clauses.append({"term": {"type": type}})
        if until is not None:
            clauses.append({"bool": {"must_not": {"range": {"sequence": {"gt": until}}}}})
        body: dict[str, Any] = {"query": {"bool": {"filter": clauses}}, "size": PAGE, "sort": IN_ORDER}
        while True:
            if after:
                body["search_after"] = list(after)
            answer = await self._search.search(self._alias, body)
            hits: list[dict[str, Any]] = answer["hits"]["hits"]
            if hits:
                yield [stored_event(hit["_source"]) for hit in hits]
            if len(hits) < PAGE:
                return
            after = (hits[-1]["sort"][0], hits[-1]["sort"][1])
