"""Reconciliation: compares graph and indexes, customer by customer, and repairs the indexes."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from graph.attribute_catalog import AttributeCatalog
from graph.projection import Projected, Projections
from oneid.clock import Clock
from oneid.domain.catalog import Catalog
from oneid.domain.messages import parse_time
from oneid.metrics import COMPARED, DIRTY, DRIFT, INDEX_LAG, REPAIRED
from oneid.services.lost_events import LostEvents
from search.documents import profile_document
from search.events import EventIndex
from search.fingerprints import Fingerprint
from search.profiles import ProfileIndex

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Report:
    """What a sweep found: customers compared, documents wrong or missing, documents without a customer, former
    ONE-IDs under which events lie, unknown ONE-IDs under which events lie."""

    compared: int = 0
    stale: int = 0
    ghosts: int = 0
    strays: int = 0
    lost: int = 0

    @property
    def drift(self) -> int:
        return self.stale + self.ghosts + self.strays + self.lost

    def add(self, other: "Report") -> None:
        self.compared += other.compared
        self.stale += other.stale
        self.ghosts += other.ghosts
        self.strays += other.strays
        self.lost += other.lost


@dataclass(frozen=True, slots=True)
class _Found:
    """What is wrong in a range: documents by ONE-ID with their versions (0: there is none), former ONE-IDs,
    unknown ones."""

    stale: dict[str, int]
    ghosts: dict[str, int]
    strays: list[str]
    lost: list[str]

    def report(self, compared: int) -> Report:
        return Report(compared, len(self.stale), len(self.ghosts), len(self.strays), len(self.lost))


@dataclass(frozen=True, slots=True)
class Lag:
    """How far the index is behind: marked customers, and the age in seconds of the oldest mark."""

    dirty: int
    seconds: float


@dataclass(slots=True)
class _Sweep:
    """One walk over both stores, in order of ONE-ID."""

    after: str = ""
    done: bool = False
    report: Report = field(default_factory=Report)


class ReconciliationService:
    """Walks both stores in ranges of ONE-IDs. What looks wrong is read again, past the index's refresh, before
    it counts: a change that is on its way is not drift."""

    def __init__(
        self,
        marks: Projections,
        catalog: AttributeCatalog,
        profiles: ProfileIndex,
        events: EventIndex,
        lost: LostEvents,
        clock: Clock,
        *,
        page: int = 500,
    ) -> None:
        self._marks = marks
        self._catalog = catalog
        self._profiles = profiles
        self._events = events
        self._lost = lost
        self._clock = clock
        self._page = page
        self._sweep = _Sweep()

    async def run_once(self) -> int:
        """Compares one range; the next call takes the next one. Returns 0 at the end of a sweep, 1 before it.
        Raises Retriable; the range is then compared again."""
        await self.lag()
        await self._step(self._sweep, repair=True)
        if not self._sweep.done:
            return 1
        DRIFT.set(self._sweep.report.drift)
        self._sweep = _Sweep()
        return 0

    async def sweep(self, *, repair: bool = True) -> Report:
        """Compares everything, once. Without `repair` nothing is changed."""
        sweep = _Sweep()
        while not sweep.done:
            await self._step(sweep, repair=repair)
        DRIFT.set(sweep.report.drift)
        return sweep.report

    async def lag(self) -> Lag:
        """How far the index is behind, also as metrics."""
        backlog = await self._marks.backlog()
        seconds = 0.0
        if backlog.oldest:
            seconds = max(0.0, (self._clock.now() - parse_time(backlog.oldest)).total_seconds())
        DIRTY.set(backlog.count)
        INDEX_LAG.set(seconds)
        return Lag(backlog.count, seconds)

    async def _step(self, sweep: _Sweep, *, repair: bool) -> None:
        customers = await self._marks.range(sweep.after, self._page)
        until = customers[-1].record.one_id if len(customers) == self._page else None
        found = await self._compare(customers, sweep.after, until)
        report = found.report(len(customers))
        if report.drift:
            logger.warning(
                "profiles unlike the graph: %s; of nobody: %s; events not moved: %s; of nobody: %s",
                *(sorted(one_ids)[:10] for one_ids in (found.stale, found.ghosts, found.strays, found.lost)),
            )
        if repair:
            await self._repair(found)
        COMPARED.inc(len(customers))
        sweep.report.add(report)
        sweep.after, sweep.done = until or "", until is None

    async def _compare(self, customers: Sequence[Projected], after: str, until: str | None) -> _Found:
        """What is wrong in a range. The index may hold more documents of it than there are customers."""
        shown = await self._profiles.between(after, until, page=self._page)
        surplus = sorted(shown.keys() - {customer.record.one_id for customer in customers})
        if until is None:
            surplus += await self._profiles.nameless(self._page)
        return _Found(
            stale=await self._stale(_differing(customers, shown, await self._catalog.current())),
            ghosts=await self._ghosts(surplus),
            strays=await self._strays(customers),
            lost=await self._unknown(customers, after, until),
        )

    async def _stale(self, suspects: Sequence[str]) -> dict[str, int]:
        """Customers whose document is still wrong when both are read again, with the version of it."""
        if not suspects:
            return {}
        there = await self._profiles.fingerprints(suspects)
        customers = await self._marks.among(suspects)
        wrong = _differing(customers, there, await self._catalog.current())
        return {one_id: there[one_id].version if one_id in there else 0 for one_id in wrong}

    async def _ghosts(self, suspects: Sequence[str]) -> dict[str, int]:
        """Documents that still belong to nobody when both are read again, with their versions."""
        if not suspects:
            return {}
        there = await self._profiles.fingerprints(suspects)
        known = {customer.record.one_id for customer in await self._marks.among(suspects)}
        return {one_id: found.version for one_id, found in there.items() if one_id not in known}

    async def _strays(self, customers: Sequence[Projected]) -> list[str]:
        """Former ONE-IDs under which events lie that are not about to move."""
        merged = [customer.record.one_id for customer in customers if customer.merged]
        return await self._still_homes(await self._marks.unmarked(await self._events.homes(merged)))

    async def _unknown(self, customers: Sequence[Projected], after: str, until: str | None) -> list[str]:
        """ONE-IDs of the range under which events lie and that still are nobody's when the graph is read again."""
        known, found = {customer.record.one_id for customer in customers}, list[str]()
        async for homes in self._events.homes_between(after, until):
            suspects = [home for home in homes if home not in known]
            there = (
                {customer.record.one_id for customer in await self._marks.among(suspects)} if suspects else ()
            )
            found += await self._still_homes([suspect for suspect in suspects if suspect not in there])
        return found

    async def _still_homes(self, one_ids: Sequence[str]) -> list[str]:
        """Those under which events lie also when what was moved or deleted just before is seen."""
        if not one_ids:
            return []
        await self._events.refresh()
        return sorted(await self._events.homes(one_ids))

    async def _repair(self, found: _Found) -> None:
        """Marks what has to be written again and deletes what belongs to nobody."""
        if found.stale:
            await self._marks.repair(found.stale)
        if found.ghosts:
            await self._profiles.write((), list(found.ghosts.items()))
        if found.strays:
            await self._marks.mark_moves(found.strays)
        if found.lost:
            await self._lost.settle(found.lost)
        kinds = {"stale": found.stale, "ghost": found.ghosts, "stray": found.strays, "lost": found.lost}
        for kind, one_ids in kinds.items():
            REPAIRED.labels(kind).inc(len(one_ids))


def _differing(
    customers: Sequence[Projected], shown: Mapping[str, Fingerprint], catalog: Catalog
) -> list[str]:
    """Customers whose document is not what it should be, unless a mark already says so."""
    return [
        customer.record.one_id
        for customer in customers
        if not customer.dirty and shown.get(customer.record.one_id) != _expected(customer, catalog)
    ]


def _expected(customer: Projected, catalog: Catalog) -> Fingerprint | None:
    if customer.merged:
        return None
    return Fingerprint(customer.record.version, profile_document(customer.record, catalog)["hash"])
