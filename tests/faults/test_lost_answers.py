"""F12: the graph committed and the answer was lost. Whoever asked tries again, and nothing happens twice."""

from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from graph import client as graph_client
from graph import partitions
from graph.client import Graph
from graph.customers import Customers
from oneid.bootstrap import Stores
from oneid.services.upserts import Upsert, UpsertService
from tests.faults.proxy import BOLT_COMMIT, Proxy, proxy
from tests.pipeline import Pipeline, event, service_of
from tests.servers import Servers


@pytest.fixture
async def cut(servers: Servers, clean: None) -> AsyncIterator[Proxy]:
    async with proxy(urlsplit(servers.neo4j).port or 7687, BOLT_COMMIT) as through:
        yield through


@pytest.fixture
async def graph_through(cut: Proxy) -> AsyncIterator[Graph]:
    async with graph_client.connect(f"bolt://127.0.0.1:{cut.port}", "neo4j", None) as graph:
        yield graph


async def test_an_increment_whose_answer_was_lost_counts_once(
    cut: Proxy, graph_through: Graph, stores: Stores
) -> None:
    upserts = UpsertService(graph_through, stores.clock, "CN")
    cut.cut_replies = 1
    one_id, _ = await upserts.upsert(Upsert([("user_id", "u1")], increment={"visits": 1}))
    assert cut.cuts == 1
    record = (await Customers(stores.graph).by_one_ids([one_id]))[one_id]
    assert record.attributes["visits"].value == 1
    assert record.version == 1


async def test_a_batch_whose_answer_was_lost_is_applied_once(
    cut: Proxy, graph_through: Graph, stores: Stores
) -> None:
    await stores.log.ensure_group(0)
    await partitions.take(graph_through, 0, "test")
    through = replace(stores, graph=graph_through)
    pipeline = Pipeline(stores, service_of(through, "test"), "test")
    await pipeline.append([event(user_id="u1", device_id="d1"), event(user_id="u1", phone="13800138000")])
    cut.cut_replies = 1
    received = await pipeline.drain()
    assert cut.cuts == 1
    assert len({r.one_id for r in received}) == 1
    rows = await stores.graph.read("test", "MATCH (c:Customer) RETURN c.version AS version")
    assert rows == [{"version": 1}]
    rows = await stores.graph.read("test", "MATCH (d:Decision) RETURN count(d) AS decisions")
    assert rows == [{"decisions": 2}]
