"""`python -m workers.consumer`: resolves the event log. Any number may run; each partition has one at a time."""

import asyncio
import signal
import sys
from uuid import uuid4

from oneid.bootstrap import BULK_PATIENCE, Stores, open_stores, rebuilding
from oneid.logs import configure
from oneid.memory import spare_the_collector
from oneid.metrics import serve_metrics
from oneid.services.resolution import ResolutionService
from oneid.settings import InvalidSettings, Settings
from workers.partition import PartitionWorker


async def consume(settings: Settings, stop: asyncio.Event) -> None:
    """Works on every partition until `stop` is set."""
    async with open_stores(settings, patience=BULK_PATIENCE) as stores:
        workers = [worker(stores, settings, number, stop) for number in range(settings.partitions)]
        serve_metrics(settings)
        spare_the_collector()
        async with asyncio.TaskGroup() as tasks:
            for one in workers:
                tasks.create_task(one.run())


def worker(stores: Stores, settings: Settings, partition: int, stop: asyncio.Event) -> PartitionWorker:
    holder = uuid4().hex
    service = ResolutionService(
        stores.graph,
        stores.log,
        stores.events,
        stores.clock,
        partition=partition,
        holder=holder,
        region=settings.phone_region,
        dedupe_seconds=settings.dedupe_hours * 3600,
    )
    return PartitionWorker(stores.redis, stores.log, service, rebuilding(stores), partition, holder, stop)


async def main() -> None:
    configure()
    settings = Settings()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await consume(settings, stop)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except InvalidSettings as error:
        sys.exit(str(error))
