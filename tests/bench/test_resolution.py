"""How many events a second become customers, through one partition and through two at once, beside the bare statement
that writes the same nodes, as the graph grows. Sizes in customers: ONEID_BENCH_SIZES, by default 10000,100000."""

import asyncio
import json
import os
import random
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4
from zlib import crc32

import orjson
import pytest

from graph import partitions
from graph.client import Graph
from oneid.bootstrap import Stores, open_stores
from oneid.domain.messages import format_time
from oneid.log.events import Entry
from oneid.memory import spare_the_collector
from oneid.services.resolution import ResolutionService
from oneid.settings import Settings
from tests.pipeline import START, service_of

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]
SIZES = [int(size) for size in os.environ.get("ONEID_BENCH_SIZES", "10000,100000").split(",")]
EVENTS = 20_000
#: Resolved unmeasured before each measurement: a just-started JVM runs at a third of its later speed.
WARM_UP = 20_000
BATCH = 1000
RESULTS = Path("bench/results")

SEED: Final = """
UNWIND range($start, $end - 1) AS n
CREATE (c:Customer {oneId: $run + '-' + n, seq: n, version: 1, createdAt: $at, updatedAt: $at, merges: 0})
WITH c, n UNWIND ['user_id:', 'anonymous_id:', 'device_id:'] AS kind
CREATE (:Identifier {key: kind + $run + '-' + n, type: left(kind, size(kind) - 1), value: $run + '-' + n,
                     firstSeenAt: $at, lastSeenAt: $at, linkedSeq: n})-[:IDENTIFIES]->(c)
"""

#: The same nodes, properties and relationships, for events whose customer somebody else has found already.
BARE: Final = """
UNWIND $rows AS row
MERGE (c:Customer {oneId: row.oneId})
SET c:Dirty, c.version = coalesce(c.version, 0) + 1, c.updatedAt = $at
FOREACH (_ IN CASE WHEN row.new THEN [1] ELSE [] END |
  SET c.seq = 1, c.createdAt = $at, c.merges = 0, c.attributes = '{}'
  CREATE (:Decision {id: row.messageId, seq: 1, kind: 'CREATED', at: $at, messageId: row.messageId,
                     ruleVersion: 1, oneId: row.oneId, mergedOneIds: [], kept: row.keys, dropped: [],
                     manual: false}))
WITH c, row UNWIND row.keys AS key
MERGE (i:Identifier {key: key})
SET i.lastSeenAt = $at
FOREACH (_ IN CASE WHEN row.new THEN [1] ELSE [] END |
  SET i.type = 'x', i.value = key, i.firstSeenAt = $at, i.verified = false, i.source = 'bench', i.linkedSeq = 1)
MERGE (i)-[:IDENTIFIES]->(c)
"""


@dataclass(frozen=True, slots=True)
class Rate:
    """Events a second; `two`: of two partitions together."""

    customers: int
    ours: float
    two: float
    bare: float

    @property
    def ratio(self) -> float:
        return self.ours / self.bare


@pytest.fixture(scope="module")
async def stores(settings: Settings) -> AsyncIterator[Stores]:
    async with open_stores(settings) as opened:
        spare_the_collector()  # as the consumer does
        yield opened


async def seed(graph: Graph, run: str, start: int, end: int) -> None:
    for low in range(start, end, 10_000):
        high = min(low + 10_000, end)
        await graph.write("bench.seed", SEED, run=run, start=low, end=high, at=format_time(START))


def people(run: str, size: int, seed: int, count: int = EVENTS) -> list[tuple[str, bool]]:
    """Half the events come from customers who are known, half from new ones."""
    rng = random.Random(seed)
    known = [(f"{run}-{rng.randrange(size)}", False) for _ in range(count // 2)]
    new = [(f"{run}-new-{size}-{seed}-{n}", True) for n in range(count // 2)]
    mixed = known + new
    rng.shuffle(mixed)
    return mixed


def entries(run: str, of: Sequence[tuple[str, bool]]) -> list[Entry]:
    at = format_time(START)
    items = [
        {
            "type": "track",
            "event": "Seen",
            "messageId": f"{run}-{n}-{name}",
            "userId": name,
            "anonymousId": name,
            "context": {"device": {"id": name}},
        }
        for n, (name, _) in enumerate(of)
    ]
    bodies = [
        orjson.dumps({"receivedAt": at, "source": "bench", "sentAt": None, "items": items[k : k + 100]})
        for k in range(0, len(items), 100)
    ]
    return [Entry(f"{uuid4()}", body, None) for body in bodies]


async def ours(stores: Stores, run: str, size: int, count: int = 1) -> float:
    """Events a second through the service, of so many partitions at once: read from bytes, matched, decided,
    committed."""
    await through(stores, f"{run}-{size}-{count}-warm", count, people(run, size, count, WARM_UP))
    seconds = await through(stores, f"{run}-{size}-{count}", count, people(run, size, 10 + count))
    return EVENTS / seconds


async def through(stores: Stores, name: str, count: int, of: Sequence[tuple[str, bool]]) -> float:
    """Seconds until all are resolved, each customer's events by one partition."""
    services, works = list[ResolutionService](), list[list[Entry]]()
    for number in range(count):
        await partitions.take(stores.graph, number, name)
        services.append(service_of(stores, name, number))
        works.append(
            entries(f"{name}-{number}", [one for one in of if crc32(one[0].encode()) % count == number])
        )
    start = time.perf_counter()
    await asyncio.gather(*map(apply, services, works))
    return time.perf_counter() - start


async def apply(service: ResolutionService, work: Sequence[Entry]) -> None:
    for low in range(0, len(work), BATCH // 100):
        await service.apply(work[low : low + BATCH // 100])


async def bare(stores: Stores, run: str, size: int) -> float:
    of = people(run, size, 20)
    kinds = ("user_id", "anonymous_id", "device_id")
    rows: list[dict[str, Any]] = [
        {
            "oneId": name,
            "new": new,
            "messageId": f"{run}-{size}-bare-{n}",
            "keys": [f"{kind}:{name}" for kind in kinds],
        }
        for n, (name, new) in enumerate(of)
    ]
    at = format_time(START)
    await stores.graph.write("bench.bare", BARE, rows=rows[:1000], at=at)
    start = time.perf_counter()
    for low in range(1000, len(rows), BATCH):
        await stores.graph.write("bench.bare", BARE, rows=rows[low : low + BATCH], at=at)
    return (EVENTS - 1000) / (time.perf_counter() - start)


def keep(rates: Sequence[Rate]) -> list[dict[str, float]]:
    table = [{**asdict(rate), "ratio": rate.ratio} for rate in rates]
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "resolution.json").write_text(json.dumps(table, indent=2))
    return table


async def test_resolution_keeps_up_with_the_bare_statement_at_any_size(clean: None, stores: Stores) -> None:
    rates, run, loaded = list[Rate](), uuid4().hex[:8], 0
    for size in SIZES:
        await seed(stores.graph, run, loaded, size)
        loaded = size
        one, two = await ours(stores, run, size), await ours(stores, run, size, count=2)
        rates.append(Rate(size, one, two, await bare(stores, run, size)))
    table = keep(rates)
    assert min(rate.ratio for rate in rates) >= 0.5, table
    assert rates[-1].ours >= 0.8 * rates[0].ours, table
