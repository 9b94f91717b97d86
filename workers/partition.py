"""The work on one partition of the log: hold the lease, take over what is pending, then read on."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from redis.asyncio import Redis

from graph import partitions
from graph.client import Graph
from graph.partitions import Superseded
from oneid.errors import Retriable
from oneid.log.events import Entry, EventLog
from oneid.log.lease import Lease
from oneid.log.replies import answer
from oneid.metrics import BACKLOG, BARRED, DEAD_LETTERS, RESOLVED
from oneid.services.rebuilding import RebuildService
from oneid.services.resolution import Received, ResolutionService, replies

logger = logging.getLogger(__name__)
T = TypeVar("T")

#: Events resolved in one transaction: large enough to share its cost, small enough to answer soon.
BATCH_EVENTS = 1000
#: Entries read at once: after many small ones the next may all be as large as a request can be.
MAX_ENTRIES = 250
BLOCK_MS = 1000
#: An entry that was in flight at this many crashes is resolved alone; at twice as many it is set apart.
SUSPECT = 5


class PartitionWorker:
    """Resolves one partition until it is asked to stop or another takes over."""

    def __init__(
        self,
        graph: Graph,
        redis: Redis,
        log: EventLog,
        service: ResolutionService,
        rebuilding: RebuildService,
        partition: int,
        holder: str,
    ) -> None:
        self._graph = graph
        self._redis = redis
        self._log = log
        self._service = service
        self._rebuilding = rebuilding
        self._partition = partition
        self._holder = holder
        self._lease = Lease(redis, f"partition:{partition}", holder)
        self._finishing: asyncio.Task[None] | None = None
        self._events_an_entry = 1.0

    async def run(self, stop: asyncio.Event) -> None:
        """Works whenever the lease is free, for ever; returns soon after `stop` is set, with nothing half done."""
        while not stop.is_set():
            try:
                if await self._lease.hold():
                    await self._work(stop)
                else:
                    await asyncio.sleep(self._lease.seconds / 2)
            except Superseded:
                logger.warning("another consumer has partition %d", self._partition)
            except Retriable:
                await asyncio.sleep(random.uniform(0.2, 1.0))

    async def _work(self, stop: asyncio.Event) -> None:
        keeper = asyncio.create_task(self._keep_lease())
        try:
            await self._log.ensure_group(self._partition)
            await partitions.take(self._graph, self._partition, self._holder)
            await self._take_over()
            while not stop.is_set() and not keeper.done():
                await self._step()
        finally:
            keeper.cancel()
            await self._settle()
            with suppress(Retriable):
                await self._lease.release()

    async def _keep_lease(self) -> None:
        while True:
            await asyncio.sleep(self._lease.seconds / 3)
            with suppress(Retriable):
                if not await self._lease.hold():
                    return
                BACKLOG.labels(self._partition).set(await self._log.backlog(self._partition))

    async def _take_over(self) -> None:
        """Resolves what an earlier consumer read and did not finish, before anything new."""
        while claimed := await self._log.claim(self._partition, self._holder, 100, 0):
            calm = [entry for entry, deliveries in claimed if deliveries < SUSPECT]
            for entries in [calm, *([entry] for entry, deliveries in claimed if deliveries >= SUSPECT)]:
                dead = any(d >= 2 * SUSPECT for entry, d in claimed if entry in entries)
                await self._process(entries, "CRASHED_THE_CONSUMER" if dead else None)
            await self._settle()

    async def _step(self) -> None:
        count = min(MAX_ENTRIES, max(1, int(BATCH_EVENTS / self._events_an_entry)))
        entries = await self._log.read(self._partition, self._holder, count, BLOCK_MS)
        if entries:
            await self._process(entries)
        elif self._finishing is None or self._finishing.done():
            await self._settle()
            await self._persist(self._rebuilding.run_once)

    async def _process(self, entries: Sequence[Entry], give_up: str | None = None) -> None:
        """Resolves entries; stores and acknowledges them while the next are being resolved."""
        if not entries:
            return
        batch = await self._persist(lambda: self._service.apply(entries, give_up))
        self._events_an_entry += (len(batch) / len(entries) - self._events_an_entry) / 4
        await self._settle()
        while self._service.waiting:
            await self._rebuild(batch)
            await self._persist(lambda: self._service.resume(batch))
        self._finishing = asyncio.create_task(self._finish(entries, batch))

    async def _rebuild(self, batch: Sequence[Received]) -> None:
        """Takes customers apart whom a value had joined that is now known to be shared by too many."""
        await self._persist(lambda: self._service.store(batch))
        await self._persist(self._rebuilding.run_once)
        await self._persist(lambda: self._service.attribute_again(batch))

    async def _settle(self) -> None:
        if self._finishing:
            finishing, self._finishing = self._finishing, None
            await finishing

    async def _finish(self, entries: Sequence[Entry], batch: Sequence[Received]) -> None:
        await self._persist(lambda: self._service.store(batch))
        await self._persist(lambda: self._service.finish(entries, batch))
        RESOLVED.inc(sum(not (r.failure or r.barred) for r in batch))
        BARRED.inc(sum(r.barred for r in batch))
        DEAD_LETTERS.inc(sum(bool(r.failure) and not r.barred for r in batch))
        for address, results in replies(batch).items():
            with suppress(Retriable):
                await answer(self._redis, address, results)

    async def _persist(self, step: Callable[[], Awaitable[T]]) -> T:
        """A step that waits for a server which is away: what was read stays pending in the log meanwhile."""
        delay = 0.1
        while True:
            try:
                return await step()
            except Retriable as error:
                logger.warning("partition %d waits: %s", self._partition, error.message)
                await asyncio.sleep(random.uniform(delay / 2, delay))
                delay = min(delay * 2, 5.0)
