"""Counting customers by conditions on their events that are not kept for everybody.

Customers come page by page with what their events add up to. Of whom a new condition is not what it is of
somebody without events, the profiles are counted over again with that taken as known; all others are counted once.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, Final, TypeAlias

from graph.customers import Customers
from oneid.clock import Clock
from oneid.domain.segments.conditions import timed
from oneid.domain.segments.measures import judged
from oneid.domain.segments.rules import EventRule, Rule
from oneid.domain.segments.tallies import NOTHING, Tallied, countable
from oneid.services.evaluation import MaterialisationService
from search.members import Members
from search.profiles import ProfileIndex
from search.segments.compiler import Compiler
from search.segments.present import Instant
from search.segments.tallies import Tallies

Truths: TypeAlias = tuple[bool, ...]
"""Which of the new conditions are true."""

Query: TypeAlias = dict[str, Any]

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
        usual = {name: self._query(part, self._usual) for name, part in parts.items()}
        totals = Counter(await self.profiles.counts(usual))
        concerned = {name: part for name, part in parts.items() if timed(part).keys() & self.new.keys()}
        async for groups in self._groups():
            for truths, one_ids in groups.items():
                known = {name: self._query(part, truths) for name, part in concerned.items()}
                totals.update(await self.profiles.counts(known, one_ids))
                totals.subtract(await self.profiles.counts({name: usual[name] for name in known}, one_ids))
        return dict(totals)

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
        async for groups in self._groups(one_ids):
            truths |= {one_id: told for told, among in groups.items() for one_id in among}
        queries = {str(told): self._query(rule, told) for told in set(truths.values())}
        matched = await self.members.matching(one_ids, queries)
        return [one_id for one_id in one_ids if str(truths[one_id]) in matched.get(one_id, ())]

    async def _groups(self, among: Sequence[str] | None = None) -> AsyncIterator[dict[Truths, list[str]]]:
        """Those of whom something is not as usual, by what is true of them, in pages."""
        if not self.new:
            return
        moving = {**dict.fromkeys(self.moving.values(), ""), **self.moving}
        aside: defaultdict[str, list[Sequence[Tallied]]] = defaultdict(list)
        async for page in self.tallies.pages(list(self.new.values()), self.present.at, self._named(among)):
            for one_id in page.keys() & moving.keys():
                aside[moving[one_id] or one_id].append(page.pop(one_id))
            yield self._grouped(page)
        yield self._grouped({one_id: together(told) for one_id, told in aside.items()})

    def _named(self, among: Sequence[str] | None) -> Sequence[str] | None:
        """Customers with the former ONE-IDs under which events of theirs may still lie."""
        if among is None:
            return None
        return [*among, *(former for former, one_id in self.moving.items() if one_id in set(among))]

    def _grouped(self, page: Mapping[str, Sequence[Tallied]]) -> dict[Truths, list[str]]:
        groups: defaultdict[Truths, list[str]] = defaultdict(list)
        for one_id, tallied in page.items():
            groups[self._truths(tallied)].append(one_id)
        groups.pop(self._usual, None)
        return groups

    @cached_property
    def _usual(self) -> Truths:
        """What is true of somebody without events."""
        return self._truths([NOTHING] * len(self.new))

    def _truths(self, tallied: Sequence[Tallied]) -> Truths:
        return tuple(judged(rule, tally) for rule, tally in zip(self.new.values(), tallied, strict=True))

    def _query(self, rule: Rule, truths: Truths) -> Query:
        """The query for those of whom the new conditions are so."""
        settled = dict(zip(self.new, truths, strict=True))
        return Compiler(self.present, self.numbers, settled).compile(rule)


def together(parts: Sequence[Sequence[Tallied]]) -> list[Tallied]:
    """What is counted under several ONE-IDs of one customer."""
    return [sum(one, NOTHING) for one in zip(*parts, strict=True)]
