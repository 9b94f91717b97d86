"""`oneid reconcile`: compares graph and index, customer by customer, repairs, and says what was wrong."""

import asyncio

from oneid.bootstrap import open_stores, upkeep
from oneid.cli.connection import connected_settings
from oneid.cli.output import errors_as_sentences, out
from oneid.services.reconciliation import Report


def reconcile() -> None:
    """Compare Neo4j and OpenSearch, repair the index and say what was wrong."""
    with errors_as_sentences():
        report = asyncio.run(_reconcile())
        out.print(f"{report.compared} customers compared")
        out.print(f"{report.stale} profiles were stale or missing, {report.ghosts} belonged to nobody")
        out.print(f"{report.strays} former customers still had events under their old ONE-ID")


async def _reconcile() -> Report:
    async with open_stores(connected_settings()) as stores:
        work = upkeep(stores)
        report = await work.reconciliation.sweep()
        while await work.projection.run_once() or await work.rehoming.run_once():
            continue
        return report
