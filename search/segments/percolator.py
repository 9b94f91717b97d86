"""Segments as stored queries: which of them a document matches, without a search of the profiles."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from oneid.domain.catalog import AttributeDefinition
from search.bulk import Operation, bulk
from search.client import Search
from search.documents import ProfileDocument
from search.encoding import dumps
from search.typed import declare

ASKED: Final = ("identifierTypes", "typed", "parties", "lists", "consents", "seed")
"""What stored queries ask of a profile besides `holding`; all of it is mapped in the index of queries."""

MAX_SEGMENTS: Final = 10_000
"""As many hits as one search returns."""

AT_ONCE: Final = 200
"""Documents of one request: they are indexed in memory there."""


class Percolator:
    """Writes stored queries and compares documents with them."""

    def __init__(self, search: Search, alias: str) -> None:
        self._search = search
        self._alias = alias

    async def declare(self, definition: AttributeDefinition) -> None:
        """Gives a declared attribute its field."""
        await declare(self._search, self._alias, definition)

    async def store(self, queries: Mapping[str, tuple[int, Any]], gone: Iterable[str] = ()) -> None:
        """Puts the queries of segments and takes those away that are gone; what follows finds it so. Each has a
        version, and where a newer one is stored already, that stays."""
        puts = [put(id_, version, query) for id_, (version, query) in queries.items()]
        deletes = [Operation("delete", {"_id": id_}) for id_ in gone]
        outcomes = await bulk(self._search, self._alias, [*puts, *deletes])
        if reasons := [outcome.reason for outcome in outcomes if outcome.reason]:
            raise ValueError(f"a compiled rule is refused as a query: {reasons[0]}")
        await self._search.request("POST", f"/{self._alias}/_refresh")

    async def stored(self) -> dict[str, Any]:
        """Every stored query, by segment."""
        body = {"size": MAX_SEGMENTS, "query": {"match_all": {}}}
        hits = (await self._search.search(self._alias, body))["hits"]["hits"]
        return {hit["_id"]: hit["_source"]["query"] for hit in hits}

    async def matched(self, documents: Sequence[Mapping[str, Any]]) -> list[set[str]]:
        """For each document (`percolated`) the segments whose queries it matches."""
        found: list[set[str]] = []
        for low in range(0, len(documents), AT_ONCE):
            found += await self._matched(documents[low : low + AT_ONCE])
        return found

    async def _matched(self, documents: Sequence[Mapping[str, Any]]) -> list[set[str]]:
        percolate = {"field": "query", "documents": list(documents)}
        body = {
            "size": MAX_SEGMENTS,
            "query": {"bool": {"filter": [{"percolate": percolate}]}},
            "_source": False,
            "fields": ["_percolator_document_slot"],
        }
        hits = (await self._search.search(self._alias, body))["hits"]["hits"]
        found: list[set[str]] = [set() for _ in documents]
        for hit in hits:
            for slot in hit["fields"]["_percolator_document_slot"]:
                found[slot].add(hit["_id"])
        return found


def put(id_: str, version: int, query: Any) -> Operation:
    meta = {"_id": id_, "version": version, "version_type": "external_gte"}
    return Operation("index", meta, dumps({"query": query}))


def percolated(document: ProfileDocument, holding: Sequence[str]) -> dict[str, Any]:
    """A profile as stored queries ask it. `holding`: the names of what holds at the instant."""
    told: Mapping[str, Any] = document
    return {**{name: told[name] for name in ASKED if name in told}, "holding": list(holding)}
