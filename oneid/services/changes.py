"""The change feed: what happened to customers, from the logs of decisions and of segments, in order, resumable.

A sequence is given before its transaction commits, so one change may show up after another with a higher
sequence. The feed therefore knows which changes of the last OVERLAP_NS it has delivered, and looks again when
their number in the graph is another. A position carries that number: resuming after it delivers nothing twice,
unless a late one came meanwhile, in which case the overlap is delivered again (at least once, never less).
"""

import asyncio
import heapq
from collections.abc import AsyncIterator, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from graph.decision_pages import DecisionPages
from graph.decisions import DecisionLog
from graph.transitions import Transitions
from oneid.clock import sequence
from oneid.domain.decisions import Decision, DecisionKind
from oneid.domain.segments.membership import Transition

T = TypeVar("T")
Change: TypeAlias = Decision | Transition

POLL_SECONDS: Final = 0.2
OVERLAP_NS: Final = 5_000_000_000
PAGE: Final = 500
KINDS: Final = [DecisionKind.CREATED, DecisionKind.MERGED]


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the feed: the highest sequence delivered, and how many were within the overlap before it."""

    sequence: int
    known: int


class Source(Protocol):
    """A log of changes in the order of their sequences."""

    async def page(self, first: int, after: int) -> Sequence[Change]:
        """Up to `first` changes with a sequence above `after`."""
        ...

    async def between(self, after: int, until: int) -> int:
        """How many changes have a sequence in (after, until]."""
        ...


class DecisionSource:
    """Customers that came to be and that merged."""

    def __init__(self, decisions: DecisionLog, pages: DecisionPages) -> None:
        self._decisions = decisions
        self._pages = pages

    async def page(self, first: int, after: int) -> Sequence[Change]:
        return await self._decisions.page(first, after, kinds=KINDS)

    async def between(self, after: int, until: int) -> int:
        return await self._pages.count_between(after, until, KINDS)


class TransitionSource:
    """Customers that entered and left segments."""

    def __init__(self, transitions: Transitions) -> None:
        self._transitions = transitions

    async def page(self, first: int, after: int) -> Sequence[Change]:
        return await self._transitions.news(first, after)

    async def between(self, after: int, until: int) -> int:
        return await self._transitions.news_between(after, until)


class ChangeFeed:
    """Opens readers, each of which follows the feed by itself."""

    def __init__(self, *sources: Source) -> None:
        self._sources = sources

    async def open(self, after: Position | None = None) -> "ChangeReader":
        """A reader that starts after a position, or with what happens from now on."""
        reader = ChangeReader(self._sources, after.sequence if after else sequence())
        await reader.prime(after.known if after else None)
        return reader


class ChangeReader:
    """Follows the feed from one position."""

    def __init__(self, sources: Sequence[Source], start: int) -> None:
        self._sources = sources
        self._high = start
        self._seen: set[str] = set()
        self._order: list[tuple[int, str]] = []

    async def prime(self, known: int | None) -> None:
        """Counts what lies before the start as delivered, unless its number shows that some was not."""
        if known is None or known == await self._number():
            async for change in self._between(self._high - OVERLAP_NS, self._high):
                self._note(change)

    async def poll(self) -> AsyncIterator[tuple[Position, Change]]:
        """What is new, once: late ones first."""
        if len(self._seen) != await self._number():
            async for change in self._between(self._high - OVERLAP_NS, self._high):
                if change.id not in self._seen:
                    yield self._note(change), change
        async for change in self._between(self._high, None):
            yield self._note(change), change

    async def follow(self) -> AsyncIterator[list[tuple[Position, Change]]]:
        """Polls until the consumer stops; each poll's news, which may be none."""
        while True:
            yield [news async for news in self.poll()]
            await asyncio.sleep(POLL_SECONDS)

    async def _number(self) -> int:
        low, high = self._high - OVERLAP_NS, self._high
        return sum([await whole(source.between(low, high)) for source in self._sources])

    async def _between(self, after: int, until: int | None) -> AsyncIterator[Change]:
        while page := await self._page(after):
            for change in page:
                if until is not None and change.sequence > until:
                    return
                yield change
            after = page[-1].sequence

    async def _page(self, after: int) -> list[Change]:
        pages = [await whole(source.page(PAGE, after)) for source in self._sources]
        # The first of each source are enough for the first of all.
        return list(heapq.merge(*pages, key=lambda change: change.sequence))[:PAGE]

    def _note(self, change: Change) -> Position:
        self._high = max(self._high, change.sequence)
        self._seen.add(change.id)
        heapq.heappush(self._order, (change.sequence, change.id))
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
