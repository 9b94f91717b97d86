"""`oneid reconcile`: compares graph and index, customer by customer, and says what is wrong, or puts it right."""

import asyncio
from typing import Annotated, Final

import typer

from oneid.bootstrap import Upkeep, open_stores, upkeep
from oneid.cli.connection import connected_settings
from oneid.cli.output import errors_as_sentences, out
from oneid.services.reconciliation import Report


def reconcile(
    repair: Annotated[bool, typer.Option("--repair", help="put right what is wrong")] = False,
) -> None:
    """Compare Neo4j and OpenSearch and say what is wrong; 1 if anything is and was not repaired."""
    with errors_as_sentences():
        report = asyncio.run(_reconcile(repair))
        out.print(f"{report.compared} customers compared")
        out.print(f"{report.stale} profiles were stale or missing, {report.ghosts} belonged to nobody")
        out.print(f"{report.strays} former customers still had events under their old ONE-ID")
        out.print(f"{report.lost} ONE-IDs had events and were nobody's")
        if report.drift and not repair:
            out.print("nothing was changed: `oneid reconcile --repair` puts it right")
            raise typer.Exit(1)


#: Rounds of at most 1,000 former customers whose events are moved.
MOST_MOVES: Final = 100


async def _reconcile(repair: bool) -> Report:
    async with open_stores(connected_settings()) as stores:
        work = upkeep(stores)
        report = await work.reconciliation.sweep(repair=repair)
        if repair:
            await settle(work)
        return report


async def settle(work: Upkeep) -> None:
    """What was marked is also done, worker or none. Not what others mark meanwhile: under steady writes that would
    never end."""
    left = 2 * (await work.reconciliation.lag()).dirty
    while left > 0 and (done := await work.projection.run_once()):
        left -= done
    for _ in range(MOST_MOVES):
        if not await work.rehoming.run_once():
            return
