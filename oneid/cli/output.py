"""How commands speak: plain sentences, errors in red on stderr with exit code 1."""

from collections.abc import Generator
from contextlib import contextmanager

import typer
from rich.console import Console

from oneid.embedded.errors import ServerError
from oneid.errors import OneIdError
from oneid.settings import InvalidSettings

out = Console(highlight=False, markup=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


@contextmanager
def errors_as_sentences() -> Generator[None]:
    """Ends the command with a sentence where something is wrong that the user can put right."""
    try:
        yield
    except (ServerError, OneIdError, InvalidSettings) as error:
        err.print(str(error), style="red")
        raise typer.Exit(1) from error
