"""The command line. A command's module is imported when that command runs, so that each starts quickly."""

import sys
from collections.abc import Iterable
from importlib import import_module

import typer

#: Where each command is: a function, or a typer app for a command with commands of its own.
COMMANDS: dict[str, str] = {
    "up": "oneid.cli.up:up",
    "stop": "oneid.cli.stop:stop",
    "doctor": "oneid.cli.doctor:doctor",
    "import": "oneid.cli.importing:import_file",
    "demo": "oneid.cli.demo:demo",
    "migrate": "oneid.cli.migrate:migrate",
    "reconcile": "oneid.cli.reconcile:reconcile",
    "reindex": "oneid.cli.reindex:reindex",
    "export-schema": "oneid.cli.export_schema:export_schema",
    "propose": "oneid.cli.propose:propose",
    "seed": "oneid.cli.seed:seed",
    "keys": "oneid.cli.keys:keys",
    "backup": "oneid.cli.backup:backup",
    "restore": "oneid.cli.backup:restore",
    "compact": "oneid.cli.compact:compact",
    "reset": "oneid.cli.reset:reset",
}


def app() -> None:
    """The program `oneid`."""
    asked = sys.argv[1] if len(sys.argv) > 1 else ""
    program([asked] if asked in COMMANDS else COMMANDS)()


def program(names: Iterable[str]) -> typer.Typer:
    """The command line with these commands."""
    built = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)
    built.callback()(_oneid)
    for name in names:
        module, _, attribute = COMMANDS[name].partition(":")
        found = getattr(import_module(module), attribute)
        if isinstance(found, typer.Typer):
            built.add_typer(found, name=name)
        else:
            built.command(name)(found)
    return built


def _oneid() -> None:
    """One identity graph for every customer: start it, look after it, feed it."""
