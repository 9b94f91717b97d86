"""F29 and F31: what is to be done later is in the graph. A worker that is killed in the middle of it, and a Redis that
goes away and comes back with nothing, make it late at most: it is done, and once."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from redis.asyncio import Redis

from graph.operation_files import OperationFiles
from graph.transitions import Transitions
from oneid.bootstrap import Stores, open_stores, segments, upkeep
from oneid.bootstrap.assembly import clock_service
from oneid.domain.operations import Operation, OperationStatus
from oneid.domain.segments.definitions import SegmentKind
from oneid.domain.segments.membership import Transition, TransitionKind
from oneid.embedded.ports import free_port
from oneid.embedded.valkey import valkey
from oneid.services import reindexing, segment_export
from oneid.services.segments import NewSegment
from tests.faults.invariants import profiles_equal_graph
from tests.faults.log_servers import log_server
from tests.faults.parts import Parts, parts
from tests.operations import service as operations
from tests.pipeline import Pipeline, event, open_pipeline
from tests.servers import Servers

PEOPLE: Final = 1_500
EXPORT: Final = {
    "name": "everybody",
    "rule": {"event": {"name": "Seen"}},
    "format": "NDJSON",
    "attributes": [],
    "identifiers": ["user_id"],
    "pii": True,
}
RULE: Final = {"event": {"name": "Order", "window": {"lastDays": 30}}}
DUE_SECONDS: Final = 30


@pytest.fixture
async def people(clean: None, stores: Stores) -> Pipeline:
    """Some who are found by searches: an export is of those."""
    pipeline = await open_pipeline(stores)
    await pipeline.append([event(user_id=f"u{number}") for number in range(PEOPLE)])
    await pipeline.drain()
    while await upkeep(stores).projection.run_once():
        pass
    await stores.profiles.refresh()
    return pipeline


async def state(stores: Stores, operation: Operation, holds: Callable[[Operation], bool]) -> Operation:
    """The operation, once this is so."""
    async with asyncio.timeout(100):
        while True:
            found = await operations(stores).get(operation.id)
            assert found is not None
            if holds(found):
                return found
            await asyncio.sleep(0.05)


def ended(operation: Operation) -> bool:
    return operation.finished_at is not None


async def killed_in_the_middle(running: Parts, stores: Stores, kind: str, told: dict[str, Any]) -> Operation:
    """Every answer of the graph is late, so that no operation is done before the worker dies of it."""
    running.proxies["neo4j"].delay = 0.3
    started = await operations(stores).start(kind, told)
    under_way = await state(stores, started, lambda one: one.status is OperationStatus.RUNNING)
    assert not ended(under_way)
    await running.worker.kill()
    running.proxies["neo4j"].delay = 0.0
    await stores.redis.flushdb()
    assert not ended(await state(stores, started, lambda _: True))
    return started


@pytest.mark.timeout(300)
async def test_a_job_whose_worker_was_killed_and_whose_queue_was_emptied_is_done_once(
    servers: Servers, stores: Stores, people: Pipeline, tmp_path: Path
) -> None:
    async with parts(servers, tmp_path, "worker") as running:
        export = await killed_in_the_middle(running, stores, segment_export.KIND, EXPORT)
        await running.worker.start()
        done = await state(stores, export, ended)
        assert (done.status, done.result) == (OperationStatus.COMPLETED, {"members": PEOPLE})
        assert done.file is not None
        lines = b"".join([chunk async for chunk in OperationFiles(stores.graph).read(done.file)]).splitlines()
        assert len(lines) == len(set(lines)) == PEOPLE

        reindex = await killed_in_the_middle(running, stores, reindexing.KIND, {})
        await running.worker.start()
        done = await state(stores, reindex, ended)
        assert done.status is OperationStatus.COMPLETED
        assert done.result is not None
        there = await stores.search.request("GET", "/oneid-profiles-v*/_alias")
        assert list(there) == [done.result["index"]]
    await stores.profiles.refresh()
    await profiles_equal_graph(stores)


@asynccontextmanager
async def own_log(servers: Servers, folder: Path) -> AsyncGenerator[tuple[Servers, tuple[str, ...]]]:
    """The servers with a Redis that is this test's own, not started yet, and its command."""
    program = valkey(folder, free_port())
    yield Servers(servers.neo4j, program.url or "", servers.opensearch), tuple(program.command)


async def waiting(stores: Stores) -> tuple[str, datetime]:
    """A segment that customers leave, one a second from the instant that is told; its id."""
    pipeline = await open_pipeline(stores)
    first = stores.clock.now() + timedelta(hours=2)
    ordered = [first - timedelta(days=30) + timedelta(seconds=n) for n in range(DUE_SECONDS)]
    items = [
        event(user_id=f"u{n}", at=at.replace(microsecond=0), extra={"event": "Order"})
        for n, at in enumerate(ordered)
    ]
    await pipeline.append(items, stores.clock.now())
    await pipeline.drain()
    new = NewSegment("buyers", "Buyers", SegmentKind.DYNAMIC, RULE, personal=True)
    return (await segments(stores).create(new)).id, first.replace(microsecond=0)


async def told(stores: Stores, segment: str, count: int) -> list[Transition]:
    """The transitions, once there are so many who left."""
    async with asyncio.timeout(90):
        while True:
            (found,) = await Transitions(stores.graph).of([segment], 1_000)
            if sum(one.kind is TransitionKind.LEFT for one in found) >= count:
                return found
            await asyncio.sleep(0.2)


async def all_are_in(stores: Stores, segment: str) -> None:
    """Returns when it is known who is in it, and so who will leave it when."""
    service = segments(stores)
    async with asyncio.timeout(90):
        while (await service.get(segment)).building:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.2)
    assert await service.counts([await service.get(segment)]) == [DUE_SECONDS]


@pytest.mark.timeout(300)
async def test_timers_that_are_due_while_redis_is_away_and_after_it_lost_everything_fire_once(
    servers: Servers, clean: None, tmp_path: Path
) -> None:
    async with own_log(servers, tmp_path) as (changed, command):
        settings = changed.settings()
        async with (
            Redis.from_url(changed.redis) as redis,
            log_server(command, redis) as process,
            open_stores(settings) as stores,
        ):
            segment, first = await waiting(stores)
            async with parts(changed, tmp_path, "worker") as running:
                await all_are_in(stores, segment)
                clock = clock_service(settings, stores)
                await clock.advance_to(first)
                begun = len(await told(stores, segment, 1))
                process.kill()
                await process.wait()
                assert begun < DUE_SECONDS // 2
                await told(stores, segment, begun + 5)
                async with log_server(command, redis):
                    await redis.flushall()
                    found = await told(stores, segment, DUE_SECONDS)
                    await asyncio.sleep(2)
                    assert running.worker.is_running
                    assert await told(stores, segment, DUE_SECONDS) == found
    left = [one for one in found if one.kind is TransitionKind.LEFT]
    assert max(Counter(one.one_id for one in left).values()) == 1
    begin = int(first.timestamp() * 1000)
    assert sorted(one.at for one in left) == [begin + 1000 * n for n in range(DUE_SECONDS)]
