"""Reindexing: the profile index made anew from the graph, and what is written meanwhile."""

from collections.abc import Callable
from typing import Any

import pytest

from graph.attribute_catalog import AttributeCatalog
from graph.client import Graph
from graph.operation_files import OperationFiles
from graph.operations import OperationStore
from graph.projection import Projections
from graph.reindexing import Reindexing
from oneid.bootstrap import Stores, Upkeep, attributes
from oneid.clock import SystemClock
from oneid.domain.catalog import AttributeType, Catalog
from oneid.domain.operations import Operation, OperationStatus
from oneid.errors import Conflict
from oneid.services.attributes import DefinitionChange
from oneid.services.operation_run import MAX_ATTEMPTS, Handler, Pace, Run
from oneid.services.operation_runner import OperationRunner
from oneid.services.operations import OperationService
from oneid.services.reindexing import KIND, ReindexService
from search.client import Parameters
from search.documents import profile_document
from search.fingerprints import Fingerprint
from tests.pipeline import Pipeline, event

RESTORE = """
UNWIND $rows AS row
MATCH (c:Customer {oneId: row.oneId}) SET c = row.set REMOVE c:Dirty
"""


@pytest.fixture
def operations(pipeline: Pipeline, stores: Stores) -> OperationService:
    return OperationService(OperationStore(stores.graph), OperationFiles(stores.graph), SystemClock())


@pytest.fixture
def reindexer(stores: Stores) -> ReindexService:
    """Takes pages of three, so that a walk has several."""
    graph = stores.graph
    catalog = AttributeCatalog(graph)
    return ReindexService(Reindexing(graph), Projections(graph), catalog, stores.rebuild, page=3)


def runner(stores: Stores, handler: Handler) -> OperationRunner:
    store, files = OperationStore(stores.graph), OperationFiles(stores.graph)
    return OperationRunner(store, files, {KIND: handler}, SystemClock(), pace=Pace(progress=0.0))


async def reindexed(stores: Stores, operations: OperationService, handler: Handler) -> Operation:
    """The operation after it has run."""
    started = await operations.start(KIND, {}, alone=True)
    assert await runner(stores, handler).run_once() == 1
    ended = await operations.get(started.id)
    assert ended is not None
    return ended


async def indexes(stores: Stores) -> list[str]:
    """The profile indexes there are."""
    return sorted(await stores.search.request("GET", "/oneid-profiles-v*/_alias"))


async def expected(stores: Stores) -> dict[str, Fingerprint]:
    """What the index must show of every customer."""
    shown: dict[str, Fingerprint] = {}
    for customer in await Projections(stores.graph).range("", 1_000):
        if not customer.merged:
            document = profile_document(customer.record, Catalog())
            shown[customer.record.one_id] = Fingerprint(document["version"], document["hash"])
    return shown


async def shown(stores: Stores) -> dict[str, Fingerprint]:
    await stores.profiles.refresh()
    return await stores.profiles.between("", None, page=1_000)


async def settle(work: Upkeep) -> None:
    while await work.projection.run_once():
        continue


def while_filling(service: ReindexService, once: Callable[[], Any]) -> Handler:
    """Runs the service, and once, after its first page, something else."""

    async def handler(run: Run) -> dict[str, Any]:
        told, left = run.progress, [once]

        async def progress(done: int, total: int | None = None, errors: int = 0) -> None:
            await told(done, total, errors)
            if done and left:
                await left.pop()()

        run.progress = progress  # type: ignore[method-assign]
        return await service.run(run)

    return handler


async def test_the_new_index_shows_what_the_graph_says_and_is_the_only_one(
    pipeline: Pipeline,
    stores: Stores,
    work: Upkeep,
    operations: OperationService,
    reindexer: ReindexService,
) -> None:
    await pipeline.ingest(*(event(user_id=f"u{i}", anonymous_id=f"a{i}") for i in range(10)))
    await pipeline.ingest(event(anonymous_id="b1"), event(user_id="u1", anonymous_id="b1"))
    await settle(work)
    before = await stores.rebuild.current()

    ended = await reindexed(stores, operations, reindexer.run)

    assert ended.status is OperationStatus.COMPLETED
    assert ended.result is not None
    assert (ended.result["customers"], ended.result["repaired"]) == (11, 0)
    assert await indexes(stores) == [ended.result["index"]] != [before]
    assert await stores.rebuild.current() == ended.result["index"]
    assert await shown(stores) == await expected(stores)
    assert (ended.progress.done, ended.progress.total) == (11, 11)
    assert not await Reindexing(stores.graph).any()


async def test_customers_whose_change_was_not_projected_are_in_the_new_index(
    pipeline: Pipeline, stores: Stores, operations: OperationService, reindexer: ReindexService
) -> None:
    await pipeline.ingest(*(event(user_id=f"u{i}") for i in range(5)))
    await reindexed(stores, operations, reindexer.run)
    assert await shown(stores) == await expected(stores)


async def test_an_empty_graph_makes_an_empty_index(
    stores: Stores, operations: OperationService, reindexer: ReindexService
) -> None:
    ended = await reindexed(stores, operations, reindexer.run)
    assert (ended.status, ended.progress.done) == (OperationStatus.COMPLETED, 0)
    assert await shown(stores) == {}


async def test_what_changes_meanwhile_is_written_to_both_indexes(
    pipeline: Pipeline,
    stores: Stores,
    work: Upkeep,
    operations: OperationService,
    reindexer: ReindexService,
) -> None:
    """Changed, merged, new: before the walk's position and behind it."""
    one_ids = await pipeline.ingest(*(event(user_id=f"u{i}") for i in range(10)))
    await settle(work)

    async def change() -> None:
        for i in (0, 9):
            await pipeline.ingest(event(user_id=f"u{i}", phone=f"1380013800{i}"))
        await pipeline.ingest(event(phone="13800138000", anonymous_id="a1"), event(user_id="new"))
        await settle(work)
        old = await stores.profiles.fingerprints([one_ids[0] or ""])
        assert await stores.rebuild.index.fingerprints([one_ids[0] or ""]) == old

    ended = await reindexed(stores, operations, while_filling(reindexer, change))

    assert ended.result is not None
    assert ended.result["repaired"] == 0
    assert await shown(stores) == await expected(stores)
    assert len(await shown(stores)) == 11


async def test_what_was_marked_and_lost_before_the_new_index_was_there_is_put_right(
    pipeline: Pipeline,
    stores: Stores,
    work: Upkeep,
    operations: OperationService,
    reindexer: ReindexService,
    marks: Projections,
) -> None:
    """Documents that are missing, old, surplus or altered in the new index are found before it is searched."""
    one_ids = [id or "" for id in await pipeline.ingest(*(event(user_id=f"u{i}") for i in range(10)))]
    await settle(work)

    async def harm() -> None:
        index = stores.rebuild.index
        altered = (await marks.among([one_ids[0]]))[0].record
        document = {**profile_document(altered, Catalog()), "hash": "altered"}
        path = f"/oneid-profiles-next/_doc/{altered.one_id}"
        params: Parameters = {"version": altered.version, "version_type": "external_gte"}
        await stores.search.request("PUT", path, document, params=params)
        missing = (await marks.among([one_ids[1]]))[0].record
        await index.write((), [(missing.one_id, missing.version)], Catalog())
        await pipeline.ingest(event(user_id="u2", phone="13800138000"))
        dirty = await marks.dirty(10)
        await stores.profiles.write([one.record for one in dirty], (), Catalog())
        await marks.clean({one.record.one_id: one.record.version for one in dirty})
        ghost = await pipeline.ingest(event(user_id="ghost"))
        (found,) = await marks.among([ghost[0] or ""])
        await index.write([found.record], (), Catalog())
        await stores.graph.write("test", "MATCH (c:Customer {oneId: $id}) DETACH DELETE c", id=ghost[0])

    ended = await reindexed(stores, operations, while_filling(reindexer, harm))

    assert (ended.status, ended.error) == (OperationStatus.COMPLETED, None)
    assert ended.result is not None
    assert ended.result["repaired"] == 4
    assert await shown(stores) == await expected(stores)


async def test_a_cancelled_reindexing_leaves_everything_as_it_was(
    pipeline: Pipeline,
    stores: Stores,
    work: Upkeep,
    operations: OperationService,
    reindexer: ReindexService,
) -> None:
    await pipeline.ingest(*(event(user_id=f"u{i}") for i in range(10)))
    await settle(work)
    before = await indexes(stores)
    started = await operations.start(KIND, {}, alone=True)

    async def cancel() -> None:
        assert len(await indexes(stores)) == 2
        await operations.cancel(started.id)

    await runner(stores, while_filling(reindexer, cancel)).run_once()

    ended = await operations.get(started.id)
    assert ended is not None
    assert ended.status is OperationStatus.CANCELLED
    assert await indexes(stores) == before == [await stores.rebuild.current()]
    assert not await Reindexing(stores.graph).any()
    assert await shown(stores) == await expected(stores)
    assert (await reindexed(stores, operations, reindexer.run)).status is OperationStatus.COMPLETED


async def test_a_reindexing_that_fails_leaves_everything_as_it_was(
    pipeline: Pipeline, stores: Stores, work: Upkeep, operations: OperationService, reindexer: ReindexService
) -> None:
    await pipeline.ingest(*(event(user_id=f"u{i}") for i in range(5)))
    await settle(work)
    before = await indexes(stores)

    async def fail() -> None:
        raise ValueError("a bug")

    ended = await reindexed(stores, operations, while_filling(reindexer, fail))

    assert ended.status is OperationStatus.FAILED
    assert await indexes(stores) == before == [await stores.rebuild.current()]
    assert not await Reindexing(stores.graph).any()


class Killed(BaseException):
    """The process is gone: nothing may catch this."""


async def test_a_reindexing_that_kills_its_runner_each_time_is_given_up_whole(
    pipeline: Pipeline, stores: Stores, work: Upkeep, operations: OperationService, reindexer: ReindexService
) -> None:
    """Changes are no longer written twice, and the half-made index is gone."""
    await pipeline.ingest(*(event(user_id=f"u{i}") for i in range(5)))
    await settle(work)
    before = await indexes(stores)
    started = await operations.start(KIND, {}, alone=True)

    async def kill() -> None:
        raise Killed

    with pytest.raises(Killed):
        await runner(stores, while_filling(reindexer, kill)).run_once()
    assert len(await indexes(stores)) == 2
    assert await Reindexing(stores.graph).any()
    last = "MATCH (o:Operation) SET o.attempts = $n, o.dueAt = 0"
    await stores.graph.write("test", last, n=MAX_ATTEMPTS)
    assert await work.operations.run_once() == 1

    ended = await operations.get(started.id)
    assert ended is not None
    assert ended.status is OperationStatus.FAILED
    assert await indexes(stores) == before == [await stores.rebuild.current()]
    assert not await Reindexing(stores.graph).any()
    assert (await reindexed(stores, operations, reindexer.run)).status is OperationStatus.COMPLETED


async def test_two_at_once_are_refused(operations: OperationService, stores: Stores) -> None:
    before = await indexes(stores)
    await operations.start(KIND, {}, alone=True)
    with pytest.raises(Conflict):
        await operations.start(KIND, {}, alone=True)
    assert await indexes(stores) == before


async def test_declared_attributes_keep_their_fields_also_those_declared_meanwhile(
    pipeline: Pipeline, stores: Stores, work: Upkeep, operations: OperationService, reindexer: ReindexService
) -> None:
    service = attributes(stores)

    async def declare() -> None:
        await service.define(DefinitionChange("meanwhile", AttributeType.NUMBER))

    await service.define(DefinitionChange("before", AttributeType.NUMBER))
    await pipeline.ingest(*(event(user_id=f"u{i}") for i in range(5)))
    ended = await reindexed(stores, operations, while_filling(reindexer, declare))

    assert ended.result is not None
    name = ended.result["index"]
    mappings = (await stores.search.request("GET", f"/{name}/_mapping"))[name]["mappings"]
    fields = mappings["properties"]["typed"]["properties"]["number"]["properties"]
    assert {"before", "meanwhile"} <= fields.keys()


async def test_a_graph_restored_from_a_backup_is_what_the_new_index_shows(
    pipeline: Pipeline,
    stores: Stores,
    work: Upkeep,
    graph: Graph,
    operations: OperationService,
    reindexer: ReindexService,
) -> None:
    """F40: the index is newer than the graph. Its documents refuse lower versions; a new index knows none."""
    await pipeline.ingest(*(event(user_id=f"u{i}") for i in range(5)))
    await settle(work)
    read = "MATCH (c:Customer) RETURN c.oneId AS oneId, properties(c) AS set ORDER BY oneId"
    backup = await graph.read("test", read)
    await pipeline.ingest(*(event(user_id=f"u{i}", phone=f"1380013800{i}") for i in range(5)))
    await pipeline.ingest(event(user_id="later"))
    await settle(work)

    await graph.write("test", "MATCH (i:Identifier {type: 'phone'}) DETACH DELETE i")
    keep = [row["oneId"] for row in backup]
    await graph.write("test", "MATCH (c:Customer) WHERE NOT c.oneId IN $keep DETACH DELETE c", keep=keep)
    await graph.write("test", RESTORE, rows=backup)
    assert len(await shown(stores)) == 6
    assert (await stores.profiles.search("+8613800138001")).total == 1

    ended = await reindexed(stores, operations, reindexer.run)

    assert ended.status is OperationStatus.COMPLETED
    assert await shown(stores) == await expected(stores)
    assert len(await shown(stores)) == 5
    assert (await stores.profiles.search("+8613800138001")).total == 0
    await stores.events.refresh()
    first, second = await work.reconciliation.sweep(), await work.reconciliation.sweep()
    assert (first.drift, first.lost) == (1, 1), "the event of the customer whom the backup does not know"
    assert second.drift == 0
