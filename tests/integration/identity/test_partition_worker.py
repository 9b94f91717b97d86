"""The consumer's order of work: an entry is in the graph and in the index before the log forgets it."""

import asyncio
from collections.abc import Sequence

from graph import partitions
from oneid.bootstrap import Stores, rebuilding
from oneid.log.events import Entry
from oneid.services.resolution import Received, ResolutionService
from tests.pipeline import Pipeline, event, service_of
from workers.partition import PartitionWorker


class Dying(ResolutionService):
    """Dies in the middle of a batch: nothing of it is done, and nobody hears."""

    def __init__(self, stores: Stores) -> None:
        vars(self).update(vars(service_of(stores, "dying")))
        self.began = asyncio.Event()

    async def apply(self, entries: Sequence[Entry], give_up: str | None = None) -> list[Received]:
        self.began.set()
        await asyncio.Event().wait()
        return []


def worker(stores: Stores, service: ResolutionService, holder: str) -> PartitionWorker:
    return PartitionWorker(stores.graph, stores.redis, stores.log, service, rebuilding(stores), 0, holder)


async def emptied(stores: Stores) -> None:
    while True:
        if not await stores.log.backlog(0):
            return
        await asyncio.sleep(0.05)


async def test_what_a_consumer_had_read_when_it_died_is_resolved_by_the_next(pipeline: Pipeline) -> None:
    stores = pipeline.stores
    await pipeline.append([event(user_id="u1", message_id="m1")])
    dying = Dying(stores)
    running = asyncio.create_task(worker(stores, dying, "dying").run(asyncio.Event()))
    await asyncio.wait_for(dying.began.wait(), 30)
    running.cancel()
    await asyncio.wait({running})

    stop = asyncio.Event()
    following = asyncio.create_task(worker(stores, service_of(stores, "next"), "next").run(stop))
    async with asyncio.timeout(30):
        await emptied(stores)
    stop.set()
    await following
    await stores.events.refresh()

    found = await stores.events.get(["m1"])
    assert [stored.one_id for stored in found.values()] == [await pipeline.owner("user_id", "u1")]
    await partitions.take(stores.graph, 0, "test")
