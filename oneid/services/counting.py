"""Counting customers by conditions on their events that are not kept for everybody.

The index tells, range by range, of whom a new condition is not what it is of somebody without events: their profiles
are counted over again with that taken as known; all others are counted once.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import product
from typing import Any, Final, TypeAlias, TypeVar

from graph.customers import Customers
from oneid.clock import Clock
from oneid.domain.segments.conditions import timed
from oneid.domain.segments.intervals import true_for_nobody
from oneid.domain.segments.rules import EventRule, Rule
from oneid.domain.segments.tallies import countable
from oneid.services.evaluation import MaterialisationService
from search.members import Members
from search.profiles import ProfileIndex
from search.ranges import Range
from search.segments.compiler import Compiler
from search.segments.present import Instant
from search.segments.tallies import Tallies

T = TypeVar("T")
Truths: TypeAlias = tuple[bool, ...]
"""Which of the new conditions are true."""

Groups: TypeAlias = dict[Truths, list[str]]
"""Those of whom something is not as usual, by what is true of them."""

Telling: TypeAlias = Callable[[], Coroutine[Any, Any, Groups]]
Query: TypeAlias = dict[str, Any]

RANGE: Final = 40_000
"""So many customers are asked for in one request."""

AT_ONCE: Final = 3
"""Such requests."""

MOVING: Final = 10_000
"""So many of those whose events are moving."""

LOOKED_AT: Final = 200
SETTLED_TOGETHER: Final = 4
"""New conditions of which each combination is asked."""

PAGES: Final = 20
"""A sample is taken from the newest customers, so many pages of them at most."""


class CountingService:
    """Prepares the counting of rules at the instant of the clock."""

    def __init__(
        self,
        materialisation: MaterialisationService,
        customers: Customers,
        profiles: ProfileIndex,
        members: Members,
        tallies: Tallies,
        clock: Clock,
        zone: str,
    ) -> None:
        self._materialisation = materialisation
        self._customers = customers
        self._profiles = profiles
        self._members = members
        self._tallies = tallies
        self._clock = clock
        self._zone = zone

    async def of(self, rule: Rule) -> "Counting":
        """What counts a rule and its parts. Conditions that the index can't count are materialised. Raises
        LimitExceeded and Retriable."""
        asked = timed(rule)
        numbers = await self._materialisation.known(asked)
        new = {id_: one for id_, one in asked.items() if id_ not in numbers and countable(one)}
        rest = {id_: one for id_, one in asked.items() if id_ not in numbers.keys() | new.keys()}
        numbers |= await self._materialisation.numbers(rest)
        moving = await self._customers.moving() if new else {}
        present = Instant(self._clock.now(), self._zone)
        return Counting(self._profiles, self._members, self._tallies, present, numbers, new, moving)


@dataclass
class Counting:
    """One reading of the stores. `numbers`: of the conditions that are kept; `new`: those to count now, by
    id; `moving`: former ONE-IDs whose events are on the way to their customers, with those."""

    profiles: ProfileIndex
    members: Members
    tallies: Tallies
    present: Instant
    numbers: Mapping[str, int]
    new: Mapping[str, EventRule]
    moving: Mapping[str, str]

    async def counts(self, parts: Mapping[str, Rule]) -> dict[str, int]:
        """How many each part is true for. Raises Retriable."""
        totals = Counter(
            await self.profiles.counts({name: self._query(part, self._usual) for name, part in parts.items()})
        )
        concerned = {name: part for name, part in parts.items() if timed(part).keys() & self.new.keys()}
        for change in await together(
            [partial(self._change, concerned, one) for one in await self._everybody()]
        ):
            totals.update(change)
        return dict(totals)

    async def _change(self, parts: Mapping[str, Rule], told: Telling) -> Counter[str]:
        """By how much those that are told of change the counts of parts."""
        change = Counter[str]()
        usual = {f"-{name}": self._query(part, self._usual) for name, part in parts.items()}
        for truths, one_ids in (await told()).items():
            known = {f"+{name}": self._query(part, truths) for name, part in parts.items()}
            for counted, count in (await self.profiles.counts(known | usual, one_ids)).items():
                change[counted[1:]] += count if counted[0] == "+" else -count
        return change

    async def sample(self, rule: Rule, size: int) -> list[str]:
        """Some of those whom a rule is true for, the newest first; fewer than there are if they are few among
        many. Raises Retriable."""
        if not self.new:
            return (await self.profiles.search(first=size, only=self._query(rule, ()))).nodes
        found: list[str] = []
        after: str | None = None
        possible = self._possible(rule)
        for _ in range(PAGES):
            page = await self.profiles.search(first=LOOKED_AT, after=after, only=possible)
            found += await self._true_for(rule, page.nodes)
            if len(found) >= size or not page.has_next:
                break
            after = page.edges[-1].cursor
        return found[:size]

    def _possible(self, rule: Rule) -> Query | None:
        """The query for those whom a rule may be true for, whatever is true of new conditions; None: for all."""
        if len(self.new) > SETTLED_TOGETHER:
            return None
        every = product((True, False), repeat=len(self.new))
        return {
            "bool": {"should": [self._query(rule, truths) for truths in every], "minimum_should_match": 1}
        }

    async def _true_for(self, rule: Rule, one_ids: Sequence[str]) -> list[str]:
        truths = dict.fromkeys(one_ids, self._usual)
        for told, among in (await self._groups_of(one_ids)).items():
            truths |= dict.fromkeys(among, told)
        queries = {str(told): self._query(rule, told) for told in set(truths.values())}
        matched = await self.members.matching(one_ids, queries)
        return [one_id for one_id in one_ids if str(truths[one_id]) in matched.get(one_id, ())]

    async def _everybody(self) -> list[Telling]:
        """What tells of whom something is not as usual: range by range, and then of those whose events are moving."""
        if not self.new:
            return []
        await self.tallies.refresh()
        aside, owners = sorted(self.moving.keys() | self.moving.values()), sorted(set(self.moving.values()))
        return [
            *(partial(self._groups, among, aside) for among in await self.profiles.ranges(RANGE)),
            *(partial(self._groups_of, owners[low : low + MOVING]) for low in range(0, len(owners), MOVING)),
        ]

    async def _groups(self, among: Range, aside: Sequence[str]) -> Groups:
        rules = list(self.new.values())
        return self._grouped(await self.tallies.otherwise(rules, self.present.at, among, aside))

    async def _groups_of(self, one_ids: Sequence[str]) -> Groups:
        """The same of some, with the events that lie under former ONE-IDs of theirs."""
        owners = {one_id: one_id for one_id in one_ids}
        owners |= {former: one_id for former, one_id in self.moving.items() if one_id in owners}
        rules = list(self.new.values())
        return self._grouped(await self.tallies.otherwise_of(rules, self.present.at, owners))

    def _grouped(self, otherwise: Sequence[Sequence[str]]) -> Groups:
        """`otherwise`: for each new condition those of whom it is not as usual."""
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
        return tuple(usual != bool(places >> place & 1) for place, usual in enumerate(self._usual))

    @cached_property
    def _usual(self) -> Truths:
        """What is true of somebody without events."""
        return tuple(map(true_for_nobody, self.new.values()))

    def _query(self, rule: Rule, truths: Truths) -> Query:
        """The query for those of whom the new conditions are so."""
        settled = dict(zip(self.new, truths, strict=True))
        return Compiler(self.present, self.numbers, settled).compile(rule)


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
