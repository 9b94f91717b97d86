"""Consumers of one partition in the test's own process, which can be made to fail at a chosen step, die and stop."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from oneid.bootstrap import Stores, rebuilding
from oneid.log.events import Entry
from oneid.services.received import Received
from oneid.services.resolution import ResolutionService
from tests.pipeline import service_of
from workers.partition import PartitionWorker

Hook = Callable[[], Awaitable[None]]


async def nothing() -> None:
    """A step as it is."""


async def forever() -> None:
    """A step that never ends."""
    await asyncio.Event().wait()


def failing(*errors: BaseException) -> Hook:
    """A step that raises these, one a try, and then is as it is; with one error alone it always raises it."""
    left = list(errors)

    async def fail() -> None:
        if len(errors) == 1:
            raise errors[0]
        if left:
            raise left.pop(0)

    return fail


class Hooked(ResolutionService):
    """The service with something that happens before each of its steps."""

    def __init__(self, stores: Stores, holder: str, apply: Hook, store: Hook, finish: Hook) -> None:
        vars(self).update(vars(service_of(stores, holder)))
        self._hooks = {"apply": apply, "store": store, "finish": finish}
        self.tries = {"apply": 0, "store": 0, "finish": 0}
        self.sizes = list[int]()

    async def _hook(self, step: str) -> None:
        self.tries[step] += 1
        await self._hooks[step]()

    async def apply(
        self, entries: Sequence[Entry], give_up: str | None = None, *, at_once: int = 1_000
    ) -> list[Received]:
        await self._hook("apply")
        return await super().apply(entries, give_up, at_once=at_once)

    async def _transact(self, part: Sequence[Received], batch: Sequence[Received]) -> None:
        self.sizes.append(len(part))
        await super()._transact(part, batch)

    async def store(self, batch: Sequence[Received]) -> None:
        await self._hook("store")
        await super().store(batch)

    async def finish(self, entries: Sequence[Entry], batch: Sequence[Received]) -> None:
        await self._hook("finish")
        await super().finish(entries, batch)


class Consumer:
    """One consumer of partition 0."""

    def __init__(
        self,
        stores: Stores,
        holder: str,
        *,
        apply: Hook = nothing,
        store: Hook = nothing,
        finish: Hook = nothing,
    ) -> None:
        self.stores = stores
        self.service = Hooked(stores, holder, apply, store, finish)
        self.stop = asyncio.Event()
        self.beats = 0
        self.worker = PartitionWorker(
            stores.redis,
            stores.log,
            self.service,
            rebuilding(stores),
            0,
            holder,
            self.stop,
            beat=self._beat,
        )
        self._running: asyncio.Task[None] | None = None

    def _beat(self) -> None:
        self.beats += 1

    def start(self) -> None:
        self._running = asyncio.create_task(self.worker.run())

    async def stopped(self) -> None:
        """Asks it to stop and waits until it has."""
        self.stop.set()
        if self._running:
            await self._running

    async def killed(self) -> None:
        """It ends without finishing anything; its lease is gone, as after its time."""
        if self._running:
            self._running.cancel()
            await asyncio.wait({self._running})
        await self.stores.redis.delete("oneid:lease:partition:0")

    async def tried(self, step: str, times: int = 1) -> None:
        """Returns when it has begun a step so often."""
        async with asyncio.timeout(60):
            while self.service.tries[step] < times:  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)


@asynccontextmanager
async def consuming(stores: Stores, holder: str, **hooks: Hook) -> AsyncGenerator[Consumer]:
    """A consumer at work; killed at the end unless it was stopped."""
    consumer = Consumer(stores, holder, **hooks)
    consumer.start()
    try:
        yield consumer
    finally:
        await consumer.killed()


async def drained(stores: Stores, seconds: float = 60) -> None:
    """Returns when the log holds nothing that is not finished."""
    async with asyncio.timeout(seconds):
        while await stores.log.backlog(0):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.05)


async def work_off(stores: Stores, holder: str = "next") -> Consumer:
    """Another consumer does all there is and stops."""
    consumer = Consumer(stores, holder)
    consumer.start()
    try:
        await drained(stores)
    finally:
        await consumer.stopped()
    await stores.events.refresh()
    return consumer
