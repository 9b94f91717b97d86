"""Projection: what the graph knows of a customer becomes its document in the profile index."""

import logging
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

from graph.projection import Projected, Projections
from oneid.background import together
from oneid.clock import monotonic, sequence
from oneid.metrics import PROJECTED, REFUSED
from oneid.services.judging import JudgingService
from oneid.services.profile_writer import ProfileWriter
from oneid.services.rounds import Rounds
from search.bulk import field_of
from search.events import EventIndex
from search.profiles import ProfileIndex

ROUND: Final = 1_000
PARTS: Final = 2
LEAST: Final = 250
"""Customers in a part: fewer are not worth transactions of their own."""

HELD_SECONDS: Final = 1.0
"""So long somebody waits for evaluation. Whom events change is marked twice: for what they say, and soon after for
what is computed of them."""

ROUSED_SECONDS: Final = 5.0
"""So long at most somebody waits whom events change all the time."""

ROUNDS: Final = 10
"""A customer is marked again when its stage changes, or when somebody else judges it at the same time."""

T = TypeVar("T")

logger = logging.getLogger(__name__)


class ProjectionService:
    """Takes marked customers to the index. Any number may run at once, in any process: documents are whole and
    carry the customer's version, so that an older one never replaces a newer one."""

    def __init__(
        self,
        marks: Projections,
        writer: ProfileWriter,
        judging: JudgingService,
        profiles: ProfileIndex,
        events: EventIndex,
    ) -> None:
        self._marks = marks
        self._judging = judging
        self._writer = writer
        self._profiles = profiles
        self._events = events
        self._rounds = Rounds(self._make_searchable)
        self._everybody_at = monotonic()

    async def follow(self) -> int:
        """`run_once` for who calls it all the time: whom evaluation is about to change waits for it, but not for
        long."""
        if monotonic() - self._everybody_at < ROUSED_SECONDS:
            batch = await self._marks.settled(ROUND, sequence() - int(HELD_SECONDS * 1e9))
            await self._in_parts(batch)
            return len(batch)
        self._everybody_at = monotonic()
        return await self.run_once()

    async def run_once(self, limit: int = ROUND) -> int:
        """Projects at most `limit` marked customers and returns how many there were. Raises Retriable."""
        batch = await self._marks.dirty(limit)
        await self._in_parts(batch)
        return len(batch)

    async def _in_parts(self, batch: Sequence[Projected]) -> None:
        await together(map(self._project, parts(batch)))

    async def make_searchable(self, one_ids: Sequence[str]) -> None:
        """Returns when these customers and their events are found by a search; old ONE-IDs will do, too.
        Callers that come while a round is running share the next one. Raises Retriable."""
        await self._rounds.join(one_ids)

    async def _make_searchable(self, one_ids: Sequence[str]) -> None:
        for _ in range(ROUNDS):
            batch = await self._marks.dirty_among(one_ids)
            await self._project(batch)
            if not batch:
                break
        await together((self._profiles.refresh(), self._events.refresh()))

    async def _project(self, batch: Sequence[Projected]) -> None:
        """Writes first and clears the marks afterwards: a crash in between only writes the same again. Whom
        somebody else was judging keeps the mark."""
        if not batch:
            return
        live = [entry.record for entry in batch if not entry.merged]
        gone = [(entry.record.one_id, entry.record.version) for entry in batch if entry.merged]
        refused = await self._writer.write(live, gone)
        for one_id, reason in refused.items():
            # Kept marked it would be refused for ever, ahead of others; the reconciler keeps count of it.
            logger.error("the index refuses the profile of %s: field %s", one_id, field_of(reason))
        REFUSED.inc(len(refused))
        PROJECTED.inc(len(batch) - len(refused))
        again = await self._judging.judge([entry for entry in batch if not (entry.merged or entry.unjudged)])
        seen = {entry.record.one_id: entry.record.version for entry in batch}
        await self._marks.clean({one_id: version for one_id, version in seen.items() if one_id not in again})


def parts(batch: Sequence[T]) -> Iterator[Sequence[T]]:
    """What is to be worked on side by side: one part is with the index while another one is with the graph."""
    size = max(LEAST, -(-len(batch) // PARTS))
    return (batch[low : low + size] for low in range(0, len(batch), size))
