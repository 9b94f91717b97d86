"""The whole way for real client libraries: HTTP, log, consumer, event index."""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from opensearchpy import AsyncOpenSearch
from redis.asyncio import Redis

from api.app import create_app
from oneid import bootstrap
from oneid.domain.keys import KeyKind
from oneid.log.events import stream_key
from oneid.settings import Settings
from tests.serving import serving
from workers.consumer import consume

HERE = Path(__file__).parent
NODE = HERE / "node"


@dataclass(frozen=True, slots=True)
class Source:
    """A write key of its own, so that a test sees its own events; `who` starts all its ids."""

    key: str
    who: str


class Events:
    """The event index, once the log is empty."""

    def __init__(self, redis: Redis, opensearch: AsyncOpenSearch) -> None:
        self._redis = redis
        self._opensearch = opensearch

    async def of(self, source: Source) -> list[dict[str, Any]]:
        """The events of a source, by type: everything that was acknowledged before."""
        async with asyncio.timeout(60):
            await self._drained()
        await self._opensearch.indices.refresh(index="oneid-events")
        query = {"term": {"source": source.who}}
        found = await self._opensearch.search(index="oneid-events", body={"query": query, "size": 1000})
        return sorted((hit["_source"] for hit in found["hits"]["hits"]), key=lambda event: event["type"])

    async def _drained(self) -> None:
        while await self._redis.xlen(stream_key(0)):  # noqa: ASYNC110 - another process empties it
            await asyncio.sleep(0.05)


@pytest.fixture(scope="module")
async def url(settings: Settings) -> AsyncGenerator[str]:
    """Where the API is served, with a consumer behind it."""
    stop = asyncio.Event()
    consuming = asyncio.create_task(consume(settings, stop))
    async with serving(create_app(partial(bootstrap.services, settings))) as address:
        yield address
    stop.set()
    await consuming


@pytest.fixture
async def source(settings: Settings) -> Source:
    who = f"sdk-{uuid4().hex[:12]}"
    async with bootstrap.open_keys(settings) as keys:
        return Source(await keys.create(who, KeyKind.WRITE), who)


@pytest.fixture
def events(redis: Redis, opensearch: AsyncOpenSearch) -> Events:
    return Events(redis, opensearch)


@pytest.fixture(scope="session")
def node() -> str:
    """Node with the client libraries installed from their lock file."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None:
        pytest.skip("node and npm are not installed: their client libraries cannot run")
    lock, installed = NODE / "package-lock.json", NODE / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        # Not `npm ci`: it insists on prebuilt extras for other systems, which not every registry has.
        options = ["--no-save", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"]
        command = [npm, "install", *options]
        done = subprocess.run(command, cwd=NODE, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
    return program


async def run(*command: str) -> None:
    """Runs a client to its end; it must report no failure."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == 0, f"{output.decode()}{errors.decode()}"


def python_client(name: str) -> tuple[str, str]:
    return sys.executable, str(HERE / "clients" / f"{name}.py")
