"""Judging: which segments a customer entered or left, by its document and by what time has changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from graph.attribute_catalog import AttributeCatalog
from graph.memberships import Judged, Memberships
from graph.projection import Projected
from oneid.clock import Clock, sequence
from oneid.domain.catalog import Catalog
from oneid.domain.customers import CustomerRecord
from oneid.domain.lifecycles import Position, StageChange, advanced, moved
from oneid.domain.segments.intervals import milliseconds
from oneid.domain.segments.membership import (
    Course,
    Live,
    Transition,
    course,
    instants,
    moves,
    wake_at,
)
from oneid.metrics import TRANSITIONS
from search.documents import ProfileDocument, course_of, profile_document
from search.segments.percolator import Percolator, percolated
from search.segments.present import holding

WOKEN: Final = 5_000
MERGED: Final = "merged"
"""The reason of a step that a merge made."""


@dataclass(frozen=True, slots=True)
class Case:
    """A customer to judge: when, and what holds when."""

    entry: Projected
    document: ProfileDocument
    course: Course
    instants: Sequence[int]

    def documents(self) -> list[dict[str, Any]]:
        """The document as it is asked at each instant."""
        return [percolated(self.document, holding(*self.course.holding(at))) for at in self.instants]


class JudgingService:
    """Compares documents with the stored segments and writes what changed, once. Any number may run at once."""

    def __init__(
        self,
        memberships: Memberships,
        percolator: Percolator,
        catalog: AttributeCatalog,
        clock: Clock,
        zone: str,
    ) -> None:
        self._memberships = memberships
        self._percolator = percolator
        self._catalog = catalog
        self._clock = clock
        self._zone = ZoneInfo(zone)

    async def judge(self, entries: Sequence[Projected]) -> set[str]:
        """Judges customers whose marks were read, and returns the ONE-IDs of those that have to be judged again,
        since somebody else judged or a segment changed meanwhile. Raises Retriable."""
        live = await self._memberships.live()
        if not live.ids and not any(
            entry.record.held or entry.record.tags or entry.record.stages for entry in entries
        ):
            return set()
        catalog = await self._catalog.current()
        cases = [self._case(entry, live, catalog) for entry in entries]
        judged = [one for one in await self._judged(cases, live) if one]
        if not judged:
            return set()
        kept = await self._memberships.keep(judged, live, sequence())
        TRANSITIONS.inc(sum(len(one.transitions) for one in judged if one.one_id in kept))
        return {one.one_id for one in judged} - kept

    async def wake(self) -> int:
        """Marks customers for whom time has changed something and returns how many. Raises Retriable."""
        return await self._memberships.wake(self._now(), WOKEN)

    async def matched(self, records: Sequence[CustomerRecord]) -> list[set[str]]:
        """For each customer the segments, hidden ones too, whose rules are true now."""
        live, catalog, now = await self._memberships.live(), await self._catalog.current(), self._now()
        documents = [profile_document(record, catalog) for record in records]
        courses = [self._course(*pair, live, catalog) for pair in zip(records, documents, strict=True)]
        told = [holding(*course.holding(now)) for course in courses]
        found = await self._percolator.matched(list(map(percolated, documents, told)))
        return [matched & live.ids for matched in found]

    def _now(self) -> int:
        return milliseconds(self._clock.now().timestamp())

    def _case(self, entry: Projected, live: Live, catalog: Catalog) -> Case:
        document = profile_document(entry.record, catalog)
        told = self._course(entry.record, document, live, catalog)
        return Case(entry, document, told, instants(told.changes(), entry.membership, self._now()))

    def _course(
        self, record: CustomerRecord, document: ProfileDocument, live: Live, catalog: Catalog
    ) -> Course:
        dates = document["typed"].get("date", {})
        return course(course_of(record, catalog), live, dates, self._clock.now(), self._zone)

    async def _judged(self, cases: Sequence[Case], live: Live) -> list[Judged | None]:
        if not live.ids:
            return [verdict(case, [], live) for case in cases]
        documents = [document for case in cases for document in case.documents()]
        matched = iter(await self._percolator.matched(documents))
        return [verdict(case, [(at, next(matched)) for at in case.instants], live) for case in cases]


def verdict(case: Case, matched: Sequence[tuple[int, set[str]]], live: Live) -> Judged | None:
    """What is to be written of a customer, None if nothing is."""
    before, one_id = case.entry.membership, case.entry.record.one_id
    inside, told = moves(before, matched, live)
    wake = wake_at(case.course.changes(), case.instants[-1])
    place = sequence()
    stages, changes = staged(case.entry, matched, live, place, case.instants[0])
    if (inside, wake) == (before.segments, before.wake_at) and not changes:
        return None
    transitions = [
        Transition(f"{one_id}:{before.seen + 1}:{n}", segment, one_id, kind, at, place + n)
        for n, (at, segment, kind) in enumerate(told)
    ]
    return Judged(one_id, before.seen, inside, wake, transitions, stages if changes else None, changes)


def staged(
    entry: Projected, matched: Sequence[tuple[int, set[str]]], live: Live, place: int, first: int
) -> tuple[Sequence[Position], list[StageChange]]:
    """Where a customer comes to in its lifecycles, and by which steps."""
    positions, changes = entry.record.stages, list[StageChange]()
    before, one_id, judged = entry.membership.segments, entry.record.one_id, entry.membership.seen + 1
    for source, step in entry.brought:
        id_ = f"{one_id}:{judged}:{step.lifecycle}:merged"
        told = (id_, step.lifecycle, one_id, source, step.stage, first, place + len(changes))
        changes.append(StageChange(*told, reason=MERGED))
    for at, found in matched:
        for lifecycle in live.lifecycles:
            of_stage = {lifecycle.segment_of(stage): stage.key for stage in lifecycle.stages}
            true = {key for id_, key in of_stage.items() if id_ in found}
            entered = {key for id_, key in of_stage.items() if id_ in found - before}
            here = next((one for one in positions if one.lifecycle == lifecycle.id), None)
            for step in advanced(lifecycle, here, true, entered, at):
                number = place + len(changes)
                id_ = f"{one_id}:{judged}:{lifecycle.id}:{len(changes)}"
                source = here.stage if here else None
                change = (id_, lifecycle.id, one_id, source, step.stage, at, number)
                changes.append(StageChange(*change))
                positions, here = moved(positions, step), step
        before = frozenset(found)
    return positions, changes
