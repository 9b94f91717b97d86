"""The three servers run as real servers do."""

from opensearchpy import AsyncOpenSearch
from redis.asyncio import Redis

from graph.client import Graph


async def test_neo4j_answers_over_bolt(graph: Graph) -> None:
    rows = await graph.read("test", "CALL dbms.components() YIELD edition, versions RETURN edition, versions")
    assert rows[0]["edition"] == "community"
    assert rows[0]["versions"][0].startswith("2026.08")


async def test_valkey_writes_its_log_before_it_answers_and_refuses_instead_of_evicting(redis: Redis) -> None:
    for name, value in {
        "appendonly": "yes",
        "appendfsync": "always",
        "maxmemory-policy": "noeviction",
    }.items():
        assert await redis.config_get(name) == {name: value}
    assert int((await redis.config_get("maxmemory"))["maxmemory"]) >= 2**28


async def test_opensearch_has_the_modules_that_the_indexes_need(opensearch: AsyncOpenSearch) -> None:
    info = await opensearch.info()
    assert info["version"]["number"].startswith("3.8")
    fields = {
        "rule": {"type": "percolator"},
        "bag": {"type": "flat_object"},
        "total": {"type": "scaled_float"},
    }
    fields["total"]["scaling_factor"] = "100"
    created = await opensearch.indices.create(index="scratch", body={"mappings": {"properties": fields}})
    assert created["acknowledged"] is True
    await opensearch.indices.delete(index="scratch")


async def test_clean_leaves_no_node_no_key_and_no_document(
    clean: None, graph: Graph, redis: Redis, opensearch: AsyncOpenSearch
) -> None:
    rows = await graph.read("test", "MATCH (n) WHERE NOT n:Migration RETURN count(n) AS nodes")
    assert rows == [{"nodes": 0}]
    assert await redis.dbsize() == 0
    assert (await opensearch.count(index="oneid-*"))["count"] == 0
