"""`oneid export-schema`: the admin schema as SDL, for code generators and editors."""

from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from oneid.cli.output import errors_as_sentences, out
from oneid.errors import InvalidInput


def export_schema(
    output: Annotated[Path | None, typer.Option(help="a file; printed, if left out")] = None,
) -> None:
    """Print the GraphQL schema, as /graphql of this version serves it."""
    with errors_as_sentences():
        text = resources.files("api").joinpath("schema.graphql").read_text("utf-8")
        if output is None:
            typer.echo(text, nl=False)
            return
        _write(output, text)
        out.print(f"written to {output}")


def _write(output: Path, text: str) -> None:
    try:
        output.write_text(text, "utf-8")
    except OSError as error:
        raise InvalidInput(f"{output} cannot be written: {error.strerror}", field=("output",)) from error
