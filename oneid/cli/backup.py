"""`oneid backup DIR` and `oneid restore DIR`: the embedded data as files, with the servers stopped."""

from pathlib import Path
from typing import Annotated

import typer

from oneid.cli.output import errors_as_sentences, out
from oneid.embedded import data
from oneid.settings import Settings


def backup(target: Annotated[Path, typer.Argument(help="a directory that does not exist yet")]) -> None:
    """Copy the embedded data to a new directory. Stop oneid first."""
    with errors_as_sentences():
        data.backup(Settings().data_dir.resolve(), target.resolve())
        out.print(f"copied to {target}")


def restore(source: Annotated[Path, typer.Argument(help="what `oneid backup` made")]) -> None:
    """Copy a backup into a data directory that holds no data."""
    with errors_as_sentences():
        directory = Settings().data_dir.resolve()
        data.restore(source.resolve(), directory)
        out.print(f"restored into {directory}; start it with: oneid up")
