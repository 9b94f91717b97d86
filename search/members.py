"""Everybody whom a query matches, at one moment, in pages of bounded memory."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from search.client import Search
from search.totals import KEEP_ALIVE, point_in_time

PAGE: Final = 5_000


class Members:
    """Reads the profile index from points in time."""

    def __init__(self, search: Search, alias: str) -> None:
        self._search = search
        self._alias = alias

    async def among(self, one_ids: Sequence[str], query: dict[str, Any]) -> dict[str, int]:
        """Those of the customers whom a query matches, with the versions of their documents; at most 10,000."""
        body: dict[str, Any] = {
            "query": {"bool": {"filter": [{"ids": {"values": list(one_ids)}}, query]}},
            "size": len(one_ids),
            "_source": False,
            "docvalue_fields": ["version"],
        }
        hits = (await self._search.search(self._alias, body))["hits"]["hits"]
        return {hit["_id"]: hit["fields"]["version"][0] for hit in hits}

    async def matching(
        self, one_ids: Sequence[str], queries: Mapping[str, dict[str, Any]]
    ) -> dict[str, frozenset[str]]:
        """Which of the queries, by name, each customer matches; at most 10,000 customers."""
        named = [{"bool": {"_name": name, "filter": [query]}} for name, query in queries.items()]
        body: dict[str, Any] = {
            "query": {"bool": {"filter": [{"ids": {"values": list(one_ids)}}], "should": named}},
            "size": len(one_ids),
            "_source": False,
        }
        hits = (await self._search.search(self._alias, body))["hits"]["hits"]
        return {hit["_id"]: frozenset(hit.get("matched_queries", ())) for hit in hits}

    async def of(self, query: dict[str, Any]) -> AsyncIterator[list[str]]:
        """ONE-IDs in their order, in pages."""
        async with point_in_time(self._search, self._alias) as pit:
            body: dict[str, Any] = {
                "pit": {"id": pit, "keep_alive": KEEP_ALIVE},
                "query": {"bool": {"filter": [query]}},
                "size": PAGE,
                "sort": [{"oneId": "asc"}],
                "_source": False,
            }
            while hits := (await self._search.search("", body))["hits"]["hits"]:
                yield [hit["_id"] for hit in hits]
                body["search_after"] = hits[-1]["sort"]
