"""`oneid migrate`: brings both stores to the version of this code, or says what is missing."""

import asyncio
from typing import Annotated

import typer
from rich.table import Table

from migrations.runner import connected
from oneid.cli.connection import connected_settings
from oneid.cli.output import errors_as_sentences, out


def migrate(
    status: Annotated[bool, typer.Option("--status", help="show every migration and change nothing")] = False,
    check: Annotated[bool, typer.Option("--check", help="change nothing; 1 if anything is missing")] = False,
) -> None:
    """Bring Neo4j and OpenSearch to the version of this code."""
    with errors_as_sentences():
        asyncio.run(_status() if status else _check() if check else _up())


async def _up() -> None:
    async with connected(connected_settings()) as runner:
        applied = await runner.up()
    out.print(f"applied {', '.join(applied)}" if applied else "nothing to do")


async def _status() -> None:
    async with connected(connected_settings()) as runner:
        found = await runner.status()
    table = Table("migration", "name", "state", "applied")
    for row in found:
        table.add_row(row.id, row.name, row.state, row.applied_at or "")
    out.print(table)


async def _check() -> None:
    async with connected(connected_settings()) as runner:
        faults = await runner.check()
    out.print("\n".join(faults) or "both stores are as this code needs them")
    if faults:
        raise typer.Exit(1)
