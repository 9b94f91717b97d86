"""How many customers a second become documents, beside a bulk request with the finished documents; and how long
a customer that changes takes to be found, at a thousand changes a second."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest

from graph.projection import Projections
from oneid.bootstrap import Stores, open_stores, upkeep
from oneid.domain.messages import format_time
from oneid.settings import Settings
from search.documents import profile_document
from search.encoding import dumps
from tests.pipeline import START
from workers.loops import Loops
from workers.settings import loops

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]
RESULTS = Path("bench/results")
CUSTOMERS = 20_000
BATCH = 1_000
RATE = 1_000
SECONDS = 20

CHANGE: Final = """
UNWIND $names AS name
CREATE (c:Customer:Dirty {oneId: name, seq: timestamp(), version: 1, createdAt: $at, updatedAt: $at, merges: 0,
  attributes: '{"name": {"v": "张三", "t": "2026-01-05T08:00:00.000Z", "s": "web", "p": 1, "n": 1}}'})
WITH c, name UNWIND ['user_id:', 'anonymous_id:', 'device_id:'] AS kind
CREATE (:Identifier {key: kind + name, type: left(kind, size(kind) - 1), value: name, firstSeenAt: $at,
                     lastSeenAt: $at, linkedSeq: 1})-[:IDENTIFIES]->(c)
"""


@pytest.fixture(scope="module")
async def stores(settings: Settings) -> AsyncIterator[Stores]:
    async with open_stores(settings, patience=60) as opened:
        yield opened


async def change(stores: Stores, names: list[str]) -> None:
    await stores.graph.write("bench.change", CHANGE, names=names, at=format_time(START))


def keep(name: str, result: dict[str, float]) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2))


async def bare(stores: Stores, run: str) -> float:
    """The documents alone, encoded beforehand, in requests of the same size."""
    ids = [f"{run}-{n}" for n in range(CUSTOMERS)]
    bodies: list[bytes] = []
    for low in range(0, CUSTOMERS, BATCH):
        batch = await Projections(stores.graph).among(ids[low : low + BATCH])
        documents = [profile_document(found.record) for found in batch]
        heads = [dumps({"index": {"_id": f"bare-{document['oneId']}"}}) for document in documents]
        lines = [part for pair in zip(heads, map(dumps, documents), strict=True) for part in pair]
        bodies.append(b"\n".join(lines) + b"\n")
    start = time.perf_counter()
    for body in bodies:
        await stores.search.request("POST", "/oneid-profiles/_bulk", body, params={"filter_path": "errors"})
    return CUSTOMERS / (time.perf_counter() - start)


async def test_projection_beside_the_bulk_requests_alone(clean: None, stores: Stores) -> None:
    await projected(stores, uuid4().hex[:8])
    run = uuid4().hex[:8]
    ours = CUSTOMERS / await projected(stores, run)
    result = {"customers_a_second": ours, "bare_bulk": await bare(stores, run)}
    keep("projection", {**result, "ratio": ours / result["bare_bulk"]})
    assert ours >= 0.25 * result["bare_bulk"], result


async def projected(stores: Stores, run: str) -> float:
    """Seconds until all who changed at once are in the index."""
    for low in range(0, CUSTOMERS, 1_000):
        await change(stores, [f"{run}-{n}" for n in range(low, low + 1_000)])
    projection, start = upkeep(stores).projection, time.perf_counter()
    while await projection.run_once():
        continue
    return time.perf_counter() - start


@dataclass(slots=True)
class Watch:
    """Notes when customers that were changed can be found."""

    stores: Stores
    waiting: dict[str, float] = field(default_factory=dict[str, float])
    seconds: list[float] = field(default_factory=list[float])

    async def run(self) -> None:
        while True:
            body = {"query": {"terms": {"oneId": list(self.waiting)}}, "size": 1_000, "_source": False}
            answer = await self.stores.search.request("POST", "/oneid-profiles/_search", body)
            now = time.perf_counter()
            self.seconds += [now - self.waiting.pop(hit["_id"]) for hit in answer["hits"]["hits"]]
            await asyncio.sleep(0.02)

    async def found_all(self) -> None:
        while True:
            if not self.waiting:
                return
            await asyncio.sleep(0.1)


async def test_a_changed_customer_is_found_within_two_seconds(
    clean: None, stores: Stores, settings: Settings
) -> None:
    working = Loops(loops(upkeep(stores), stores, settings))
    working.start()
    cold = await changing(stores)
    warm = await changing(stores)
    await working.close()
    keep("graph_to_index", {**warm, "p95_just_started": cold["p95"]})
    assert warm["p95"] < 2.0, (cold, warm)


async def changing(stores: Stores) -> dict[str, float]:
    """Seconds until one in twenty of those who change is found, while a thousand change each second."""
    run, watch = uuid4().hex[:8], Watch(stores)
    watching = asyncio.create_task(watch.run())
    start = time.perf_counter()
    for tenth in range(SECONDS * 10):
        names = [f"{run}-{tenth}-{n}" for n in range(RATE // 10)]
        await change(stores, names)
        watch.waiting |= dict.fromkeys(names[::20], time.perf_counter())
        await asyncio.sleep(max(0.0, start + (tenth + 1) / 10 - time.perf_counter()))
    rate = RATE * SECONDS / (time.perf_counter() - start)
    await watch.found_all()
    watching.cancel()
    found = sorted(watch.seconds)
    p50, p95 = (found[int(len(found) * share)] for share in (0.5, 0.95))
    return {"changes_a_second": rate, "p50": p50, "p95": p95, "max": found[-1]}
