"""How many profiles a second `oneid reindex` makes, and in how much memory, as the number of customers grows; beside
bulk requests with the finished documents in the same run."""

import asyncio
import json
import os
import re
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import pytest

from graph.projection import Projections
from oneid.bootstrap import Stores, open_stores
from oneid.domain.catalog import Catalog
from oneid.domain.messages import format_time
from oneid.settings import Settings
from search.documents import profile_document
from search.encoding import dumps
from search.indexes import definition
from search.profile_rebuild import ALONE, FILLING
from tests.pipeline import START
from tests.servers import Servers

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]
RESULTS = Path("bench/results")
SIZES = [int(size) for size in os.environ.get("ONEID_BENCH_CUSTOMERS", "50000,100000").split(",")]
BATCH = 1_000
BARE = "oneid-bare"
COMMAND = (sys.executable, "-c", "from oneid.cli import app; app()", "reindex")

LOAD: Final = """
UNWIND $numbers AS n
WITH n, 'bench-' + right('00000000' + n, 9) AS name
CREATE (c:Customer {oneId: name, seq: n, version: 1, createdAt: $at, updatedAt: $at, merges: 0,
  attributes: '{"name": {"v": "张三", "t": "2026-01-05T08:00:00.000Z", "s": "web", "p": 1, "n": 1}}'})
WITH c, name UNWIND ['user_id:', 'anonymous_id:', 'device_id:'] AS kind
CREATE (:Identifier {key: kind + name, type: left(kind, size(kind) - 1), value: name, firstSeenAt: $at,
                     lastSeenAt: $at, linkedSeq: 1})-[:IDENTIFIES]->(c)
"""


@dataclass(frozen=True)
class Point:
    """One point of the curve. `peak`: the most memory that the command held, in MB."""

    customers: int
    a_second: float
    bare_bulk: float
    peak: float


@pytest.fixture(scope="module")
async def stores(settings: Settings) -> AsyncIterator[Stores]:
    async with open_stores(settings, patience=60) as opened:
        yield opened


async def load(stores: Stores, first: int, last: int) -> None:
    for low in range(first, last, BATCH):
        numbers = list(range(low, min(low + BATCH, last)))
        await stores.graph.write("bench.load", LOAD, numbers=numbers, at=format_time(START))


async def reindexed(servers: Servers, customers: int) -> tuple[float, float]:
    """Profiles a second of the command, by its own word, and its peak memory in MB."""
    environment = {**os.environ, **servers.environment(), "ONEID_MODE": "sandbox"}
    process = await asyncio.create_subprocess_exec(*COMMAND, env=environment, stdout=asyncio.subprocess.PIPE)
    peak = 0.0
    reading = asyncio.create_task(process.communicate())
    while not reading.done():
        peak = max(peak, most_memory(process.pid))
        await asyncio.wait({reading}, timeout=0.05)
    said = (await reading)[0].decode()
    told = re.search(r": (\d+) customers in ([\d.]+) seconds", said)
    assert told, said
    assert int(told[1]) == customers
    return customers / float(told[2]), peak


def most_memory(pid: int) -> float:
    """The most that a process has held so far, in MB; 0 when it has just ended."""
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def keep(curve: list[Point]) -> str:
    RESULTS.mkdir(parents=True, exist_ok=True)
    told = json.dumps([asdict(point) for point in curve], indent=2)
    (RESULTS / "reindex.json").write_text(told)
    return told


async def bare(stores: Stores) -> float:
    """The documents alone, encoded beforehand, into an index of the same kind."""
    body = definition("profiles", shards=1)
    settings = {**body["settings"], **FILLING, **ALONE}
    await stores.search.request("DELETE", f"/{BARE}", ignore=(404,))
    await stores.search.request("PUT", f"/{BARE}", {**body, "settings": settings})
    after, seconds, count = "", 0.0, 0
    while page := await Projections(stores.graph).range(after, BATCH):
        documents = [profile_document(found.record, Catalog()) for found in page]
        lines = [
            dumps({"index": {"_id": document["oneId"]}}) + b"\n" + dumps(document) for document in documents
        ]
        request = b"\n".join(lines) + b"\n"
        start = time.perf_counter()
        answer = await stores.search.request(
            "POST", f"/{BARE}/_bulk", request, params={"filter_path": "errors"}
        )
        seconds += time.perf_counter() - start
        assert answer == {"errors": False}
        after, count = page[-1].record.one_id, count + len(page)
    await stores.search.request("DELETE", f"/{BARE}")
    return count / seconds


async def test_reindexing_as_the_number_of_customers_grows(
    clean: None, stores: Stores, servers: Servers
) -> None:
    curve: list[Point] = []
    loaded = 0
    for size in sorted(SIZES):
        await load(stores, loaded, size)
        loaded = size
        await reindexed(servers, size)  # warms the servers up
        a_second, peak = await reindexed(servers, size)
        curve.append(Point(size, a_second, await bare(stores), peak))
    told = keep(curve)
    assert all(point.a_second >= 5_000 for point in curve), told
    assert curve[-1].peak <= curve[0].peak + 50, told
