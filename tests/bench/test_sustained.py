"""A whole `oneid up` under a steady load: whether memory stays flat, and how long an event takes into the graph.

`ONEID_BENCH_EVENTS`: events sent as fast as they are resolved while memory is watched, by default 100,000. They come
first: the servers are warm then.
"""

import asyncio
import json
import os
import random
import statistics
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest
from redis.asyncio import Redis

from oneid.log.events import stream_key
from tests.deployment import INGEST
from tests.stack import Stack, running_stack

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]
RESULTS: Final = Path("bench/results")
RATE: Final = 1_000
SECONDS: Final = 30
BATCH: Final = 100
EVENTS: Final = int(os.environ.get("ONEID_BENCH_EVENTS", "100000"))
BACKLOG: Final = 50
SAMPLES: Final = 20
PARTS: Final = ("api", "consumer", "worker")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with running_stack(tmp_path_factory.mktemp("sustained") / "oneid") as running:
        yield running


@asynccontextmanager
async def client(stack: Stack) -> AsyncGenerator[httpx.AsyncClient]:
    auth = httpx.BasicAuth(stack.state.keys["write"], "")
    async with httpx.AsyncClient(base_url=stack.url, auth=auth, timeout=60) as opened:
        yield opened


def batch(run: str, start: int) -> dict[str, Any]:
    """Three in four events come from customers who are known."""
    rng = random.Random(start)
    people = [n if rng.random() < 0.25 else rng.randrange(n + 1) for n in range(start, start + BATCH)]
    items = [
        {
            "type": "track",
            "event": "Product Viewed",
            "messageId": f"{run}-{start + place}",
            "userId": f"{run}-{who}",
            "anonymousId": f"{run}-a{who}",
            "properties": {"sku": f"s{who % 500}", "price": 12.5},
        }
        for place, who in enumerate(people)
    ]
    return {"batch": items}


async def post(http: httpx.AsyncClient, run: str, start: int) -> None:
    answer = await http.post("/v1/batch", json=batch(run, start))
    assert answer.status_code == 200
    assert "errors" not in answer.json() or not answer.json()["errors"]


async def steady(http: httpx.AsyncClient, run: str, seconds: float) -> float:
    """Sends RATE events a second; the rate that was reached."""
    begin, sent = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        await post(http, run, sent)
        sent += BATCH
        await asyncio.sleep(max(0.0, begin + sent / RATE - time.perf_counter()))
    return sent / (time.perf_counter() - begin)


async def probe(stack: Stack, run: str, stop: asyncio.Event) -> list[float]:
    """Seconds until single events are answered as resolved, a few a second, beside the load."""
    found, number = list[float](), 0
    headers = {"authorization": f"Bearer {stack.state.keys['admin']}"}
    async with httpx.AsyncClient(base_url=stack.url, headers=headers, timeout=60) as http:
        while not stop.is_set():
            number += 1
            events = [{"type": "track", "event": "Probed", "userId": f"{run}-p{number}"}]
            body = {"query": INGEST, "variables": {"events": events, "wait": "RESOLVED"}}
            begin = time.perf_counter()
            answer = (await http.post("/graphql", json=body)).json()
            assert answer["data"]["ingestEvents"]["results"][0]["status"] == "RESOLVED", answer
            found.append(time.perf_counter() - begin)
            await asyncio.sleep(0.2)
    return found


async def caught_up(redis: Redis) -> None:
    """Returns when few entries wait to be resolved."""
    while True:
        if await redis.xlen(stream_key(0)) <= BACKLOG:
            return
        await asyncio.sleep(0.05)


def resident(stack: Stack) -> dict[str, float]:
    """MiB that each part of ours holds."""
    pids = {name: stack.state.processes[name].pid for name in PARTS}
    return {name: pages(pid) * os.sysconf("SC_PAGE_SIZE") / 2**20 for name, pid in pids.items()}


def pages(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1])


async def test_memory_stays_flat_however_many_events_pass(stack: Stack) -> None:
    run, held = uuid4().hex[:8], list[dict[str, float]]()
    begin = time.perf_counter()
    async with client(stack) as http, Redis.from_url(stack.state.urls["redis"]) as redis:
        for start in range(0, EVENTS, BATCH):
            await post(http, run, start)
            await caught_up(redis)
            if (start + BATCH) % (EVENTS // SAMPLES) == 0:
                held.append(resident(stack))
    rate = EVENTS / (time.perf_counter() - begin)
    keep("memory", {"events": EVENTS, "events_a_second": rate, "mebibytes": held})
    for part in PARTS:
        # The first fifth fills caches and pools.
        early = max(sample[part] for sample in held[: SAMPLES // 5 + 1])
        late = max(sample[part] for sample in held[-SAMPLES // 5 :])
        assert late <= 1.2 * early + 10, (part, early, late)


async def test_an_event_is_in_the_graph_within_a_second_at_a_thousand_a_second(stack: Stack) -> None:
    run, stop = uuid4().hex[:8], asyncio.Event()
    async with client(stack) as http, Redis.from_url(stack.state.urls["redis"]) as redis:
        await steady(http, f"{run}-warm", SECONDS)
        await caught_up(redis)
        probing = asyncio.create_task(probe(stack, run, stop))
        rate = await steady(http, run, SECONDS)
    stop.set()
    seconds = sorted(await probing)
    p95 = seconds[int(len(seconds) * 0.95)]
    keep("event_to_graph", {"events_a_second": rate, "p50": statistics.median(seconds), "p95": p95})
    assert rate >= 0.95 * RATE
    assert p95 < 1.0


def keep(name: str, result: dict[str, Any]) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2))
