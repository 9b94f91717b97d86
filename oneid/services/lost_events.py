"""Events that lie under a ONE-ID which the graph does not know: of somebody erased, written late by a process that was
held up, or of a customer whom the graph has lost in a restore."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from graph.conditions import Conditions
from graph.customers import Customers
from graph.receipts import Receipts
from oneid.domain.messages import StoredEvent
from oneid.log.erasure import LogErasure
from search.documents import EventDocument
from search.erasure import EventErasure
from search.events import EventIndex
from search.replays import Replays


class LostEvents:
    """Puts such events right. All of it may be done again."""

    def __init__(
        self,
        customers: Customers,
        receipts: Receipts,
        conditions: Conditions,
        events: EventIndex,
        replays: Replays,
        erasure: EventErasure,
        log: LogErasure,
    ) -> None:
        self._customers = customers
        self._receipts = receipts
        self._conditions = conditions
        self._events = events
        self._replays = replays
        self._erasure = erasure
        self._log = log

    async def settle(self, one_ids: Sequence[str]) -> None:
        """Deletes the events of whoever was erased; those of others go to the owner of their strongest identifier,
        or belong to nobody. Raises Retriable."""
        erased = await self._receipts.erased(one_ids)
        if erased:
            await self._erasure.delete(sorted(erased), self._forget)
        for one_id in sorted(set(one_ids) - erased):
            await self._give_back(one_id)

    async def _forget(self, documents: Sequence[EventDocument]) -> None:
        await self._log.forget([document["messageId"] for document in documents])

    async def _give_back(self, one_id: str) -> None:
        async for page in self._replays.pages(one_ids=[one_id]):
            owners = await self._customers.owners({key for event in page for key in event.identifiers})
            homes = defaultdict[str | None, list[str]](list)
            for event in page:
                homes[owner_of(event, owners)].append(event.message.message_id)
            for home, message_ids in homes.items():
                await self._events.hand_over(one_id, home, message_ids)
            await self._conditions.mark({home for home in homes if home})


def owner_of(event: StoredEvent, owners: Mapping[str, str]) -> str | None:
    """Events hold their identifiers in order of strength."""
    return next((owners[key] for key in event.identifiers if key in owners), None)
