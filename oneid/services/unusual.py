"""Of whom new conditions are not what they are of somebody without events, as the event index tells it."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from typing import Any, Final, TypeAlias, TypeVar

from oneid.domain.segments.intervals import true_for_nobody
from oneid.domain.segments.rules import EventRule
from search.profiles import ProfileIndex
from search.ranges import Range
from search.segments.tallies import Tallies

T = TypeVar("T")
Truths: TypeAlias = tuple[bool, ...]
"""Which of the new conditions are true."""

Groups: TypeAlias = dict[Truths, list[str]]
"""Those of whom something is not as usual, by what is true of them."""

RANGE: Final = 40_000
"""So many customers are asked for in one request."""

MOVING: Final = 4_000
"""So many of those whose events are moving."""

AT_ONCE: Final = 4
"""Such requests, each with what follows from it."""


@dataclass
class Unusual:
    """`rules`: the new conditions; `moving`: former ONE-IDs whose events are on the way to their customers, with
    those."""

    tallies: Tallies
    profiles: ProfileIndex
    at: datetime
    rules: Sequence[EventRule]
    moving: Mapping[str, str]

    @cached_property
    def usual(self) -> Truths:
        """What is true of somebody without events."""
        return tuple(map(true_for_nobody, self.rules))

    async def everybody(self) -> list[Callable[[], Coroutine[Any, Any, Groups]]]:
        """What tells of them: range by range, and then of those whose events are moving. Raises Retriable."""
        if not self.rules:
            return []
        await self.tallies.refresh()
        aside, owners = sorted(self.moving.keys() | self.moving.values()), sorted(set(self.moving.values()))
        return [
            *(partial(self._within, among, aside) for among in await self.profiles.ranges(RANGE)),
            *(partial(self.of, owners[low : low + MOVING]) for low in range(0, len(owners), MOVING)),
        ]

    async def of(self, one_ids: Sequence[str]) -> Groups:
        """Those among some, with the events that lie under former ONE-IDs of theirs. Raises Retriable."""
        owners = {one_id: one_id for one_id in one_ids}
        owners |= {former: one_id for former, one_id in self.moving.items() if one_id in owners}
        return self._grouped(await self.tallies.otherwise_of(self.rules, self.at, owners))

    async def _within(self, among: Range, aside: Sequence[str]) -> Groups:
        return self._grouped(await self.tallies.otherwise(self.rules, self.at, among, aside))

    def _grouped(self, otherwise: Sequence[Sequence[str]]) -> Groups:
        """`otherwise`: for each condition those of whom it is not as usual."""
        which: defaultdict[str, int] = defaultdict(int)
        for place, one_ids in enumerate(otherwise):
            for one_id in one_ids:
                which[one_id] |= 1 << place
        groups: defaultdict[int, list[str]] = defaultdict(list)
        for one_id, places in which.items():
            groups[places].append(one_id)
        return {self._truths(places): one_ids for places, one_ids in groups.items()}

    def _truths(self, places: int) -> Truths:
        """What is true where the conditions at these places, as bits, are not as usual."""
        return tuple(usual != bool(places >> place & 1) for place, usual in enumerate(self.usual))


async def together(works: Sequence[Callable[[], Coroutine[Any, Any, T]]]) -> list[T]:
    """What works return; AT_ONCE of them go on at the same time."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def limited(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        async with limit:
            return await work()

    tasks = [asyncio.create_task(limited(work)) for work in works]
    try:
        return [await task for task in tasks]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
