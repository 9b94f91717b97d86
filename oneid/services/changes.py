"""The logs of what happens to customers, and a reader of them that tells each change at least once.

A sequence is given before its transaction commits, so one change may show up after another with a higher sequence.
It can't be much later: sequences are given in the last attempt at a transaction or just before the first one, the
attempts begin within the 30 seconds of `graph.client`'s retries, and Neo4j ends each after 60 seconds; clocks of
hosts may differ by 30 seconds. A reader therefore remembers which changes of the last FAR_NS it has told, and
looks again where their number in the log is another: among the last NEAR_NS every NEAR_SECONDS, among all of them
every FAR_SECONDS. What is late by up to 120 seconds (FAR_NS less FAR_SECONDS) is told. Each log is read on from its
own end: one whose transactions take longer is not late for that.

A position carries both numbers. Who goes on from it is told nothing twice, unless a late one came meanwhile:
then the shorter overlap is told again, or the whole one if it is older.
"""

import asyncio
import heapq
from collections.abc import AsyncIterator, Coroutine, Sequence
from itertools import chain
from typing import Any, Final, Protocol, TypeVar

from graph.change_pages import ChangePages
from graph.transitions import Transitions
from oneid.clock import monotonic
from oneid.domain.changes import FAR_NS, NEAR_NS, Change, Lately, Position, of_decision, of_transition

T = TypeVar("T")

NEAR_SECONDS: Final = 1.0
FAR_SECONDS: Final = 30.0
PAGE: Final = 500
LISTED: Final = 5_000
"""Ids read at once."""

STEP_NS: Final = 30_000_000_000

News = tuple[Position, Change]


class Source(Protocol):
    """A log of changes in the order of their sequences."""

    async def page(self, first: int, after: int) -> Sequence[Change]:
        """Up to `first` changes with a sequence above `after`."""
        ...

    async def among(self, ids: Sequence[str]) -> Sequence[Change]:
        """Those with these ids."""
        ...

    async def between(self, after: int, until: int) -> int:
        """How many changes have a sequence in (after, until]."""
        ...

    async def ids(self, after: int, until: int) -> Sequence[tuple[int, str]]:
        """The sequence and id of each of those, in no order."""
        ...


class DecisionSource:
    """Customers that came to be, merged, were split or erased."""

    def __init__(self, pages: ChangePages) -> None:
        self._pages = pages

    async def page(self, first: int, after: int) -> Sequence[Change]:
        return [of_decision(*told) for told in await self._pages.page(first, after)]

    async def among(self, ids: Sequence[str]) -> Sequence[Change]:
        return [of_decision(*told) for told in await self._pages.among(ids)]

    async def between(self, after: int, until: int) -> int:
        return await self._pages.between(after, until)

    async def ids(self, after: int, until: int) -> Sequence[tuple[int, str]]:
        return await self._pages.ids(after, until)


class TransitionSource:
    """Customers that entered and left segments."""

    def __init__(self, transitions: Transitions) -> None:
        self._transitions = transitions

    async def page(self, first: int, after: int) -> Sequence[Change]:
        return [of_transition(told) for told in await self._transitions.news(first, after)]

    async def among(self, ids: Sequence[str]) -> Sequence[Change]:
        return [of_transition(told) for told in await self._transitions.news_among(ids)]

    async def between(self, after: int, until: int) -> int:
        return await self._transitions.news_between(after, until)

    async def ids(self, after: int, until: int) -> Sequence[tuple[int, str]]:
        return await self._transitions.news_ids(after, until)


class ChangeReader:
    """Reads on from one position."""

    def __init__(self, sources: Sequence[Source], start: int) -> None:
        self._ends = dict.fromkeys(sources, start)
        self._near_at = self._far_at = float("-inf")
        self.lately = Lately(start)

    async def prime(self, after: Position | None) -> None:
        """Counts what lies before the start as told, unless the numbers of the position show that some was not."""
        again = await self._overlap(after) if after else 0
        start, until = self.lately.high, self.lately.high - again
        # Step by step: what was done lately may be much, and others in this process wait.
        for low in range(start - FAR_NS, until, STEP_NS):
            for sequence, id_ in await self._listed(low, min(low + STEP_NS, until)):
                self.lately.note(sequence, id_)
        if not again:
            self._far_at = monotonic() + FAR_SECONDS

    async def poll(self, *, far: bool = False) -> AsyncIterator[list[News]]:
        """What is new, page by page, each change once; late ones first, with `far` also the latest."""
        async for page in self._late(far or monotonic() >= self._far_at):
            yield page
        async for changes in self._new():
            if page := self._told(changes):
                yield page

    async def _late(self, far: bool) -> AsyncIterator[list[News]]:
        if not far and monotonic() < self._near_at:
            return
        high = self.lately.high
        async for page in self._missed(high - (FAR_NS if far else NEAR_NS), high):
            yield page
        self._near_at = monotonic() + NEAR_SECONDS
        if far:
            self._far_at = monotonic() + FAR_SECONDS

    async def _missed(self, after: int, until: int) -> AsyncIterator[list[News]]:
        """What was not told of (after, until]. A part whose number is right is not looked at; of a part whose number
        is another one the ids are read, and the changes only of those that were not told."""
        told, there = self.lately.between(after, until), await self._number(after, until)
        if told == there:
            return
        if max(told, there) > LISTED and until - after > 1:
            middle = (after + until) // 2
            for part in ((after, middle), (middle, until)):
                async for page in self._missed(*part):
                    yield page
            return
        ids = [id_ for _, id_ in await self._listed(after, until)]
        self.lately.keep(set(ids), after, until)
        missed = [id_ for id_ in ids if id_ not in self.lately]
        for low in range(0, len(missed), PAGE):
            if page := self._told(await self._among(missed[low : low + PAGE])):
                yield page

    def _told(self, changes: Sequence[Change]) -> list[News]:
        news = list[News]()
        for change in changes:
            if change.id not in self.lately:
                self.lately.note(change.sequence, change.id)
                news.append((self.lately.position, change))
        return news

    async def _overlap(self, after: Position) -> int:
        """How much before a position is told again, since something in it was not told."""
        high = after.sequence
        far = await self._number(high - FAR_NS, high) - after.far
        near = await self._number(high - NEAR_NS, high) - after.near
        return FAR_NS if far != near else NEAR_NS if near else 0

    async def _number(self, after: int, until: int) -> int:
        return sum(await whole(*(source.between(after, until) for source in self._ends)))

    async def _listed(self, after: int, until: int) -> list[tuple[int, str]]:
        """Sequence and id of all with a sequence in (after, until], in order."""
        found = await whole(*(source.ids(after, until) for source in self._ends))
        return sorted(chain.from_iterable(found))

    async def _among(self, ids: Sequence[str]) -> list[Change]:
        found = await whole(*(source.among(ids) for source in self._ends))
        return sorted(chain.from_iterable(found), key=lambda change: change.sequence)

    async def _new(self) -> AsyncIterator[list[Change]]:
        """Pages of what came since the last one."""
        full = True
        while full:
            page = await self._page()
            full = len(page) == PAGE
            if page:
                yield page

    async def _page(self) -> list[Change]:
        """The next changes of all sources, in order."""
        pages = await whole(*(source.page(PAGE, end) for source, end in self._ends.items()))
        # The first of each source are enough for the first of all.
        first = list(heapq.merge(*pages, key=lambda change: change.sequence))[:PAGE]
        for source, page in zip(self._ends, pages, strict=True):
            read = [change.sequence for change in page if change.sequence <= first[-1].sequence]
            self._ends[source] = max(read, default=self._ends[source])
        return first


async def whole(*works: Coroutine[Any, Any, T]) -> list[T]:
    """The results of works that go on side by side and are not stopped half-way when the reader leaves: a query that
    is cancelled takes its connection with it, and readers come and go."""
    done = asyncio.gather(*map(asyncio.create_task, works))
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        done.add_done_callback(lambda done: done.cancelled() or done.exception())
        raise
