"""Customers who stay when somebody is erased: their events, attributes and decisions forget that person."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Final

from graph.conditions import Conditions
from graph.erasure_scrubs import ErasureScrubs
from oneid.domain.erasures import Pending
from oneid.domain.messages import Item
from oneid.domain.redaction import Redactor
from oneid.domain.rules import IdentityRules
from oneid.domain.tombstones import Tombstones
from search.documents import EventDocument
from search.erasure import EventErasure, Redaction

SHOWN: Final = 1_000
"""So many are searched for as they are now when an erasure is answered; a worker goes on with the rest."""

Searchable = Callable[[Sequence[str]], Awaitable[None]]
"""Returns when customers are found as they are now."""


class ErasureOthers:
    """Takes a person out of what is kept about others. All of it may be done again."""

    def __init__(
        self,
        scrubs: ErasureScrubs,
        conditions: Conditions,
        events: EventErasure,
        searchable: Searchable,
        region: str,
    ) -> None:
        self._scrubs = scrubs
        self._conditions = conditions
        self._events = events
        self._searchable = searchable
        self._region = region

    async def forget(self, erasure: Pending, rules: IdentityRules, book: Tombstones) -> list[str]:
        """Everything that names the person; returns the messageIds of events that were rewritten. Raises
        Retriable."""
        redactor, changed = Redactor(erasure.keys, rules, self._region), set[str]()

        async def before(documents: Sequence[EventDocument]) -> None:
            """What events of others wrote goes first: once they are rewritten, nothing leads there."""
            await self.forget_anchors(erasure, documents)
            owners = {owner for document in documents if (owner := document.get("customer"))}
            changed.update(await self._scrubs.customers(erasure, owners, redactor))
            await self._mark_told(documents)

        redaction = Redaction(self._erased(book), self._redact(rules), before, self._mark_told)
        redacted = await self._events.redact_naming(erasure.keys, erasure.erased_at, redaction)
        changed |= await self._scrubs.decisions(erasure, redactor)
        await self._scrubs.attached(erasure)
        await self._searchable(sorted(changed)[:SHOWN])
        return redacted

    async def look_again(self, erasure: Pending, rules: IdentityRules, book: Tombstones) -> None:
        """At events that were rewritten: somebody may have written them back."""
        redaction = Redaction(self._erased(book), self._redact(rules), self._mark_told, self._mark_told)
        await self._events.redact_messages(erasure.redacted, redaction)

    async def forget_anchors(self, erasure: Pending, documents: Sequence[EventDocument]) -> None:
        """The person's values among those that identifiers of these events were seen with."""
        named = {key for document in documents for key in document["identifiers"]}
        await self._scrubs.anchors(erasure, named)

    def _redact(self, rules: IdentityRules) -> Callable[[Item, Collection[str]], Item]:
        return lambda payload, keys: Redactor(keys, rules, self._region).redact(payload)

    def _erased(self, book: Tombstones) -> Callable[[EventDocument], list[str]]:
        return lambda document: [
            key for key in document["identifiers"] if book.bar([key], document["receivedAt"])
        ]

    async def _mark_told(self, documents: Sequence[EventDocument]) -> None:
        """Has computed again what was computed from these events: before they are rewritten, since a kill may come
        next, and after, since it may have been computed in between."""
        told: defaultdict[str, set[str]] = defaultdict(set)
        for document in documents:
            if owner := document.get("customer"):
                told[owner].add(document["name"])
        if told:
            await self._conditions.mark_told(told)
