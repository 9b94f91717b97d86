"""Counting customers by conditions on their events that are not kept for everybody.

The index tells, range by range, of whom a new condition is not what it is of somebody without events: their profiles
are counted over again with that taken as known; all others are counted once.
"""

from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any, Final, TypeAlias

from graph.customers import Customers
from oneid.clock import Clock
from oneid.domain.segments.conditions import timed
from oneid.domain.segments.rules import EventRule, Rule
from oneid.domain.segments.tallies import countable
from oneid.services.evaluation import MaterialisationService
from oneid.services.unusual import Groups, Truths, Unusual, together
from search.members import Members
from search.profiles import ProfileIndex
from search.segments.compiler import Compiler
from search.segments.present import Instant
from search.segments.tallies import Tallies

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
        unusual = Unusual(self._tallies, self._profiles, present.at, list(new.values()), moving)
        return Counting(self._profiles, self._members, present, numbers, new, unusual)


@dataclass
class Counting:
    """One reading of the stores. `numbers`: of the conditions that are kept; `new`: those to count now, by id, in the
    order in which `unusual` has them."""

    profiles: ProfileIndex
    members: Members
    present: Instant
    numbers: Mapping[str, int]
    new: Mapping[str, EventRule]
    unusual: Unusual

    async def counts(self, parts: Mapping[str, Rule]) -> dict[str, int]:
        """How many each part is true for. Raises Retriable."""
        usual = {name: self._query(part, self.unusual.usual) for name, part in parts.items()}
        totals = Counter(await self.profiles.counts(usual))
        concerned = {name: part for name, part in parts.items() if timed(part).keys() & self.new.keys()}
        changes = [partial(self._change, concerned, told) for told in await self.unusual.everybody()]
        for change in await together(changes):
            totals.update(change)
        return dict(totals)

    async def _change(
        self, parts: Mapping[str, Rule], told: Callable[[], Coroutine[Any, Any, Groups]]
    ) -> Counter[str]:
        """By how much those that are told of change the counts of parts."""
        change = Counter[str]()
        usual = {f"-{name}": self._query(part, self.unusual.usual) for name, part in parts.items()}
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
        truths = dict.fromkeys(one_ids, self.unusual.usual)
        for told, among in (await self.unusual.of(one_ids)).items():
            truths |= dict.fromkeys(among, told)
        queries = {str(told): self._query(rule, told) for told in set(truths.values())}
        matched = await self.members.matching(one_ids, queries)
        return [one_id for one_id in one_ids if str(truths[one_id]) in matched.get(one_id, ())]

    def _query(self, rule: Rule, truths: Truths) -> Query:
        """The query for those of whom the new conditions are so."""
        settled = dict(zip(self.new, truths, strict=True))
        return Compiler(self.present, self.numbers, settled).compile(rule)
