"""`oneid reset --yes`: deletes the embedded data."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from oneid.cli.output import err, errors_as_sentences, out
from oneid.embedded.data import STORES
from oneid.embedded.lock import DataDirLock
from oneid.embedded.servers import stop_leftovers
from oneid.settings import Settings


def reset(
    yes: Annotated[bool, typer.Option("--yes", help="really delete every customer and event")] = False,
) -> None:
    """Delete the embedded data: every customer, event, key and log."""
    with errors_as_sentences():
        directory = Settings().data_dir.resolve()
        if not yes:
            err.print(f"this deletes all data in {directory}; say so with: oneid reset --yes", style="red")
            raise typer.Exit(1)
        with DataDirLock(directory):
            _delete(directory)
        out.print(f"deleted the data in {directory}")


def _delete(directory: Path) -> None:
    stop_leftovers(directory)
    for name in (*STORES, "logs", "run"):
        shutil.rmtree(directory / name, ignore_errors=True)
    (directory / "state.json").unlink(missing_ok=True)
