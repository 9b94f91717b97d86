"""From an event to the segment that it brings its customer into, at a steady rate, on a whole `oneid up`.

`ONEID_BENCH_DATA`: a data directory that is full already, instead of an empty one.
"""

import asyncio
import json
import os
import statistics
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest

from tests.graphql_socket import Socket, connect
from tests.stack import Stack, running_stack

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]
RESULTS: Final = Path("bench/results")
RATE: Final = 300
BATCH: Final = 30
WARM_UP: Final = int(os.environ.get("ONEID_BENCH_WARM_UP", "120"))
SECONDS: Final = 60

CREATE: Final = """
mutation Create($input: CreateSegmentInput!) { createSegment(input: $input) { userErrors { code } } }
"""
CHANGES: Final = 'subscription { changes(types: ["SEGMENT_ENTERED"]) { type oneId at } }'
RUN: Final = uuid4().hex[:8]
EVENT: Final = f"Bought {RUN}"
"""Of which nothing is there yet."""

RULE: Final = {"event": {"name": EVENT, "window": {"lastDays": 30}}}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Any:
    empty = tmp_path_factory.mktemp("entering") / "oneid"
    with running_stack(Path(os.environ.get("ONEID_BENCH_DATA", empty))) as running:
        yield running


@asynccontextmanager
async def clients(stack: Stack) -> AsyncGenerator[tuple[httpx.AsyncClient, Socket]]:
    auth, admin = httpx.BasicAuth(stack.state.keys["write"], ""), stack.state.keys["admin"]
    async with (
        httpx.AsyncClient(base_url=stack.url, auth=auth, timeout=60) as http,
        connect(stack.url, f"Bearer {admin}") as socket,
    ):
        yield http, socket


async def create(stack: Stack) -> None:
    """The segment of those who ordered within 30 days."""
    headers = {"authorization": f"Bearer {stack.state.keys['admin']}"}
    segment = {"key": f"bought-{RUN}", "name": "Bought", "rule": RULE}
    async with httpx.AsyncClient(base_url=stack.url, headers=headers, timeout=60) as http:
        answer = await http.post("/graphql", json={"query": CREATE, "variables": {"input": segment}})
    assert answer.json()["data"]["createSegment"]["userErrors"] == []


async def send(http: httpx.AsyncClient, run: str, count: int) -> list[float]:
    """Sends so many new customers with an order each at the rate; when each was sent."""
    begin, sent = time.perf_counter(), list[float]()
    while len(sent) < count:
        people = range(len(sent), len(sent) + BATCH)
        items = [{"type": "track", "event": EVENT, "userId": f"{run}-{n}"} for n in people]
        sent += [time.perf_counter()] * BATCH
        answer = await http.post("/v1/batch", json={"batch": items})
        assert answer.status_code == 200
        await asyncio.sleep(max(0.0, begin + len(sent) / RATE - time.perf_counter()))
    return sent


async def entered(socket: Socket, count: int) -> list[float]:
    """When each of so many customers was told to have entered."""
    found = list[float]()
    while len(found) < count:
        change = await socket.receive(60)
        assert change["type"] == "next", change
        found.append(time.perf_counter())
    return found


async def quiet(socket: Socket) -> None:
    """Returns once nobody has entered for five seconds."""
    with suppress(TimeoutError):
        while True:
            await socket.receive(5)


async def test_a_customer_enters_within_two_seconds_of_the_event(stack: Stack) -> None:
    async with clients(stack) as (http, socket):
        await create(stack)
        await send(http, uuid4().hex[:8], RATE * WARM_UP)
        await socket.subscribe("s", CHANGES)
        await quiet(socket)
        count = RATE * SECONDS
        following = asyncio.create_task(entered(socket, count))
        sent = await send(http, uuid4().hex[:8], count)
        told = await following
    # Events are resolved in the order of the log, so the n-th to enter is the n-th that was sent, or nearly.
    seconds = sorted(end - start for start, end in zip(sent, told, strict=True))
    p95 = seconds[int(0.95 * len(seconds))]
    assert seconds[0] > 0
    result = {"events_a_second": RATE, "p50": statistics.median(seconds), "p95": p95}
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "entering.json").write_text(json.dumps(result, indent=2))
    assert p95 < 2.0, result
