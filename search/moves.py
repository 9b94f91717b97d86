"""Re-homing: events move to the shard of the customer who took them over, by a merge or by a split.

Routing decides the shard, and both routings may lead to the same one. There the copy written under the new
ONE-ID replaces the old document, and a plain delete under the old routing would remove the only copy. So each
delete carries the sequence number that the old copy was read with: replaced, it is refused (409), which is right.
Any kill leaves the old copy, both, or the new one, and doing it again ends in the new one alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from search.bulk import Operation, bulk
from search.client import Search
from search.encoding import dumps

PAGE: Final = 1_000


async def move(
    search: Search,
    alias: str,
    targets: Mapping[str, str | None],
    among: Mapping[str, Any] | None = None,
    *,
    page: int = PAGE,
) -> int:
    """Moves the events of each former ONE-ID to its target (None: to nobody), all of them or those that a bool
    query finds `among` them; returns how many there were."""
    query = {**(among or {}), "must": {"terms": {"customer": list(targets)}}}
    return await _each(search, alias, query, targets, page)


async def claim(search: Search, alias: str, target: str, message_ids: Sequence[str]) -> int:
    """Gives these events, where they are nobody's, to a customer; returns how many there were."""
    query = {
        "filter": {"terms": {"messageId": list(message_ids)}},
        "must_not": {"exists": {"field": "customer"}},
    }
    return await _each(search, alias, query, {None: target}, PAGE)


async def _each(
    search: Search,
    alias: str,
    query: Mapping[str, Any],
    targets: Mapping[str, str | None] | Mapping[None, str],
    page: int,
) -> int:
    await search.request("POST", f"/{alias}/_refresh")
    moved = 0
    after: list[Any] | None = None
    while hits := await _read(search, alias, query, after, page):
        await bulk(search, alias, [_copy(hit, targets) for hit in hits])
        await bulk(search, alias, [_remove(hit) for hit in hits])
        moved += len(hits)
        after = hits[-1]["sort"]
    if moved:
        await search.request("POST", f"/{alias}/_refresh")
    return moved


async def _read(
    search: Search, alias: str, query: Mapping[str, Any], after: list[Any] | None, page: int
) -> list[dict[str, Any]]:
    body: dict[str, Any] = {
        "query": {"bool": query},
        "size": page,
        "sort": [{"customer": {"order": "asc", "missing": "_first"}}, {"messageId": "asc"}],
        "seq_no_primary_term": True,
    }
    if after:
        body["search_after"] = after
    answer = await search.search(alias, body)
    hits: list[dict[str, Any]] = answer["hits"]["hits"]
    return hits


def _copy(hit: dict[str, Any], targets: Mapping[Any, str | None]) -> Operation:
    target = targets[hit["_source"].get("customer")]
    document = {**hit["_source"], "customer": target}
    if target is None:
        del document["customer"]
        return Operation("index", {"_id": hit["_id"]}, dumps(document))
    return Operation("index", {"_id": hit["_id"], "routing": target}, dumps(document))


def _remove(hit: dict[str, Any]) -> Operation:
    meta = {
        "_id": hit["_id"],
        "if_seq_no": hit["_seq_no"],
        "if_primary_term": hit["_primary_term"],
    }
    if "_routing" in hit:
        meta["routing"] = hit["_routing"]
    return Operation("delete", meta)
