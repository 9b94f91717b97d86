"""Judging: which segments a customer entered or left, by its document and by what time has changed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from graph.attribute_catalog import AttributeCatalog
from graph.memberships import Judged, Memberships
from graph.projection import Projected
from oneid.clock import Clock, sequence
from oneid.domain.attributes import as_of
from oneid.domain.catalog import Catalog
from oneid.domain.customers import CustomerRecord
from oneid.domain.lifecycles import Position, StageChange
from oneid.domain.segments.intervals import milliseconds
from oneid.domain.segments.judgement import Judgement
from oneid.domain.segments.membership import Course, Live, Transition, course
from oneid.metrics import TRANSITIONS
from search.documents import course_of, profile_document
from search.segments.percolator import Percolator, percolated
from search.segments.present import holding
from search.typed import written_dates

WOKEN: Final = 5_000

Told = TypeVar("Told", Transition, StageChange)


@dataclass(frozen=True, slots=True)
class Case:
    """A customer to judge."""

    entry: Projected
    catalog: Catalog
    judgement: Judgement

    def documents(self) -> list[dict[str, Any]]:
        """The document as it is asked at each instant."""
        return [self._document(at) for at in self.judgement.instants]

    def verdict(self) -> Judged | None:
        """What is to be written of the customer, None if nothing is."""
        before, found = self.entry.membership, self.judgement
        wake = found.wake_at(self.entry.evaluate_at)
        if (found.inside, wake) == (before.segments, before.wake_at) and not found.changes:
            return None
        stages = found.positions if found.changes else None
        one_id = self.entry.record.one_id
        return Judged(one_id, before.seen, found.inside, wake, found.transitions, stages, found.changes)

    def _document(self, at: int) -> dict[str, Any]:
        record = self.entry.record
        attributes = as_of(record.attributes, self.entry.past, at)
        document = profile_document(replace(record, attributes=attributes), self.catalog)
        return percolated(document, holding(*self.judgement.course.holding(at)))


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
        now = self._now()
        early = {e.record.one_id for e in entries if e.evaluate_at is not None and e.evaluate_at <= now}
        if early:
            # Time has changed what is computed of them: that comes first, and marks them again.
            await self._memberships.defer(early, sequence())
        catalog = await self._catalog.current()
        ready = (entry for entry in entries if entry.record.one_id not in early)
        cases = [self._case(entry, live, catalog, now) for entry in ready]
        await self._ask(cases, live)
        judged = in_time([one for case in cases if (one := case.verdict())], sequence())
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
        courses = [self._course(record, record.stages, live, catalog, now) for record in records]
        told = [holding(*course.holding(now)) for course in courses]
        found = await self._percolator.matched(list(map(percolated, documents, told)))
        return [matched & live.ids for matched in found]

    def _now(self) -> int:
        return milliseconds(self._clock.now().timestamp())

    def _case(self, entry: Projected, live: Live, catalog: Catalog, now: int) -> Case:
        record = entry.record
        known = (now, entry.membership.wake_at, entry.news_since)
        since = min(at for at in known if at is not None)
        judgement = Judgement(
            record.one_id,
            entry.membership,
            record.stages,
            live,
            lambda stages: self._course(record, stages, live, catalog, since),
            {at for past in entry.past.values() for at, _ in past},
            now,
            entry.news_since,
        )
        judgement.join(entry.brought)
        return Case(entry, catalog, judgement)

    def _course(
        self,
        record: CustomerRecord,
        stages: tuple[Position, ...],
        live: Live,
        catalog: Catalog,
        since: int,
    ) -> Course:
        dates = written_dates(record.attributes, catalog)
        years = {datetime.fromtimestamp(since / 1000, UTC).year, self._clock.now().year}
        return course(course_of(replace(record, stages=stages), catalog), live, dates, years, self._zone)

    async def _ask(self, cases: Sequence[Case], live: Live) -> None:
        """Asks for each customer, instant by instant, until all is judged."""
        waiting = [case for case in cases if case.judgement.instants]
        while waiting:
            documents = [document for case in waiting for document in case.documents()] if live.ids else []
            matched = iter(await self._percolator.matched(documents))
            for case in waiting:
                case.judgement.take([next(matched, set[str]()) for _ in case.judgement.instants])
            waiting = [case for case in waiting if case.judgement.instants]


def in_time(judged: Sequence[Judged], first: int) -> list[Judged]:
    """With places in the order of the deployment: of all that is told at once, what happened first comes first."""
    transitions = placed([one.transitions for one in judged], first)
    changes = placed([one.changes for one in judged], first)
    told = zip(judged, transitions, changes, strict=True)
    return [replace(one, transitions=entered, changes=moved) for one, entered, moved in told]


def placed(told: Sequence[Sequence[Told]], first: int) -> list[list[Told]]:
    order = sorted((one.at, n, k) for n, ones in enumerate(told) for k, one in enumerate(ones))
    places = {(n, k): first + place for place, (_, n, k) in enumerate(order)}
    return [
        [replace(one, sequence=places[n, k]) for k, one in enumerate(ones)] for n, ones in enumerate(told)
    ]
