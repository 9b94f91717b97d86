"""`oneid seed`: fills a deployment with made-up people, to measure and to try things out."""

import asyncio
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from oneid.bootstrap import BULK_PATIENCE, open_stores, seeder
from oneid.cli.connection import connected_settings
from oneid.cli.output import errors_as_sentences, out
from oneid.clock import monotonic
from oneid.services.seeding import Seed


def seed(
    customers: Annotated[int, typer.Option(min=1, help="how many people")] = 10_000,
    events: Annotated[int, typer.Option(min=0, max=9_999, help="how many events each of them has")] = 10,
    run: Annotated[str, typer.Option(help="the same name makes the same people")] = "seed",
) -> None:
    """Write made-up people with their events and profiles. What was begun is continued."""
    with errors_as_sentences():
        started = monotonic()
        asyncio.run(_seed(Seed(run, customers, events)))
        out.print(f"{customers} people with {events} events each, in {monotonic() - started:.0f} s")


async def _seed(wanted: Seed) -> None:
    columns = (TextColumn("people"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    async with open_stores(connected_settings(), patience=BULK_PATIENCE) as stores:
        with Progress(*columns, console=out) as bar:
            task = bar.add_task("people", total=wanted.customers)
            await seeder(stores).seed(wanted, lambda done: bar.update(task, completed=done))
