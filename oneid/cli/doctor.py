"""`oneid doctor`: checks each part and says what is wrong in a sentence; exit code 1 if anything is."""

import asyncio
import logging
from collections.abc import Mapping
from functools import partial

import typer
from rich.text import Text

from oneid.cli import checks
from oneid.cli.checks import Check, Trouble, masked
from oneid.cli.connection import connected_settings
from oneid.cli.output import errors_as_sentences, out
from oneid.embedded import state
from oneid.embedded.ports import http_url
from oneid.embedded.state import State
from oneid.settings import Settings

SECONDS = 15.0  # for each check


def doctor() -> None:
    """Check each server, versions, lag and settings."""
    logging.getLogger("neo4j").setLevel(logging.CRITICAL)  # its retries would bury the sentence
    with errors_as_sentences():
        settings = connected_settings()
        _print_settings(settings)
        if troubles := asyncio.run(_examine(_checks(settings, state.load(settings.data_dir)))):
            out.print(f"\n{troubles} of the checks found something wrong", style="red")
            raise typer.Exit(1)
        out.print("\neverything is well", style="green")


def _checks(settings: Settings, current: State) -> dict[str, Check]:
    servers: dict[str, Check] = {
        "neo4j": partial(checks.check_neo4j, settings),
        "redis": partial(checks.check_redis, settings),
        "opensearch": partial(checks.check_opensearch, settings),
    }
    running = current.supervisor is not None and current.supervisor.alive()
    embedded = {name for name in servers if getattr(Settings(), f"{name}_url") is None}
    found: dict[str, Check] = {"disk": partial(checks.check_disk, settings.data_dir.resolve())}
    if embedded:
        found["java"] = checks.check_java
    found |= {name: _not_running if name in embedded and not running else servers[name] for name in servers}
    if running or not embedded:
        found["schema"] = partial(checks.check_schema, settings)
    found["api"] = partial(checks.check_api, _api_url(settings, current))
    return found


def _api_url(settings: Settings, current: State) -> str:
    return current.urls.get("api", http_url(settings.host, settings.port))


async def _not_running() -> str:
    raise Trouble(
        "the embedded server does not run: start it with oneid up, or name another with ONEID_..._URL"
    )


async def _examine(found: Mapping[str, Check]) -> int:
    """Prints a line a check; returns how many found trouble."""
    return sum([await _examine_one(name, check) for name, check in found.items()])


async def _examine_one(name: str, check: Check) -> bool:
    try:
        async with asyncio.timeout(SECONDS):
            out.print(Text.assemble(("  ok     ", "green"), f"{name:<12}{await check()}"))
    except Trouble as trouble:
        out.print(Text.assemble(("  wrong  ", "red"), f"{name:<12}{trouble}"))
    except TimeoutError:
        out.print(Text.assemble(("  wrong  ", "red"), f"{name:<12}no answer within {SECONDS:.0f} s"))
    else:
        return False
    return True


def _print_settings(settings: Settings) -> None:
    out.print("settings")
    for name, value in settings.model_dump().items():
        if value is not None:
            out.print(f"  ONEID_{name.upper():<20}{masked(str(value))}")
    out.print("checks")
