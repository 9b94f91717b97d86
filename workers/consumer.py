"""`python -m workers.consumer`: resolves the event log. Any number may run; each partition has one at a time."""

import asyncio
import signal
import sys
from typing import Final
from uuid import uuid4

from oneid.background import background
from oneid.bootstrap import BULK_PATIENCE, Stores, open_stores, rebuilding
from oneid.health import Health, serve
from oneid.logs import configure
from oneid.memory import spare_the_collector
from oneid.services.resolution import ResolutionService
from oneid.settings import InvalidSettings, Settings
from workers.partition import PartitionWorker

#: A transaction or a request to the index may last for a minute, and is tried again within one step.
LONGEST_STEP_SECONDS: Final = 240.0


async def consume(settings: Settings, stop: asyncio.Event) -> None:
    """Works on every partition until `stop` is set."""
    health = Health()
    async with open_stores(settings, patience=BULK_PATIENCE) as stores, background(health.turn()):
        workers = [worker(stores, settings, number, stop, health) for number in range(settings.partitions)]
        serve(settings, health)
        spare_the_collector()
        async with asyncio.TaskGroup() as tasks:
            for one in workers:
                tasks.create_task(one.run())


def worker(
    stores: Stores, settings: Settings, partition: int, stop: asyncio.Event, health: Health
) -> PartitionWorker:
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
    return PartitionWorker(
        stores.redis,
        stores.log,
        service,
        rebuilding(stores),
        partition,
        holder,
        stop,
        beat=health.pulse(f"partition {partition}", LONGEST_STEP_SECONDS).beat,
    )


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
