"""The change feed: what happened to customers, from the log of decisions, in order, resumable.

A decision's sequence is given before its transaction commits, so one may show up after another with a higher
sequence. The feed therefore knows which decisions of the last OVERLAP_NS it has delivered, and looks again when
their number in the graph is another. A position carries that number: resuming after it delivers nothing twice,
unless a late one came meanwhile, in which case the overlap is delivered again (at least once, never less).
"""

import asyncio
import heapq
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from graph.decision_pages import DecisionPages
from graph.decisions import DecisionLog
from oneid.clock import sequence
from oneid.domain.decisions import Decision, DecisionKind

T = TypeVar("T")

POLL_SECONDS: Final = 0.2
OVERLAP_NS: Final = 5_000_000_000
PAGE: Final = 500
KINDS: Final = [DecisionKind.CREATED, DecisionKind.MERGED]


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the feed: the highest sequence delivered, and how many were within the overlap before it."""

    sequence: int
    known: int


class ChangeFeed:
    """Opens readers, each of which follows the feed by itself."""

    def __init__(self, decisions: DecisionLog, pages: DecisionPages) -> None:
        self._decisions = decisions
        self._pages = pages

    async def open(self, after: Position | None = None) -> "ChangeReader":
        """A reader that starts after a position, or with what happens from now on."""
        reader = ChangeReader(self._decisions, self._pages, after.sequence if after else sequence())
        await reader.prime(after.known if after else None)
        return reader


class ChangeReader:
    """Follows the feed from one position."""

    def __init__(self, decisions: DecisionLog, pages: DecisionPages, start: int) -> None:
        self._decisions = decisions
        self._pages = pages
        self._high = start
        self._seen: set[str] = set()
        self._order: list[tuple[int, str]] = []

    async def prime(self, known: int | None) -> None:
        """Counts what lies before the start as delivered, unless its number shows that some was not."""
        if known is None or known == await self._number():
            async for decision in self._between(self._high - OVERLAP_NS, self._high):
                self._note(decision)

    async def poll(self) -> AsyncIterator[tuple[Position, Decision]]:
        """What is new, once: late ones first."""
        if len(self._seen) != await self._number():
            async for decision in self._between(self._high - OVERLAP_NS, self._high):
                if decision.id not in self._seen:
                    yield self._note(decision), decision
        async for decision in self._between(self._high, None):
            yield self._note(decision), decision

    async def follow(self) -> AsyncIterator[list[tuple[Position, Decision]]]:
        """Polls until the consumer stops; each poll's news, which may be none."""
        while True:
            yield [news async for news in self.poll()]
            await asyncio.sleep(POLL_SECONDS)

    async def _number(self) -> int:
        return await whole(self._pages.count_between(self._high - OVERLAP_NS, self._high, KINDS))

    async def _between(self, after: int, until: int | None) -> AsyncIterator[Decision]:
        while page := await whole(self._decisions.page(PAGE, after, kinds=KINDS)):
            for decision in page:
                if until is not None and decision.sequence > until:
                    return
                yield decision
            after = page[-1].sequence

    def _note(self, decision: Decision) -> Position:
        self._high = max(self._high, decision.sequence)
        self._seen.add(decision.id)
        heapq.heappush(self._order, (decision.sequence, decision.id))
        while self._order[0][0] <= self._high - OVERLAP_NS:
            self._seen.discard(heapq.heappop(self._order)[1])
        return Position(self._high, len(self._seen))


async def whole(work: Coroutine[Any, Any, T]) -> T:
    """The result of work that is not stopped half-way when the reader leaves: a query that is cancelled takes
    its connection with it, and readers come and go."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        raise
