"""`oneid keys`: as people use it."""

import asyncio
import os
import re
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from graph.client import Graph
from graph.keys import ApiKeys
from oneid.clock import SystemClock
from oneid.errors import Unauthenticated
from oneid.services.keys import KeyService
from tests.servers import Servers

Command = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
def oneid(servers: Servers, clean: None, tmp_path: Path) -> Command:
    """Runs a command in a folder without settings; exit code and everything it said."""
    environment = {**os.environ, **servers.environment(), "ONEID_MODE": "live", "COLUMNS": "200"}

    async def run(*arguments: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from oneid.cli import app; app()", *arguments),
            cwd=tmp_path,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        return process.returncode or 0, said.decode()

    return run


async def test_a_key_is_made_shown_once_listed_and_revoked(oneid: Command, graph: Graph) -> None:
    keys = KeyService(ApiKeys(graph), SystemClock(), "live")
    code, said = await oneid(
        "keys",
        "create",
        "--name",
        "partner",
        "--kind",
        "secret",
        "--scopes",
        "admin,pii:read",
        "--expires",
        "90d",
    )
    assert code == 0
    key = said.strip()
    assert re.fullmatch(r"sk_live_[0-9a-f]{16}_[0-9a-f]{64}", key)
    actor = await keys.authenticate_secret(key)
    assert (actor.name, actor.scopes) == ("partner", frozenset({"admin", "pii:read"}))

    code, said = await oneid("keys", "list")
    assert code == 0
    assert actor.id in said
    assert "partner" in said
    assert key.split("_")[3] not in said

    code, said = await oneid("keys", "revoke", actor.id)
    assert (code, said.strip()) == (0, f"revoked secret key {actor.id} (partner)")
    fresh = KeyService(ApiKeys(graph), SystemClock(), "live")
    with pytest.raises(Unauthenticated):
        await fresh.authenticate_secret(key)


async def test_what_makes_no_sense_is_said_in_a_sentence(oneid: Command) -> None:
    code, said = await oneid("keys", "revoke", "nope")
    assert (code, said.strip()) == (1, "no key has the id 'nope'")
    code, said = await oneid("keys", "create", "--name", "x", "--kind", "secret", "--scopes", "root")
    assert (code, said.strip()) == (1, "a secret key cannot have: root")
