"""The profile index: whole documents, written with the customer's version so that order does not matter."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from oneid.domain.catalog import AttributeDefinition, Catalog
from oneid.domain.customers import CustomerRecord
from oneid.errors import InvalidInput, Retriable
from search.bulk import Operation, Outcome, bulk
from search.client import Search
from search.documents import NOTHING_DECLARED, profile_document
from search.encoding import dumps
from search.fingerprints import CONTENT, NAMELESS, VERSIONS, Fingerprint, fingerprint, walk
from search.pages import Edge, Page, SortKey, decode, encode
from search.ranges import Range, ranges
from search.segments.buckets import seed
from search.totals import KEEP_ALIVE, point_in_time
from search.typed import declare

CURSOR: Final = "customer"
MAX_TERMS: Final = 20_000
"""ONE-IDs of one query: the index takes 65,536, and a request should stay under a megabyte."""

# Of equal sequences the number drawn from the ONE-ID decides: by texts the newest of a million take ten times as long.
NEWEST_FIRST: Final = [{"sequence": "desc"}, {"seed": "asc"}]
OLDEST_FIRST: Final = [{"sequence": "asc"}, {"seed": "desc"}]


@dataclass(frozen=True, slots=True)
class _Slice:
    """Which part of a list is asked for. `backward`: the last rows before `key` instead of the first after."""

    size: int
    key: SortKey | None
    backward: bool


class ProfileIndex:
    """Reads and writes profile documents through their alias."""

    def __init__(self, search: Search, alias: str) -> None:
        self._search = search
        self._alias = alias

    async def declare(self, definition: AttributeDefinition) -> None:
        """Gives a declared attribute its field."""
        await declare(self._search, self._alias, definition)

    async def write(
        self,
        live: Sequence[CustomerRecord],
        gone: Sequence[tuple[str, int]],
        catalog: Catalog = NOTHING_DECLARED,
    ) -> dict[str, str]:
        """Puts the documents of live customers and deletes those of former ones (ONE-ID, version), in one
        request. A newer version that is there already stays. Returns what was refused, ONE-ID to reason."""
        operations = changes(live, gone, catalog)
        return refusals(operations, await bulk(self._search, self._alias, operations))

    async def refresh(self) -> None:
        """Makes everything written so far searchable."""
        await self._search.request("POST", f"/{self._alias}/_refresh")

    async def search(
        self,
        text: str | None = None,
        *,
        keys: Sequence[str] = (),
        only: dict[str, Any] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Page[str]:
        """ONE-IDs, the newest customer first. `text` is a ONE-ID, a former one, the value of an identifier,
        or words of a name; `keys` are identifier keys that the text may stand for. No text: everybody. `only`:
        a query that they must match, too.
        `first` with `after` or `last` with `before`; raises InvalidInput on other pairs and foreign cursors."""
        wanted = _slice(first, after, last, before)
        words = _query(text, keys)
        query = {"bool": {"filter": [words, only]}} if only else words
        answer = await self._search.search(self._alias, _body(query, wanted))
        hits: list[dict[str, Any]] = answer["hits"]["hits"]
        rows: list[SortKey] = [(hit["sort"][0], hit["_id"]) for hit in hits[: wanted.size]]
        more = len(hits) > wanted.size
        behind = wanted.key is not None and await self._any_behind(query, wanted)
        if wanted.backward:
            rows.reverse()
        return Page(
            edges=tuple(Edge(encode(CURSOR, row), row[1]) for row in rows),
            has_next=behind if wanted.backward else more,
            has_previous=more if wanted.backward else behind,
            total=answer["hits"]["total"]["value"],
        )

    async def count(self, query: dict[str, Any]) -> int:
        """How many customers match a query, exactly."""
        body = {"size": 0, "track_total_hits": True, "query": query}
        count: int = (await self._search.search(self._alias, body))["hits"]["total"]["value"]
        return count

    async def counts(
        self, queries: Mapping[str, dict[str, Any]], among: Sequence[str] | None = None
    ) -> dict[str, int]:
        """How many customers, or how many `among` these, match each query, exactly, by its name; all of one moment,
        unless these are more than MAX_TERMS."""
        if among is None:
            return await self._counted(queries)
        found = Counter[str]()
        for low in range(0, len(among), MAX_TERMS):
            found.update(await self._counted_among(queries, list(among[low : low + MAX_TERMS])))
        return dict(found)

    async def _counted(self, queries: Mapping[str, dict[str, Any]]) -> dict[str, int]:
        """A query by itself is counted without looking at what it does not match."""
        if len(queries) == 1:
            return {name: await self.count(query) for name, query in queries.items()}
        async with point_in_time(self._search, self._alias) as pit:
            asked = {"pit": {"id": pit, "keep_alive": KEEP_ALIVE}, "size": 0, "track_total_hits": True}
            answers = await self._search.searches([{**asked, "query": query} for query in queries.values()])
        totals = (answer["hits"]["total"]["value"] for answer in answers)
        return dict(zip(queries, totals, strict=True))

    async def _counted_among(
        self, queries: Mapping[str, dict[str, Any]], one_ids: Sequence[str]
    ) -> dict[str, int]:
        body = {
            "size": 0,
            "query": {"bool": {"filter": [{"terms": {"oneId": one_ids}}]}},
            "aggs": {"counts": {"filters": {"filters": dict(queries)}}},
        }
        answer = await self._search.search(self._alias, body)
        buckets = answer["aggregations"]["counts"]["buckets"]
        return {name: bucket["doc_count"] for name, bucket in buckets.items()}

    async def ranges(self, size: int) -> list[Range]:
        """Ranges of ONE-IDs that hold everybody, each about `size` of them (see `search.ranges`)."""
        return await ranges(self._search, self._alias, size)

    async def fingerprints(self, one_ids: Sequence[str]) -> dict[str, Fingerprint]:
        """What the documents that exist are, as written, searchable or not."""
        if not one_ids:
            return {}
        answer = await self._search.request("POST", f"/{self._alias}/_mget", {"ids": list(one_ids)})
        documents: list[dict[str, Any]] = answer["docs"]
        if any("error" in document for document in documents):
            raise Retriable("a part of the profile index is not available")
        return {document["_id"]: fingerprint(document) for document in documents if document["found"]}

    async def between(self, after: str, until: str | None, *, page: int) -> dict[str, Fingerprint]:
        """The searchable documents in the range (after, until] of ONE-IDs; until None: to the end. `page`: how
        many are read at once."""
        hits = walk(self._search, self._alias, after, until, limit=page, wanted=CONTENT)
        return {hit["_id"]: fingerprint(hit) async for hit in hits}

    async def versions(self, after: str, until: str | None, *, page: int) -> dict[str, int]:
        """The versions alone of the documents of `between`, at a fraction of the cost."""
        hits = walk(self._search, self._alias, after, until, limit=page, wanted=VERSIONS)
        return {hit["_id"]: hit.get("fields", {}).get("version", [0])[0] async for hit in hits}

    async def nameless(self, limit: int) -> list[str]:
        """Ids of documents without a ONE-ID, which nothing of ours writes."""
        answer = await self._search.search(self._alias, {"query": NAMELESS, "size": limit, "_source": False})
        return [hit["_id"] for hit in answer["hits"]["hits"]]

    async def _any_behind(self, query: dict[str, Any], wanted: _Slice) -> bool:
        """Whether the list has rows on the side that a cursor comes from, its own row included."""
        assert wanted.key is not None
        sequence, one_id = wanted.key
        here = {
            "bool": {"filter": [{"term": {"sequence": sequence}}, {"range": {"seed": _tie(one_id, wanted)}}]}
        }
        beyond = {"range": {"sequence": {"lt" if wanted.backward else "gt": sequence}}}
        either = {"bool": {"should": [beyond, here], "minimum_should_match": 1}}
        body = {
            "query": {"bool": {"filter": [query, either]}},
            "size": 0,
            "terminate_after": 1,
            "track_total_hits": True,
        }
        answer = await self._search.search(self._alias, body)
        return bool(answer["hits"]["total"]["value"])


def changes(
    live: Sequence[CustomerRecord], gone: Sequence[tuple[str, int]], catalog: Catalog
) -> list[Operation]:
    """The lines of a bulk request that `ProfileIndex.write` stands for."""
    return [*(_put(record, catalog) for record in live), *(_delete(*former) for former in gone)]


def refusals(operations: Sequence[Operation], outcomes: Sequence[Outcome]) -> dict[str, str]:
    """What was refused for good, ONE-ID to reason."""
    return {
        operation.meta["_id"]: outcome.reason
        for operation, outcome in zip(operations, outcomes, strict=True)
        if outcome.reason
    }


def _put(record: CustomerRecord, catalog: Catalog) -> Operation:
    meta = {"_id": record.one_id, "version": record.version, "version_type": "external_gte"}
    return Operation("index", meta, dumps(profile_document(record, catalog)))


def _delete(one_id: str, version: int) -> Operation:
    return Operation("delete", {"_id": one_id, "version": version, "version_type": "external_gte"})


def _slice(first: int | None, after: str | None, last: int | None, before: str | None) -> _Slice:
    if first is not None and last is not None:
        raise InvalidInput("first and last exclude each other", field=("last",))
    if last is not None:
        if after is not None:
            raise InvalidInput("after goes with first", field=("after",))
        return _Slice(last, decode(CURSOR, before, "before"), backward=True)
    if before is not None:
        raise InvalidInput("before goes with last", field=("before",))
    return _Slice(50 if first is None else first, decode(CURSOR, after, "after"), backward=False)


def _body(query: dict[str, Any], wanted: _Slice) -> dict[str, Any]:
    body = {
        "query": {"bool": {"filter": [query]}},
        "size": wanted.size + 1,
        "sort": OLDEST_FIRST if wanted.backward else NEWEST_FIRST,
        "track_total_hits": True,
        "_source": False,
    }
    if not wanted.key:
        return body
    sequence, one_id = wanted.key
    return {**body, "search_after": [sequence, seed(one_id)]}


def _query(text: str | None, keys: Sequence[str]) -> dict[str, Any]:
    words = (text or "").strip()
    if not words:
        return {"match_all": {}}
    choices: list[dict[str, Any]] = [
        {"term": {"searchable": words}},
        {"match_phrase": {"names": words}},
    ]
    if keys:
        choices.append({"terms": {"identifiers": list(keys)}})
    return {"bool": {"should": choices, "minimum_should_match": 1}}


def _tie(one_id: str, wanted: _Slice) -> dict[str, int]:
    return {"gte" if wanted.backward else "lte": seed(one_id)}
