"""`oneid keys`: who may call the APIs."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, TypeVar

import typer
from rich.table import Column, Table

from oneid import bootstrap
from oneid.cli.connection import connected_settings
from oneid.cli.output import errors_as_sentences, out
from oneid.clock import SystemClock
from oneid.domain.keys import ApiKey, KeyKind
from oneid.domain.messages import parse_time
from oneid.errors import InvalidInput
from oneid.services.keys import KeyService

T = TypeVar("T")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}

keys = typer.Typer(help="Create, list and revoke API keys.", no_args_is_help=True)


@keys.command()
def create(
    name: Annotated[str, typer.Option(help="what the key is for")],
    kind: Annotated[KeyKind, typer.Option(help="what the key opens")],
    scopes: Annotated[str, typer.Option(help="for secret keys: scopes with commas between them")] = "",
    expires: Annotated[str, typer.Option(help="12h, 90d or 4w from now; never, if left out")] = "",
) -> None:
    """Make a key and print it, this once."""
    with errors_as_sentences():
        wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()]
        lifetime = parse_lifetime(expires) if expires else None
        typer.echo(_with_keys(lambda service: service.create(name, kind, wanted, lifetime)))


@keys.command("list")
def list_keys() -> None:
    """Show all keys, without their secrets."""
    with errors_as_sentences():
        found = _with_keys(lambda service: service.list())
        table = Table(Column("id", min_width=22), "kind", "name", "scopes", "created", "last used", "state")
        for key in found:
            scopes = " ".join(sorted(key.scopes))
            table.add_row(
                key.id, key.kind, key.name, scopes, key.created_at, key.last_used_at or "never", _state(key)
            )
        out.print(table)


@keys.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="as `oneid keys list` shows it")],
) -> None:
    """Revoke a key for good; every process refuses it within seconds."""
    with errors_as_sentences():
        key = _with_keys(lambda service: service.revoke(key_id))
        out.print(f"revoked {key.kind} key {key.id} ({key.name})")


def parse_lifetime(text: str) -> timedelta:
    """12h, 90d, 4w. Raises InvalidInput."""
    form = re.fullmatch(r"([1-9][0-9]{0,4})([hdw])", text.strip())
    if form is None:
        raise InvalidInput(f"{text!r} is no lifetime: write 12h, 90d or 4w", field=("expires",))
    return timedelta(**{_UNITS[form.group(2)]: int(form.group(1))})


def _with_keys(use: Callable[[KeyService], Awaitable[T]]) -> T:
    async def run() -> T:
        async with bootstrap.open_keys(connected_settings()) as service:
            return await use(service)

    return asyncio.run(run())


def _state(key: ApiKey) -> str:
    if key.revoked_at:
        return f"revoked {key.revoked_at}"
    if key.expires_at and parse_time(key.expires_at) <= SystemClock().now():
        return f"expired {key.expires_at}"
    return f"valid until {key.expires_at}" if key.expires_at else "valid"
