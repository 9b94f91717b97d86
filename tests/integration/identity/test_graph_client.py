"""What goes wrong between oneid and Neo4j, and what passes by itself."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from neo4j import AsyncGraphDatabase, AsyncManagedTransaction
from neo4j.exceptions import ClientError
from prometheus_client import REGISTRY

from graph import client
from graph.client import Graph, Overloaded
from oneid.errors import Retriable
from tests.servers import Servers

LONG = "UNWIND range(1, 1000000000) AS n WITH n WHERE n % 7 = 8 RETURN count(*) AS n"
RUNNING = (
    "SHOW TRANSACTIONS YIELD transactionId, metaData WHERE metaData.query = 'endless' RETURN transactionId"
)


@pytest.fixture
async def narrow(servers: Servers) -> AsyncIterator[Graph]:
    """A graph over one connection, whose transactions may last for half a second."""
    driver = AsyncGraphDatabase.driver(
        servers.neo4j, max_connection_pool_size=1, connection_acquisition_timeout=0.3
    )
    async with driver:
        yield Graph(driver, timeout=0.5, retry_seconds=2)


async def test_a_transaction_that_takes_too_long_is_too_much_at_once(narrow: Graph) -> None:
    with pytest.raises(Overloaded):
        await narrow.write("test", LONG)
    with pytest.raises(Overloaded):
        await narrow.read("test", LONG)


async def test_a_caller_who_gets_no_connection_may_try_again(narrow: Graph) -> None:
    held = asyncio.Event()

    async def hold(tx: AsyncManagedTransaction) -> None:
        await tx.run("RETURN 1")
        held.set()
        await asyncio.sleep(0.45)

    holding = asyncio.create_task(narrow.transact("test", hold))
    await held.wait()
    with pytest.raises(Retriable):
        await narrow.read("test", "RETURN 1")
    await holding
    assert await narrow.read("test", "RETURN 1 AS one") == [{"one": 1}]


async def test_a_transaction_that_somebody_ended_may_be_tried_again(graph: Graph) -> None:
    running = asyncio.create_task(graph.write("endless", LONG))
    while not (found := await graph.read("test", RUNNING)):  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0.05)
    await graph.read("test", "TERMINATE TRANSACTIONS $ids", ids=[row["transactionId"] for row in found])
    with pytest.raises(Retriable):
        await running


async def test_what_is_wrong_for_good_is_not_tried_again(narrow: Graph) -> None:
    with pytest.raises(ClientError):
        await narrow.write("test", "RETURN 1 / 0")


async def test_a_server_that_never_answers_is_given_up_when_its_time_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "MARGIN_SECONDS", 0.1)

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with AsyncGraphDatabase.driver(
        f"bolt://127.0.0.1:{port}", connection_acquisition_timeout=60
    ) as driver:
        graph = Graph(driver, timeout=0.2)
        with pytest.raises(Retriable):
            async with asyncio.timeout(20):
                await graph.write("test", "RETURN 1")
    server.close()


def measured(name: str) -> tuple[float, float]:
    """How often this was done, and the seconds that it took."""
    family = "oneid_graph_query_seconds"
    told = [REGISTRY.get_sample_value(f"{family}_{part}", {"query": name}) for part in ("count", "sum")]
    return told[0] or 0.0, told[1] or 0.0


async def test_all_work_is_measured_by_its_name_with_what_failed_of_it(graph: Graph, narrow: Graph) -> None:
    await graph.read("measured.read", "RETURN 1")
    await graph.read("measured.read", "RETURN 1")
    await graph.write("measured.write", "RETURN 1")
    with pytest.raises(Overloaded):
        await narrow.read("measured.long", LONG)
    assert [measured(f"measured.{name}")[0] for name in ("read", "write", "long")] == [2, 1, 1]
    assert measured("measured.long")[1] >= 0.5
