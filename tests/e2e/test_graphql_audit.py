"""GraphQL over HTTP as its working group's audit sees it: all 61 checks of the npm package graphql-http."""

import asyncio
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import orjson
import pytest

from api.app import create_app
from graph.client import Graph
from graph.keys import ApiKeys
from oneid import bootstrap
from oneid.clock import SystemClock
from oneid.domain.keys import KeyKind
from oneid.services.keys import KeyService
from oneid.settings import Settings
from tests.serving import serving

FOLDER = Path(__file__).parent / "audit"

GET_CHECKS = {"5A70", "D6D5", "6A70"}
"""What a server MAY do over GET, which /graphql does not: queries come by POST only."""


async def command(*words: str) -> str:
    """What the command prints; fails if the command does."""
    process = await asyncio.create_subprocess_exec(
        *words, cwd=FOLDER, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, trouble = await process.communicate()
    assert process.returncode == 0, trouble.decode()
    return output.decode()


@pytest.fixture(scope="module")
async def auditor() -> None:
    """The audit's packages, installed from the lock file."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("the audit is a Node program, and there is no node here")
    if not (FOLDER / "node_modules").exists():
        try:
            await command("npm", "ci", "--no-audit", "--no-fund")
        except AssertionError as trouble:
            pytest.skip(f"the audit's packages cannot be fetched: {str(trouble)[:200]}")


@pytest.fixture
async def url(settings: Settings) -> AsyncGenerator[str]:
    async with serving(create_app(lambda: bootstrap.services(settings))) as address:
        yield f"{address}/graphql"


@pytest.mark.usefixtures("auditor")
async def test_the_audit_finds_no_error_and_no_warning(url: str, graph: Graph) -> None:
    key = await KeyService(ApiKeys(graph), SystemClock(), "sandbox").create(
        "audit", KeyKind.SECRET, ["admin"]
    )
    lines = (await command("node", "audit.mjs", url, key)).splitlines()
    checks: list[dict[str, Any]] = [orjson.loads(line) for line in lines]
    assert len(checks) == 61
    notices = {check["id"] for check in checks if check["status"] == "notice"}
    failed = [check for check in checks if check["status"] not in ("ok", "notice")]
    assert failed == []
    assert notices == GET_CHECKS
