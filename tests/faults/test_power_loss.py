"""F4: what a kill never tests, since the page cache outlives the process: a log has only what was synced."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import orjson
import pytest
from opensearchpy import AsyncOpenSearch
from redis.asyncio import Redis
from rich.console import Console

from graph import client as graph_client
from oneid.embedded.ports import free_port
from oneid.embedded.server import Program
from oneid.embedded.servers import programs
from oneid.embedded.valkey import valkey
from oneid.log.events import EventLog, stream_key
from tests.faults.log_servers import log_server
from tests.faults.synced import tear, traced
from tests.servers import MEMORY

WRITERS: Final = 8
SECONDS: Final = 3.0
START_SECONDS: Final = 120.0
EVENTS: Final = Path("search/mappings/events.json")

Write = Callable[[str], Awaitable[None]]


@pytest.fixture(autouse=True)
def strace() -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: it tells what was synced (package `strace`)")


async def load(write: Write) -> set[str]:
    """The names that were acknowledged until the power failed, under load from several callers."""
    acknowledged = set[str]()

    async def go_on(number: int) -> None:
        for place in range(1_000_000):
            await write(f"{number}-{place}")
            acknowledged.add(f"{number}-{place}")

    writers = [asyncio.create_task(go_on(number)) for number in range(WRITERS)]
    await asyncio.sleep(SECONDS)
    for writer in writers:
        writer.cancel()
    await asyncio.gather(*writers, return_exceptions=True)
    assert len(acknowledged) > 50
    return acknowledged


async def test_what_was_acknowledged_was_on_the_disk(tmp_path: Path) -> None:
    program, trace = valkey(tmp_path, free_port()), tmp_path / "trace"
    redis = Redis.from_url(program.url or "")
    log = EventLog(redis)

    async def write(name: str) -> None:
        await log.append([(0, name.encode())])

    async with log_server(traced(program.command, trace), redis):
        acknowledged = await load(write)
        await asyncio.to_thread(os.kill, (await redis.info("server"))["process_id"], signal.SIGKILL)
    assert tear(tmp_path, r"\.incr\.aof$", trace)
    async with log_server(program.command, redis):
        stored = {told[b"b"].decode() for _, told in await redis.xrange(stream_key(0))}
    await redis.aclose()
    assert acknowledged <= stored


@asynccontextmanager
async def server(program: Program, command: Sequence[str]) -> AsyncGenerator[None]:
    """Runs one from when it answers until the power fails."""
    environment = {**os.environ, **program.environment}
    process = await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            while not await asyncio.to_thread(program.ready):
                assert process.returncode is None
                await asyncio.sleep(0.2)
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def the_one(name: str, folder: Path) -> Program:
    (program,) = programs(folder, Console(stderr=True), wanted=(name,), memory=MEMORY)
    return program


@pytest.mark.faults
@pytest.mark.timeout(300)
async def test_what_the_graph_committed_was_on_the_disk(tmp_path: Path) -> None:
    program, trace = the_one("neo4j", tmp_path), tmp_path / "trace"
    async with (
        server(program, traced(program.command, trace)),
        graph_client.connect(program.url or "", "neo4j", None) as graph,
    ):

        async def write(name: str) -> None:
            await graph.write("test", "CREATE (:Kept {name: $name})", name=name)

        acknowledged = await load(write)
    assert tear(tmp_path, r"^neostore\.transaction\.db\.\d+$", trace)
    async with (
        server(program, program.command),
        graph_client.connect(program.url or "", "neo4j", None) as graph,
    ):
        rows = await graph.read("test", "MATCH (n:Kept) RETURN n.name AS name")
    assert acknowledged <= {row["name"] for row in rows}


@pytest.mark.faults
@pytest.mark.timeout(300)
async def test_what_the_index_acknowledged_was_on_the_disk(tmp_path: Path) -> None:
    program, trace = the_one("opensearch", tmp_path), tmp_path / "trace"
    async with server(program, traced(program.command, trace)), AsyncOpenSearch(program.url) as opensearch:
        await opensearch.indices.create(index="events", body=orjson.loads(EVENTS.read_bytes()))

        async def write(name: str) -> None:
            await opensearch.index(index="events", id=name, body={"messageId": name})

        acknowledged = await load(write)
    assert tear(tmp_path, r"^translog-\d+\.tlog$", trace)
    async with server(program, program.command), AsyncOpenSearch(program.url, timeout=60) as opensearch:
        assert acknowledged <= await stored(opensearch)


async def stored(opensearch: AsyncOpenSearch) -> set[str]:
    """The ids of all documents, once the index is there again."""
    await opensearch.cluster.health(index="events", params={"wait_for_status": "yellow"})
    await opensearch.indices.refresh(index="events")
    body: dict[str, Any] = {"size": 10_000, "_source": False, "query": {"match_all": {}}}
    answer = await opensearch.search(index="events", body=body)
    assert answer["hits"]["total"]["value"] < 10_000
    return {hit["_id"] for hit in answer["hits"]["hits"]}
