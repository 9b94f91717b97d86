"""`oneid doctor`: checks each part and says what is wrong in a sentence; exit code 1 if anything is."""

import asyncio
from collections.abc import Mapping
from functools import partial

import typer
from rich.text import Text

from oneid.cli import checks
from oneid.cli.checks import Check, Trouble
from oneid.cli.output import out
from oneid.embedded import state
from oneid.embedded.state import State
from oneid.settings import Settings

SECONDS = 15.0  # for each check
SERVERS = ("neo4j", "redis", "opensearch")


def doctor() -> None:
    """Check each server, versions, lag and settings."""
    settings = Settings()
    current = state.load(settings.data_dir)
    settings = _with_embedded(settings, current)
    _print_settings(settings)
    if troubles := asyncio.run(_examine(_checks(settings, current))):
        out.print(f"\n{troubles} of the checks found something wrong", style="red")
        raise typer.Exit(1)
    out.print("\neverything is well", style="green")


def _with_embedded(settings: Settings, current: State) -> Settings:
    missing = {
        f"{name}_url": current.urls[name]
        for name in SERVERS
        if getattr(settings, f"{name}_url") is None and name in current.urls
    }
    return settings.model_copy(update=missing)


def _checks(settings: Settings, current: State) -> dict[str, Check]:
    found: dict[str, Check] = {"disk": partial(checks.check_disk, settings.data_dir.resolve())}
    found["java"] = checks.check_java
    found |= {name: _not_started for name in SERVERS if getattr(settings, f"{name}_url") is None}
    if settings.neo4j_url:
        found["neo4j"] = partial(checks.check_neo4j, settings)
    if settings.redis_url:
        found["redis"] = partial(checks.check_redis, settings)
    if settings.opensearch_url:
        found["opensearch"] = partial(checks.check_opensearch, settings)
    if settings.neo4j_url and settings.opensearch_url:
        found["schema"] = partial(checks.check_schema, settings)
    found["api"] = partial(checks.check_api, _api_url(settings, current))
    return found


def _api_url(settings: Settings, current: State) -> str:
    return current.urls.get("api", f"http://{settings.host}:{settings.port}")


async def _not_started() -> str:
    raise Trouble("no address: start the embedded one with oneid up, or set its ONEID_..._URL")


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
            out.print(f"  ONEID_{name.upper():<20}{masked(name, str(value))}")
    out.print("checks")


def masked(name: str, value: str) -> str:
    """A setting as it may be shown: keys are never shown, a password in a URL neither."""
    if name.endswith("_url") and "@" in value:
        scheme, _, rest = value.partition("://")
        return f"{scheme}://***@{rest.rpartition('@')[2]}"
    return value
