"""The whole way for real client libraries: HTTP, log, consumer, event index."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
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
from oneid.embedded.errors import ServerError
from oneid.embedded.jars import MavenCentral, cache_dir, ensure, read_lock
from oneid.embedded.java import java_home, jvm_library
from oneid.log.events import stream_key
from oneid.settings import Settings
from tests.serving import serving
from workers.consumer import consume

HERE = Path(__file__).parent
NODE = HERE / "node"
OLDEST_NODE = (20, 19)


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

    async def all_of(self, source: Source, number: int) -> list[dict[str, Any]]:
        """So many events of a source, once they are there."""
        async with asyncio.timeout(60):
            found = await self.of(source)
            while len(found) < number:
                await asyncio.sleep(0.1)
                found = await self.of(source)
        return found

    async def _drained(self) -> None:
        while await self._redis.xlen(stream_key(0)):  # noqa: ASYNC110 - another process empties it
            await asyncio.sleep(0.05)


@pytest.fixture(scope="module")
async def url(emptied: None, settings: Settings) -> AsyncGenerator[str]:
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


@pytest.fixture(scope="session")
def page_node(node: str) -> str:
    """Node, new enough to stand in for a browser."""
    said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30).stdout
    if tuple(map(int, said.strip().removeprefix("v").split(".")))[:2] < OLDEST_NODE:
        pytest.skip(f"jsdom, which stands in for a browser, does not run on Node {said.strip()}")
    return node


@pytest.fixture(scope="session")
def java() -> tuple[str, str]:
    """The library of a JVM, and the class path of Segment's Java client."""
    jars = read_lock((HERE / "java" / "jgo.lock.toml").read_text("utf-8"))
    central = MavenCentral(cache_dir() / "maven")
    (cache_dir() / "maven").mkdir(parents=True, exist_ok=True)
    try:
        for jar in jars:
            ensure(jar, central)
    except ServerError as error:
        pytest.skip(str(error))
    class_path = os.pathsep.join(str(central.path(jar)) for jar in jars)
    return str(jvm_library(java_home())), class_path


@asynccontextmanager
async def open_page(*command: str) -> AsyncGenerator[None]:
    """A browser client in a page that stays open for as long as the block; it must not have failed by then."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        output, errors = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode in (0, -signal.SIGTERM), f"{output.decode()}{errors.decode()}"


async def run(*command: str) -> None:
    """Runs a client to its end; it must report no failure."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == 0, f"{output.decode()}{errors.decode()}"


def python_client(name: str) -> tuple[str, str]:
    return sys.executable, str(HERE / "clients" / f"{name}.py")
