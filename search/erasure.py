"""Erasure in the event index: a person's events go, and those of others forget that they named the person."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from oneid.domain.messages import Item
from search.bulk import Operation, bulk
from search.client import Search
from search.documents import EventDocument, event_document, stored_event
from search.encoding import dumps

PAGE: Final = 1_000

Witness = Callable[[Sequence[EventDocument]], Awaitable[None]]
"""Shown events before they go or are rewritten, or after."""

Erased = Callable[[EventDocument], Collection[str]]
"""Those of a document's identifiers that were erased."""

Redact = Callable[[Item, Collection[str]], Item]
"""A payload without the values of some identifiers."""


@dataclass(frozen=True, slots=True)
class Redaction:
    """How events are rewritten, and who is shown them `before` and `after`."""

    erased: Erased
    redact: Redact
    before: Witness
    after: Witness


class EventErasure:
    """Deletes and rewrites events, found through their alias. All of it may be done again."""

    def __init__(self, search: Search, alias: str) -> None:
        self._search = search
        self._alias = alias

    async def refresh(self) -> None:
        """Makes everything written so far searchable."""
        await self._search.request("POST", f"/{self._alias}/_refresh")

    async def delete(self, one_ids: Sequence[str], witness: Witness) -> int:
        """Deletes the events of these ONE-IDs; returns how many there were."""
        deleted = 0
        async for hits in self._pages({"filter": [{"terms": {"customer": list(one_ids)}}]}):
            await witness([hit["_source"] for hit in hits])
            await bulk(self._search, self._alias, [Operation("delete", _meta(hit)) for hit in hits])
            deleted += len(hits)
        return deleted

    async def redact_naming(self, keys: Sequence[str], until: str, redaction: Redaction) -> list[str]:
        """Rewrites the events, received until a time, that name one of the keys; their messageIds."""
        if not keys:
            return []
        clauses = [{"terms": {"identifiers": list(keys)}}, {"range": {"receivedAt": {"lte": until}}}]
        return await self._redact({"filter": clauses}, redaction)

    async def redact_messages(self, message_ids: Sequence[str], redaction: Redaction) -> None:
        """Rewrites these events if they name somebody erased, again."""
        for low in range(0, len(message_ids), PAGE):
            ids = list(message_ids[low : low + PAGE])
            await self._redact({"filter": [{"terms": {"messageId": ids}}]}, redaction)

    async def _redact(self, query: dict[str, Any], redaction: Redaction) -> list[str]:
        found: list[str] = []
        async for hits in self._pages(query):
            named = [(hit, keys) for hit in hits if (keys := redaction.erased(hit["_source"]))]
            documents: list[EventDocument] = [hit["_source"] for hit, _ in named]
            await redaction.before(documents)
            await bulk(
                self._search, self._alias, [_rewritten(hit, keys, redaction.redact) for hit, keys in named]
            )
            await redaction.after(documents)
            found += [document["messageId"] for document in documents]
        return found

    async def _pages(self, query: dict[str, Any]) -> AsyncIterator[list[dict[str, Any]]]:
        body: dict[str, Any] = {
            "query": {"bool": query},
            "size": PAGE,
            "sort": [{"customer": "asc"}, {"messageId": "asc"}],
            "seq_no_primary_term": True,
        }
        while True:
            answer = await self._search.search(self._alias, body)
            hits: list[dict[str, Any]] = answer["hits"]["hits"]
            if hits:
                yield hits
            if len(hits) < PAGE:
                return
            body["search_after"] = hits[-1]["sort"]


def _meta(hit: dict[str, Any]) -> dict[str, Any]:
    """An event that belongs to nobody lies where its own id puts it."""
    return {"_id": hit["_id"], **({"routing": hit["_routing"]} if "_routing" in hit else {})}


def _rewritten(hit: dict[str, Any], keys: Collection[str], redact: Redact) -> Operation:
    """Replaces the document that was read: moved meanwhile it is found again by the second look."""
    document: EventDocument = hit["_source"]
    event = stored_event(document)
    message = replace(event.message, payload=redact(document["payload"], keys))
    clean = event_document(replace(event, message=message))
    content = {
        **document,
        "identifiers": [key for key in document["identifiers"] if key not in keys],
        "properties": clean["properties"],
        "numbers": clean["numbers"],
        "payload": clean["payload"],
    }
    seen = {"if_seq_no": hit["_seq_no"], "if_primary_term": hit["_primary_term"]}
    return Operation("index", {**_meta(hit), **seen}, dumps(content))
