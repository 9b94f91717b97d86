"""`oneid reindex`: makes the profile index anew from the graph, while everything goes on."""

import asyncio
from typing import Annotated, Final

import typer
from rich.progress import Progress

from oneid import bootstrap
from oneid.background import background
from oneid.backoff import Backoff
from oneid.bootstrap import BULK_PATIENCE, Stores, open_stores
from oneid.cli.connection import connected_settings
from oneid.cli.output import err, errors_as_sentences, out
from oneid.domain.operations import Operation, OperationStatus
from oneid.errors import Conflict, Retriable
from oneid.services.operation_runner import OperationRunner
from oneid.services.reindexing import KIND

POLL_SECONDS: Final = 0.5


def reindex(
    profiles: Annotated[
        bool, typer.Option("--profiles", help="the profile index: the only one that the graph can restore")
    ] = True,
) -> None:
    """Make the profile index anew from Neo4j and put it in the old one's place; writes go on meanwhile."""
    with errors_as_sentences():
        ended = asyncio.run(_reindex())
        result = ended.result or {}
        out.print(f"{result['index']}: {result['customers']} customers in {result['seconds']} seconds")
        out.print(f"{result['repaired']} profiles were put right before it was searched")


async def _reindex() -> Operation:
    """Raises Conflict if another one is under way, and when it has failed or was cancelled."""
    async with open_stores(connected_settings(), patience=BULK_PATIENCE) as stores:
        service = bootstrap.operation_service(stores)
        started = await service.start(KIND, {}, alone=True)
        async with background(_work(_runner(stores))):
            with Progress(console=err, transient=True) as bar:
                task = bar.add_task("reindex", total=None)
                async for operation in service.watch(started.id):
                    bar.update(task, completed=operation.progress.done, total=operation.progress.total)
                    started = operation
    if started.status is not OperationStatus.COMPLETED:
        raise Conflict(started.error or f"the reindexing was {started.status.lower()}")
    return started


def _runner(stores: Stores) -> OperationRunner:
    return bootstrap.operation_runner(stores, {KIND: bootstrap.reindex(stores).run})


async def _work(runner: OperationRunner) -> None:
    """Carries it out where no worker does. A worker that dies is followed by this, and this by a worker."""
    backoff = Backoff(POLL_SECONDS)
    while True:
        try:
            await runner.run_once()
        except Retriable as error:
            err.print(f"waiting: {error.message}")
        else:
            backoff.reset()
        await asyncio.sleep(backoff.next())
