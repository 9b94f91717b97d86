"""F23: a reindexing dies at each of its requests, before it and after it, while customers come, change and merge.

The alias leads to exactly one index at every moment, that index shows every customer, and whoever goes on
ends with an index that says what the graph says.
"""

import asyncio
import itertools
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import pytest

from graph.attribute_catalog import AttributeCatalog
from graph.operation_files import OperationFiles
from graph.operations import OperationStore
from graph.projection import Projections
from graph.reindexing import Reindexing
from oneid.bootstrap import Stores, upkeep
from oneid.clock import SystemClock
from oneid.domain.operations import OperationStatus
from oneid.services.operation_run import Pace
from oneid.services.operation_runner import OperationRunner
from oneid.services.operations import OperationService
from oneid.services.reindexing import KIND, ReindexService
from search.indexes import IndexNames
from search.profile_rebuild import ProfileRebuild
from tests.faults.crashing import Crash, CrashingGraph, CrashingSearch, Fuse
from tests.faults.invariants import index_equals_graph
from tests.pipeline import Pipeline, event, open_pipeline

pytestmark = pytest.mark.timeout(1200)
STILL = 8
NEWCOMERS = 60
EXPIRED = "MATCH (o:Operation) WHERE o.dueAt IS NOT NULL SET o.dueAt = 0"


@pytest.fixture
async def pipeline(clean: None, stores: Stores) -> Pipeline:
    return await open_pipeline(stores)


def runner(stores: Stores, fuse: Fuse) -> OperationRunner:
    """A reindexing that dies when the fuse blows."""
    graph, search = CrashingGraph(stores.graph, fuse), CrashingSearch(stores.search, fuse)
    rebuild = ProfileRebuild(search, IndexNames("oneid"))
    service = ReindexService(Reindexing(graph), Projections(graph), AttributeCatalog(graph), rebuild, page=30)
    store, files = OperationStore(stores.graph), OperationFiles(stores.graph)
    return OperationRunner(store, files, {KIND: service.run}, SystemClock(), pace=Pace(progress=0.0))


@dataclass
class Life:
    """What goes on meanwhile: customers who come, change and merge, a projector, and somebody who searches for
    those who stay as they are. `problems`: what the searches found wrong."""

    stores: Stores
    pipeline: Pipeline
    still: list[str]
    rng: random.Random = field(default_factory=lambda: random.Random(20))
    searches: int = 0
    problems: list[str] = field(default_factory=list[str])
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def change(self) -> None:
        """The number of customers is bounded, so that the number of steps is."""
        for number in itertools.count():
            if self.stop.is_set():
                return
            person, name = self.rng.randrange(12), uuid4().hex[:8]
            kind = self.rng.choice(["moving", "merging", "new"]) if number < NEWCOMERS else "moving"
            if kind == "new":
                await self.pipeline.ingest(event(anonymous_id=name))
            elif kind == "moving":
                await self.pipeline.ingest(event(user_id=f"u{person}", phone=f"1380013{number % 10_000:04}"))
            else:
                await self.pipeline.ingest(event(anonymous_id=name))
                await self.pipeline.ingest(event(user_id=f"u{person}", anonymous_id=name))
            await asyncio.sleep(0.05)

    async def project(self) -> None:
        work = upkeep(self.stores)
        while not self.stop.is_set():
            if not await work.projection.run_once():
                await asyncio.sleep(0.02)

    async def search(self) -> None:
        body = {"query": {"terms": {"oneId": self.still}}, "size": 0, "track_total_hits": True}
        while not self.stop.is_set():
            behind = await self.stores.search.request("GET", "/_alias/oneid-profiles")
            answer = await self.stores.search.search("oneid-profiles", body)
            if len(behind) != 1 or answer["hits"]["total"]["value"] != len(self.still):
                self.problems.append(f"{list(behind)}: {answer['hits']['total']}")
            self.searches += 1
            await asyncio.sleep(0.01)


@asynccontextmanager
async def living(stores: Stores, pipeline: Pipeline) -> AsyncGenerator[Life]:
    still = [id or "" for id in await pipeline.ingest(*(event(user_id=f"still{i}") for i in range(STILL)))]
    while await upkeep(stores).projection.run_once():
        continue
    await stores.profiles.refresh()
    life = Life(stores, pipeline, still)
    # Told to stop, not cancelled: a command that is cancelled leaves its connection open.
    async with asyncio.TaskGroup() as tasks:
        for going_on in (life.change(), life.project(), life.search()):
            tasks.create_task(going_on)
        try:
            yield life
        finally:
            life.stop.set()


async def crashed_and_carried_on(stores: Stores, at: int, *, done: bool) -> bool:
    """One reindexing that dies at its request number `at`, and its successor. Whether it died."""
    service = OperationService(OperationStore(stores.graph), OperationFiles(stores.graph), SystemClock())
    operation = await service.start(KIND, {}, alone=True)
    fuse = Fuse(at, done=done)
    try:
        await runner(stores, fuse).run_once()
    except Crash:
        assert fuse.blown
    await stores.graph.write("test", EXPIRED)
    while not (await service.get(operation.id) or operation).finished:
        await runner(stores, Fuse(-1, done=False)).run_once()
        await stores.graph.write("test", EXPIRED)
    ended = await service.get(operation.id)
    assert ended is not None
    assert (ended.status, ended.error) == (OperationStatus.COMPLETED, None), (at, done)
    assert await stores.rebuild.current() == (ended.result or {})["index"]
    assert len(await stores.search.request("GET", "/oneid-profiles-v*/_alias")) == 1
    assert not await Reindexing(stores.graph).any()
    return fuse.blown


@pytest.mark.parametrize("stride", [7, pytest.param(1, marks=pytest.mark.faults)])
async def test_a_crash_at_any_step_loses_nothing(pipeline: Pipeline, stores: Stores, stride: int) -> None:
    at, crashes = 1, 0
    async with living(stores, pipeline) as life:
        while True:
            died = [await crashed_and_carried_on(stores, at, done=done) for done in (False, True)]
            crashes += sum(died)
            if not any(died):
                break
            at += stride
    while await upkeep(stores).projection.run_once():
        continue
    await stores.profiles.refresh()
    assert life.problems == []
    assert life.searches > crashes
    assert crashes * stride > 60
    await index_equals_graph_profiles(stores)


async def index_equals_graph_profiles(stores: Stores) -> None:
    await upkeep(stores).rehoming.run_once()
    await stores.events.refresh()
    await index_equals_graph(stores)
    assert (await upkeep(stores).reconciliation.sweep()).stale == 0
