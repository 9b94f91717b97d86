"""Building segments: their stored queries, and who is in them to begin with.

Who is in a new or changed segment has not entered it: nobody did anything. So while it is built nobody enters or
leaves, unless that was asked for. A kill at any step leaves the segment to be built by the next who looks.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from graph.markings import Markings
from graph.memberships import Memberships
from graph.segments import Segments
from oneid.clock import monotonic, sequence
from oneid.domain.segments.conditions import timed
from oneid.domain.segments.dates import lags, relative
from oneid.domain.segments.definitions import Segment
from oneid.domain.segments.membership import kept_date
from oneid.domain.segments.rules import HeldRule, Rule
from oneid.errors import Retriable
from oneid.services.audiences import AudienceService
from oneid.services.evaluation import PATIENCE, MaterialisationService
from search.members import Members
from search.segments.compiler import Compiler, Query
from search.segments.percolator import Percolator
from search.segments.present import Told
from search.typed import field_of

SLICE: Final = 10_000
EVERY_SECONDS: Final = 60.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Plan:
    """A segment with its tree, and the query that is to be stored."""

    segment: Segment
    rule: Rule
    query: Query


class BuildingService:
    """Keeps stored queries as the definitions say, and builds segments. Any number may run at once."""

    def __init__(
        self,
        segments: Segments,
        memberships: Memberships,
        markings: Markings,
        audiences: AudienceService,
        materialisation: MaterialisationService,
        percolator: Percolator,
        members: Members,
    ) -> None:
        self._segments = segments
        self._memberships = memberships
        self._markings = markings
        self._audiences = audiences
        self._materialisation = materialisation
        self._percolator = percolator
        self._members = members
        self._seen = -1
        self._seen_at = float("-inf")

    async def run_once(self) -> int:
        """Builds what is to be built, where a definition changed, and otherwise once a minute, since what rules
        name may have changed; returns how many segments were built. Raises Retriable."""
        await self._materialisation.run_once()
        version = await self._segments.catalog_version()
        if version == self._seen and monotonic() - self._seen_at < EVERY_SECONDS:
            return 0
        postponed = await self._markings.all()
        built = await self.build()
        if not postponed:
            self._seen, self._seen_at = version, monotonic()
        return built

    async def build_soon(self) -> None:
        """Builds as `build` does, as far as it gets in a few seconds; `run_once` goes on with the rest."""
        with suppress(TimeoutError, Retriable):
            async with asyncio.timeout(PATIENCE):
                await self.build()

    async def build(self) -> int:
        """Stores every query that is not stored as it should be, and builds the segments that need it: new and
        changed ones, and those whose rules name what was changed. While customers are still to be marked for a change
        of the catalog, segments wait for that, so that nobody enters or leaves them by it. Raises Retriable."""
        plans = await self._plans(await self._segments.dynamic())
        stored = await self._percolator.stored()
        changed = {id_ for id_, plan in plans.items() if stored.get(id_) != plan.query}
        plans = await self._begin(plans, {id_ for id_ in changed if not begun(plans[id_])})
        await self._store({id_: plan for id_, plan in plans.items() if id_ in changed}, stored)
        waiting = [plan for plan in plans.values() if plan.segment.building]
        if not waiting or await self._markings.all():
            return 0
        for plan in waiting:
            await self._fill(plan)
        await self._materialisation.settle()
        await self._segments.built([plan.segment for plan in waiting])
        return len(waiting)

    async def _plans(self, segments: Sequence[Segment]) -> dict[str, Plan]:
        rules = await self._audiences.read_all(segments)
        conditions = {id_: one for rule in rules.values() for id_, one in timed(rule).items()}
        compiler = Compiler(Told(), await self._materialisation.numbers(conditions))
        return {
            segment.id: Plan(segment, rules[segment.id], compiler.compile(rules[segment.id]))
            for segment in segments
            if segment.id in rules
        }

    async def _begin(self, plans: Mapping[str, Plan], ids: Collection[str]) -> dict[str, Plan]:
        """Notes that some of the segments are to be built; without those that somebody changed meanwhile."""
        new = {id_: begin(plans[id_]) for id_ in ids}
        noted = await self._segments.build([plan.segment for plan in new.values()]) if new else set[str]()
        return {id_: new.get(id_, plan) for id_, plan in plans.items() if id_ not in new or id_ in noted}

    async def _store(self, plans: Mapping[str, Plan], stored: Mapping[str, Any]) -> None:
        queries = {id_: (plan.segment.building, plan.query) for id_, plan in plans.items()}
        known = {segment.id for segment in await self._segments.dynamic()}
        gone = stored.keys() - known
        if queries or gone:
            await self._percolator.store(queries, gone)

    async def _fill(self, plan: Plan) -> None:
        """Brings the lists of customers up to a segment's query, until another work on the same segment begins."""
        segment = plan.segment
        await self._leave(segment, plan.rule)
        async for one_ids in self._members.of(await self._audiences.query(plan.rule)):
            if segment.announced:
                await self._memberships.mark(one_ids)
            elif not await self._join(segment, plan.rule, one_ids):
                return
        for date in relative([plan.rule]).values():
            await self._arm({"exists": {"field": field_of(date.definition)}})
        for number, _ in lags([plan.rule]):
            await self._arm(await self._audiences.query(HeldRule((number,))))

    async def _join(self, segment: Segment, rule: Rule, one_ids: Sequence[str]) -> bool:
        """Puts customers in whose document is as the graph says, and has the others judged; False where another
        work on the segment has begun."""
        states = await self._memberships.states(one_ids)
        found = await self._members.among(one_ids, await self._audiences.query(rule))
        sure = {
            one_id: states[one_id] for one_id, version in found.items() if current(states, one_id, version)
        }
        joined = await self._memberships.join(segment.id, segment.building, sure, sequence())
        if joined is not None and (others := set(one_ids) - joined):
            await self._memberships.mark(others)
        return joined is not None

    async def _leave(self, segment: Segment, rule: Rule) -> None:
        """Has those judged who were in it and don't seem to be any more."""
        after: str | None = ""
        while after is not None:
            members, after = await self._memberships.members(segment.id, after, SLICE)
            if members:
                found = await self._members.among(members, await self._audiences.query(rule))
                await self._memberships.mark(set(members) - found.keys())

    async def _arm(self, query: Query) -> None:
        """Has everybody judged for whom time will change something."""
        async for one_ids in self._members.of(query):
            await self._memberships.mark(one_ids)


def begun(plan: Plan) -> bool:
    """Whether a segment is to be built already, and needs no other conditions since."""
    needed = prepared(plan.segment, plan.rule).conditions
    return plan.segment.building > 0 and plan.segment.conditions == needed


def begin(plan: Plan) -> Plan:
    """A segment whose query changes, with what its rule needs now. Only who is judged comes to a stage."""
    segment = plan.segment
    announced = segment.announced or segment.of_stage
    return replace(plan, segment=prepared(segment, plan.rule, announced=announced))


def prepared(segment: Segment, rule: Rule, *, announced: bool = False) -> Segment:
    """A segment with what its rule needs, to be built."""
    dates = tuple(sorted({kept_date(date) for date in relative([rule]).values()}, key=repr))
    return replace(
        segment,
        conditions=tuple(sorted(timed(rule))),
        dates=dates,
        lags=tuple(sorted(lags([rule]))),
        building=sequence(),
        announced=announced,
    )


def current(states: Mapping[str, tuple[int, int]], one_id: str, version: int) -> bool:
    return one_id in states and states[one_id][0] == version
