"""The work on one partition of the log: hold the lease, take over what is pending, then read on."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import groupby
from typing import Final

from redis.asyncio import Redis
from structlog.contextvars import bound_contextvars

from graph.partitions import Superseded
from oneid.background import background, end
from oneid.backoff import Backoff
from oneid.errors import Retriable
from oneid.log.events import Entry, EventLog
from oneid.log.lease import Lease
from oneid.log.replies import answer
from oneid.metrics import BACKLOG, BARRED, DEAD, DEAD_LETTERS, OLDEST, RESOLVED
from oneid.services.rebuilding import RebuildService
from oneid.services.received import Received, replies
from oneid.services.resolution import ResolutionService
from workers.batches import BatchSize
from workers.patience import Patience, Stopping, report, stray

logger = logging.getLogger(__name__)

BLOCK_MS: Final = 1000
CLAIMED: Final = 100
#: An entry that was in flight at this many crashes is resolved alone; if it crashes alone as often, it is set apart.
SUSPECT: Final = 5
#: What is under way when the process is to stop gets so many seconds.
GRACE_SECONDS: Final = 5.0


class PartitionWorker:
    """Resolves one partition until it is asked to stop or another takes over."""

    def __init__(
        self,
        redis: Redis,
        log: EventLog,
        service: ResolutionService,
        rebuilding: RebuildService,
        partition: int,
        holder: str,
        stop: asyncio.Event,
        *,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        """`beat` is called whenever the work gets on, or waits for a server that is away."""
        self._redis = redis
        self._log = log
        self._service = service
        self._rebuilding = rebuilding
        self._partition = partition
        self._holder = holder
        self._stop = stop
        self._beat = beat
        self._patience = Patience(stop, beat)
        self._lease = Lease(redis, f"partition:{partition}", holder)
        self._finishing: asyncio.Task[None] | None = None
        self._size = BatchSize()

    async def run(self) -> None:
        """Works whenever the lease is free, for ever, whatever fails. Returns soon after `stop` is set: what could
        not be finished stays pending in the log."""
        with bound_contextvars(partition=self._partition):
            working = asyncio.create_task(self._run())
        stopped = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({working}, timeout=GRACE_SECONDS)
        finally:
            stopped.cancel()
            await end(working)

    async def _run(self) -> None:
        backoff = Backoff()
        while not self._stop.is_set():
            self._beat()
            try:
                if await self._lease.hold():
                    await self._work()
                    backoff.reset()
                else:
                    await self._patience.rest(self._lease.seconds / 2)
            except Stopping:
                return
            except Superseded:
                logger.warning("another consumer has the partition")
            except (Exception, asyncio.CancelledError) as error:
                if isinstance(error, asyncio.CancelledError) and not stray():
                    raise
                report("the work on the partition", error)
                with suppress(Stopping):
                    await self._patience.rest(backoff.next())

    async def _work(self) -> None:
        async with self._released(), background(self._keep_lease()) as keeper:
            await self._log.ensure_group(self._partition)
            await self._service.take()
            await self._take_over()
            while not self._stop.is_set() and not keeper.done():
                await self._step()

    @asynccontextmanager
    async def _released(self) -> AsyncGenerator[None]:
        """Finishes at the end of the block what is under way, and frees the lease for another."""
        try:
            yield
        finally:
            try:
                await self._settle()
            finally:
                with suppress(Retriable):
                    await self._lease.release()

    async def _keep_lease(self) -> None:
        while True:
            await asyncio.sleep(self._lease.seconds / 3)
            try:
                if not await self._lease.hold():
                    return
                await self._measure()
            except Exception as error:
                report("the lease", error)

    async def _measure(self) -> None:
        state = await self._log.state(self._partition)
        BACKLOG.labels(self._partition).set(state.entries)
        OLDEST.labels(self._partition).set(state.oldest_seconds)
        DEAD.set(state.dead_letters)

    async def _take_over(self) -> None:
        """Resolves what an earlier consumer read and did not finish, before anything new."""
        while claimed := await self._log.claim(self._partition, self._holder, CLAIMED, 0):
            for suspect, run in groupby(claimed, key=lambda one: one[1] >= SUSPECT):
                entries = [entry for entry, _ in run]
                for part in [[entry] for entry in entries] if suspect else self._size.slices(entries):
                    await self._process(part, suspect=suspect)
            await self._settle()
        self._service.taken_over()
        await self._patience.persist(self._rebuilding.run_once, "rebuilding")

    async def _step(self) -> None:
        entries = await self._log.read(self._partition, self._holder, self._size.entries, BLOCK_MS)
        self._beat()
        if entries:
            self._size.read(entries)
            for part in self._size.slices(entries):
                if not self._stop.is_set():
                    await self._process(part)
        elif self._finishing is None or self._finishing.done():
            await self._settle()
            await self._patience.persist(self._rebuilding.run_once, "rebuilding")

    async def _process(self, entries: Sequence[Entry], *, suspect: bool = False) -> None:
        """Resolves entries; stores and acknowledges them while the next are being resolved."""
        persist = self._patience.persist
        apply = self._alone if suspect else self._apply
        with bound_contextvars(entries=f"{entries[0].id}..{entries[-1].id}"):
            batch = await persist(lambda: apply(entries), "resolving")
            await self._settle()
            while self._service.waiting:
                await self._rebuild(batch)
                await persist(lambda: self._resume(batch), "resolving")
            self._finishing = asyncio.create_task(self._finish(entries, batch))

    async def _rebuild(self, batch: Sequence[Received]) -> None:
        """Takes customers apart whom a value had joined that is now known to be shared by too many."""
        persist = self._patience.persist
        await persist(lambda: self._service.store(batch), "storing")
        await persist(self._rebuilding.run_once, "rebuilding")
        await persist(lambda: self._service.attribute_again(batch), "reading events again")

    async def _apply(self, entries: Sequence[Entry], give_up: str | None = None) -> list[Received]:
        with self._size.learning():
            return await self._service.apply(entries, give_up, at_once=self._size.events)

    async def _resume(self, batch: Sequence[Received]) -> None:
        with self._size.learning():
            await self._service.resume(batch, at_once=self._size.events)

    async def _alone(self, entries: Sequence[Entry]) -> list[Received]:
        """One entry that may have crashed the process. Only a crash leaves the try counted."""
        (entry,) = entries
        tries = await self._log.begin_try(self._partition, entry.id)
        try:
            return await self._apply(entries, "CRASHED_THE_CONSUMER" if tries > SUSPECT else None)
        finally:
            await self._log.end_try(self._partition, entry.id)

    async def _settle(self) -> None:
        if self._finishing:
            finishing, self._finishing = self._finishing, None
            await finishing

    async def _finish(self, entries: Sequence[Entry], batch: Sequence[Received]) -> None:
        persist = self._patience.persist
        await persist(lambda: self._service.store(batch), "storing")
        await persist(lambda: self._service.finish(entries, batch), "finishing")
        RESOLVED.inc(sum(not (r.failure or r.barred) for r in batch))
        BARRED.inc(sum(r.barred for r in batch))
        DEAD_LETTERS.inc(sum(bool(r.failure) and not r.barred for r in batch))
        for address, results in replies(batch, self._partition).items():
            with suppress(Retriable):
                await answer(self._redis, address, results)
