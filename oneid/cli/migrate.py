"""`oneid migrate`: brings both stores to the version of this code, or says what is missing."""

import asyncio

import typer
from rich.console import Console
from rich.table import Table

from migrations.catalog import MigrationError
from migrations.runner import connected
from oneid.errors import Retriable
from oneid.settings import Settings


def migrate(
    status: bool = typer.Option(False, "--status", help="show every migration and change nothing"),
    check: bool = typer.Option(
        False, "--check", help="exit with 1 when a store is not as this code needs it"
    ),
) -> None:
    """Bring Neo4j and OpenSearch to the version of this code."""
    console = Console()
    try:
        asyncio.run(_migrate(console, status=status, check=check))
    except (MigrationError, Retriable) as error:
        console.print(f"[red]{error.message}[/red]")
        raise typer.Exit(1) from error


async def _migrate(console: Console, *, status: bool, check: bool) -> None:
    async with connected(Settings()) as runner:
        if status:
            table = Table("migration", "name", "state", "applied")
            for row in await runner.status():
                table.add_row(row.id, row.name, row.state, row.applied_at or "")
            console.print(table)
            return
        if check:
            faults = await runner.check()
            console.print("\n".join(faults) or "both stores are as this code needs them")
            raise typer.Exit(1 if faults else 0)
        applied = await runner.up()
        console.print(f"applied {', '.join(applied)}" if applied else "nothing to do")
