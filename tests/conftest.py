"""Fixtures on real servers. Only a test that asks for one of them starts the servers."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
from opensearchpy import AsyncOpenSearch
from redis.asyncio import Redis

from graph import client as graph_client
from graph.client import Graph
from oneid.bootstrap import Stores, open_stores
from oneid.log import client as log_client
from oneid.settings import Settings
from tests.servers import Servers, session_servers

#: In slices: a test may have loaded more than one transaction can delete in its time.
CLEAN = """
MATCH (n) WHERE NOT n:Migration WITH n LIMIT 10000 DETACH DELETE n RETURN count(n) AS deleted
"""


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """Neo4j, OpenSearch and Valkey, migrated."""
    with session_servers() as started:
        _migrate(started)
        yield started


@pytest.fixture(scope="session")
def settings(servers: Servers) -> Settings:
    """Sandbox settings that point at the servers."""
    return servers.settings()


@pytest.fixture(scope="session")
async def graph(servers: Servers) -> AsyncIterator[Graph]:
    """The Neo4j client."""
    async with graph_client.connect(servers.neo4j, "neo4j", None) as connected:
        yield connected


@pytest.fixture(scope="session")
async def redis(servers: Servers) -> AsyncIterator[Redis]:
    """The client of the event log, which answers bytes."""
    async with log_client.connect(servers.redis) as connected:
        yield connected


@pytest.fixture(scope="session")
async def opensearch(servers: Servers) -> AsyncIterator[AsyncOpenSearch]:
    """An OpenSearch client."""
    async with AsyncOpenSearch(servers.opensearch, timeout=30) as connected:
        yield connected


@pytest.fixture(scope="module")
async def stores(settings: Settings) -> AsyncIterator[Stores]:
    """The three stores, connected as a process connects them, with what reads and writes them."""
    async with open_stores(settings) as opened:
        yield opened


@pytest.fixture(scope="session")
def emptying(graph: Graph, redis: Redis, opensearch: AsyncOpenSearch) -> Callable[[], Awaitable[None]]:
    """Leaves nothing in the stores but the schema: no nodes but migrations, no keys, no documents."""

    async def empty() -> None:
        while (await graph.write("test.clean", CLEAN))[0]["deleted"]:
            pass
        await redis.flushdb()
        # What is not searchable yet would be passed over.
        await opensearch.indices.refresh(index="oneid-*")
        await opensearch.delete_by_query(
            index="oneid-*",
            body={"query": {"match_all": {}}},
            params={"refresh": "true", "conflicts": "proceed", "expand_wildcards": "open"},
        )

    return empty


@pytest.fixture(scope="module")
async def emptied(emptying: Callable[[], Awaitable[None]]) -> None:
    """The file begins with nothing in the stores but the schema: no rules, no clock that somebody else advanced."""
    await emptying()


@pytest.fixture
async def clean(emptying: Callable[[], Awaitable[None]]) -> None:
    """Nothing in the stores but the schema."""
    await emptying()


def _migrate(servers: Servers) -> None:
    environment = {**os.environ, **servers.environment()}
    command = [sys.executable, "-m", "migrations", "up"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        pytest.fail(f"the migrations failed:\n{done.stdout}{done.stderr}", pytrace=False)
