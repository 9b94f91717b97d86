"""How long `identityHealth` takes, over the size of the graph."""

import statistics
import time
from pathlib import Path
from typing import Final

import orjson
import pytest

from graph.client import Graph
from graph.customers import Customers
from graph.health import HealthReader

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1200), pytest.mark.usefixtures("clean")]

SIZES: Final = (10_000, 100_000)
"""Identifiers, three a customer; as many decisions, of which one in twenty demotes a value."""
ROUNDS: Final = 5
SLICE: Final = 5_000
RESULTS: Final = Path("bench/results")
FILL: Final = """
UNWIND range($start, $until - 1) AS n
CREATE (c:Customer {oneId: 'bench-' + n, seq: n, version: 1, createdAt: $at, updatedAt: $at, merges: n % 3,
                    attributes: '{}'})
WITH c, n UNWIND range(0, 2) AS k
CREATE (:Identifier {key: 'device_id:' + n + '-' + k, type: 'device_id', value: n + '-' + k, firstSeenAt: $at,
                     lastSeenAt: $at, verified: false, source: 'bench', linkedSeq: n})-[:IDENTIFIES]->(c)
CREATE (:Decision {id: n + '#' + k, seq: 3 * n + k, oneId: c.oneId, at: $at, reason: 'LIMIT', mergedOneIds: [],
                   kind: CASE WHEN (3 * n + k) % 20 = 0 THEN 'DEMOTED' ELSE 'ADDED' END,
                   dropped: ['device_id:' + (n % 1000) + '-0'], kept: [], manual: false, ruleVersion: 1})
"""


async def fill(graph: Graph, since: int, identifiers: int) -> None:
    last = identifiers // 3
    for start in range(since // 3, last, SLICE):
        until = min(start + SLICE, last)
        await graph.write("bench.fill", FILL, start=start, until=until, at="2026-03-01T08:00:00.000Z")


async def seconds(reader: HealthReader) -> float:
    """The median of some reads, after one that warms up."""
    times = list[float]()
    for _ in range(ROUNDS + 1):
        begun = time.perf_counter()
        found = await reader.read(10)
        times.append(time.perf_counter() - begun)
        assert (len(found.customers), len(found.values)) == (10, 10)
    return statistics.median(times[1:])


async def test_health_is_read_in_time_proportional_to_the_graph(graph: Graph) -> None:
    reader, found, before = HealthReader(graph, Customers(graph)), dict[str, float](), 0
    for size in SIZES:
        await fill(graph, before, size)
        before = size
        found[str(size)] = round(await seconds(reader), 3)
    RESULTS.mkdir(parents=True, exist_ok=True)
    RESULTS.joinpath("identity_health.json").write_bytes(orjson.dumps({"seconds by identifiers": found}))
    assert found["100000"] < 2
    assert found["100000"] < 12 * max(found["10000"], 0.05)
