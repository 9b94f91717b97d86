"""Reconciliation: compares graph and index, customer by customer, and repairs the index."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from graph.attribute_catalog import AttributeCatalog
from graph.projection import Projected, Projections
from oneid.clock import Clock
from oneid.domain.catalog import Catalog
from oneid.domain.messages import parse_time
from oneid.metrics import DIRTY, DRIFT, INDEX_LAG
from search.documents import profile_document
from search.events import EventIndex
from search.profiles import Fingerprint, ProfileIndex

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Report:
    """What a sweep found: customers compared, documents wrong or missing (marked again), documents without a
    customer (deleted), former ONE-IDs under which events lie (marked again)."""

    compared: int = 0
    stale: int = 0
    ghosts: int = 0
    strays: int = 0

    @property
    def drift(self) -> int:
        return self.stale + self.ghosts + self.strays

    def add(self, other: "Report") -> None:
        self.compared += other.compared
        self.stale += other.stale
        self.ghosts += other.ghosts
        self.strays += other.strays


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
        clock: Clock,
        *,
        page: int = 500,
    ) -> None:
        self._marks = marks
        self._catalog = catalog
        self._profiles = profiles
        self._events = events
        self._clock = clock
        self._page = page
        self._sweep = _Sweep()

    async def run_once(self) -> int:
        """Compares one range; the next call takes the next one. Returns 0 at the end of a sweep, 1 before it.
        Raises Retriable; the range is then compared again."""
        await self.lag()
        await self._step(self._sweep)
        if not self._sweep.done:
            return 1
        DRIFT.set(self._sweep.report.drift)
        self._sweep = _Sweep()
        return 0

    async def sweep(self) -> Report:
        """Compares everything, once."""
        sweep = _Sweep()
        while not sweep.done:
            await self._step(sweep)
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

    async def _step(self, sweep: _Sweep) -> None:
        customers = await self._marks.range(sweep.after, self._page)
        until = customers[-1].record.one_id if len(customers) == self._page else None
        shown = await self._shown(sweep.after, until)
        surplus = sorted(shown.keys() - {customer.record.one_id for customer in customers})
        sweep.report.add(
            Report(
                compared=len(customers),
                stale=await self._mend(_differing(customers, shown, await self._catalog.current())),
                ghosts=await self._lay(surplus),
                strays=await self._strays(customers),
            )
        )
        sweep.after, sweep.done = until or "", until is None

    async def _shown(self, after: str, until: str | None) -> dict[str, Fingerprint]:
        """The documents of a range, which may be more than there are customers in it."""
        shown: dict[str, Fingerprint] = {}
        while page := await self._profiles.between(after, until, limit=self._page):
            shown |= page
            after = next(reversed(page))
        return shown

    async def _mend(self, suspects: Sequence[str]) -> int:
        """Marks the customers whose document is still wrong when both are read again."""
        if not suspects:
            return 0
        there = await self._profiles.fingerprints(suspects)
        customers = await self._marks.among(suspects)
        wrong = _differing(customers, there, await self._catalog.current())
        if wrong:
            logger.warning("%d profiles are not what the graph says: %s", len(wrong), wrong[:10])
            await self._marks.repair({id: there[id].version if id in there else 0 for id in wrong})
        return len(wrong)

    async def _lay(self, suspects: Sequence[str]) -> int:
        """Deletes the documents that still belong to nobody when both are read again."""
        if not suspects:
            return 0
        there = await self._profiles.fingerprints(suspects)
        known = {customer.record.one_id for customer in await self._marks.among(suspects)}
        ghosts = [(one_id, found.version) for one_id, found in there.items() if one_id not in known]
        if ghosts:
            logger.warning("%d profiles belong to nobody in the graph: %s", len(ghosts), ghosts[:10])
            await self._profiles.write((), ghosts)
        return len(ghosts)

    async def _strays(self, customers: Sequence[Projected]) -> int:
        """Marks former ONE-IDs under which events lie for another move."""
        merged = [customer.record.one_id for customer in customers if customer.merged]
        strays = await self._marks.unmarked(await self._events.homes(merged))
        if strays:
            logger.warning("events of %d former customers have not moved: %s", len(strays), strays[:10])
            await self._marks.mark_moves(strays)
        return len(strays)


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
