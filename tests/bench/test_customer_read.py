"""How long `customer(by:)` takes over HTTP, beside the bare Bolt read of the same data, turn by turn."""

import asyncio
import os
import random
import statistics
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
from neo4j import READ_ACCESS, AsyncDriver, AsyncGraphDatabase

from graph.client import Graph
from graph.keys import ApiKeys
from oneid.clock import SystemClock
from oneid.domain.keys import KeyKind
from oneid.embedded.ports import free_port
from oneid.services.keys import KeyService
from tests.servers import Servers

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

CUSTOMERS: Final = 10_000
WARM_UP: Final = 500
READS: Final = 3_000
RESULTS: Final = Path("bench/results")

FILL: Final = """
UNWIND range($start, $start + 999) AS n
CREATE (c:Customer {oneId: 'bench-' + n, seq: n, version: 1, createdAt: $at, updatedAt: $at, merges: 0,
                    attributes: $attributes})
WITH c, n UNWIND [['user_id', 'bench-u' + n], ['anonymous_id', 'bench-a' + n], ['device_id', 'bench-d' + n]] AS i
CREATE (:Identifier {key: i[0] + ':' + i[1], type: i[0], value: i[1], firstSeenAt: $at, lastSeenAt: $at,
                     verified: false, source: 'bench', linkedSeq: n})-[:IDENTIFIES]->(c)
"""
ATTRIBUTES: Final = {
    key: {"v": value, "t": "2026-03-01T08:00:00.000Z", "s": "bench", "p": 1, "n": 1}
    for key, value in {"name": "王小明", "city": "上海", "tier": 3, "email": "m@x.cn", "vip": True}.items()
}

BARE: Final = """
MATCH (:Identifier {key: $key})-[:IDENTIFIES]->(c:Customer)
MATCH (c)<-[:IDENTIFIES]-(i:Identifier)
RETURN c.oneId AS oneId, c.attributes AS attributes, collect([i.type, i.value]) AS identifiers
"""
QUERY: Final = """
query Customer($by: CustomerLookup!) {
  customer(by: $by) { oneId identifiers { type value } attributes { key value } }
}
"""

Read = Callable[[int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of each read."""

    seconds: list[float]

    def milliseconds(self, share: float) -> float:
        ordered = sorted(self.seconds)
        return round(1000 * ordered[int(share * (len(ordered) - 1))], 3)

    @property
    def summary(self) -> dict[str, float]:
        return {"p50_ms": self.milliseconds(0.5), "p99_ms": self.milliseconds(0.99)}


@pytest.fixture
async def filled(graph: Graph, clean: None) -> None:
    """Ten thousand customers with three identifiers and five attributes each."""
    stored = orjson.dumps(ATTRIBUTES).decode()
    for start in range(0, CUSTOMERS, 1000):
        at = "2026-03-01T08:00:00.000Z"
        await graph.write("bench.fill", FILL, start=start, at=at, attributes=stored)


@pytest.fixture
async def driver(servers: Servers) -> AsyncGenerator[AsyncDriver]:
    async with AsyncGraphDatabase.driver(servers.neo4j, notifications_min_severity="OFF") as opened:
        yield opened


@pytest.fixture
async def key(graph: Graph, filled: None) -> str:
    """A key that may read, made after the graph was emptied."""
    keys = KeyService(ApiKeys(graph), SystemClock(), "sandbox")
    return await keys.create("bench", KeyKind.SECRET, ["customers:read", "pii:read"])


@asynccontextmanager
async def served(environment: dict[str, str]) -> AsyncGenerator[int]:
    """The port of an API process."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "api.app:app", "--port", str(port), "--log-level", "warning"]
    whole = {**os.environ, **environment}
    process = await asyncio.create_subprocess_exec(*command, "--no-access-log", env=whole)
    try:
        await answering(port, process)
        yield port
    finally:
        process.terminate()
        await process.wait()


async def answering(port: int, process: asyncio.subprocess.Process) -> None:
    for _ in range(300):
        assert process.returncode is None, "the server ended before it was ready"
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.2)
        else:
            writer.close()
            await writer.wait_closed()
            return
    pytest.fail("the server was not ready within a minute")


def bare(driver: AsyncDriver) -> Read:
    """One query in one round trip, nothing around it."""

    async def read(number: int) -> None:
        async with driver.session(database="neo4j", default_access_mode=READ_ACCESS) as session:
            rows = await (await session.run(BARE, key=f"user_id:bench-u{number}")).data()
        assert len(rows[0]["identifiers"]) == 3

    return read


@asynccontextmanager
async def over_http(port: int, key: str) -> AsyncGenerator[Read]:
    """One GraphQL request on a connection that stays open."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"POST /graphql HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"

    async def read(number: int) -> None:
        by = {"identifier": {"type": "user_id", "value": f"bench-u{number}"}}
        body = orjson.dumps({"query": QUERY, "variables": {"by": by}})
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        customer = orjson.loads(await reader.readexactly(length))["data"]["customer"]
        assert (len(customer["identifiers"]), len(customer["attributes"])) == (3, 5)

    try:
        yield read
    finally:
        writer.close()
        await writer.wait_closed()


async def turn_by_turn(reads: list[Read], count: int, chance: random.Random) -> list[Times]:
    """Times of each kind of read, taken in turns, so that what else the machine does hits all alike."""
    times: list[list[float]] = [[] for _ in reads]
    for _ in range(count):
        number = chance.randrange(CUSTOMERS)
        for read, taken in zip(reads, times, strict=True):
            started = time.perf_counter()
            await read(number)
            taken.append(time.perf_counter() - started)
    return [Times(taken) for taken in times]


async def test_a_customer_over_http_takes_at_most_three_bare_reads(
    servers: Servers, driver: AsyncDriver, key: str
) -> None:
    chance = random.Random(1)
    async with served(servers.environment()) as port, over_http(port, key) as graphql:
        reads = [bare(driver), graphql]
        await turn_by_turn(reads, WARM_UP, chance)
        reference, measured = await turn_by_turn(reads, READS, chance)
    ratio = round(statistics.median(measured.seconds) / statistics.median(reference.seconds), 2)
    write_result({"bare_bolt": reference.summary, "graphql": measured.summary, "ratio_p50": ratio})
    assert ratio <= 3.0


def write_result(content: dict[str, Any]) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "customer_read.json").write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
