"""Projection: the index shows what the graph knows, whoever crashes or comes late."""

import asyncio

import pytest

from graph.attribute_catalog import AttributeCatalog
from graph.client import Graph
from graph.conditions import Conditions
from graph.memberships import Memberships
from graph.projection import Projections
from graph.reindexing import Reindexing
from oneid.bootstrap import Stores, Upkeep
from oneid.clock import SystemClock
from oneid.errors import Retriable
from oneid.services import projection
from oneid.services.judging import JudgingService
from oneid.services.profile_writer import ProfileWriter
from oneid.services.projection import ProjectionService
from search.client import Search, connect
from search.documents import profile_document
from search.events import EventIndex
from search.fingerprints import Fingerprint
from search.indexes import IndexNames
from search.profile_rebuild import ProfileRebuild
from search.profiles import ProfileIndex
from search.segments.percolator import Percolator
from tests.pipeline import Pipeline, event
from tests.servers import Servers


def projection_through(graph: Graph, search: Search, names: IndexNames) -> ProjectionService:
    """A projector that writes through this client to the indexes of these names."""
    profiles, rebuild = ProfileIndex(search, names.profiles), ProfileRebuild(search, names)
    writer = ProfileWriter(Reindexing(graph), AttributeCatalog(graph), profiles, rebuild)
    percolator = Percolator(search, names.segments)
    judging = JudgingService(Memberships(graph), percolator, AttributeCatalog(graph), SystemClock(), "UTC")
    return ProjectionService(Projections(graph), writer, judging, profiles, EventIndex(search, names.events))


async def shown(stores: Stores, text: str | None) -> list[str]:
    await stores.profiles.refresh()
    return (await stores.profiles.search(text)).nodes


async def test_a_new_customer_is_projected_once(pipeline: Pipeline, stores: Stores, work: Upkeep) -> None:
    (one_id,) = await pipeline.ingest(event(user_id="u1", phone="13800138000"))

    assert [await work.projection.run_once(), await work.projection.run_once()] == [1, 0]

    assert await shown(stores, "u1") == await shown(stores, "+8613800138000") == [one_id]
    record = await pipeline.customer(one_id)
    expected = Fingerprint(record.version, profile_document(record)["hash"])
    assert await stores.profiles.fingerprints([one_id or ""]) == {one_id: expected}


async def test_a_batch_has_a_limit(pipeline: Pipeline, work: Upkeep) -> None:
    await pipeline.ingest(*(event(user_id=f"u{i}") for i in range(5)))

    assert [await work.projection.run_once(2) for _ in range(4)] == [2, 2, 1, 0]


@pytest.mark.parametrize("roused", [("HELD_SECONDS", 0.0), ("ROUSED_SECONDS", 0.0)])
async def test_whom_evaluation_is_about_to_change_waits_for_it_but_not_for_long(
    pipeline: Pipeline,
    stores: Stores,
    work: Upkeep,
    monkeypatch: pytest.MonkeyPatch,
    roused: tuple[str, float],
) -> None:
    changed, evaluated = await pipeline.ingest(event(user_id="u1"), event(user_id="u2"))
    assert changed
    assert evaluated
    monkeypatch.setattr(projection, "HELD_SECONDS", 3600.0)
    monkeypatch.setattr(projection, "ROUSED_SECONDS", 3600.0)
    assert [await work.projection.follow(), await work.projection.follow()] == [2, 0]

    await pipeline.ingest(event(user_id="u1", phone="13800138000"), event(user_id="u2", phone="13800138001"))
    await Conditions(stores.graph).mark([evaluated])

    assert [await work.projection.follow(), await work.projection.follow()] == [1, 0]
    assert [await shown(stores, "+8613800138000"), await shown(stores, "+8613800138001")] == [[changed], []]
    monkeypatch.setattr(projection, *roused)
    assert [await work.projection.follow(), await work.projection.follow()] == [1, 0]
    assert await shown(stores, "+8613800138001") == [evaluated]


async def test_a_merged_customer_leaves_the_index_and_its_id_finds_the_survivor(
    pipeline: Pipeline, stores: Stores, work: Upkeep
) -> None:
    survivor, loser = await pipeline.ingest(event(user_id="u1"), event(anonymous_id="a1"))
    await work.projection.run_once()
    assert sorted(await shown(stores, None)) == sorted([survivor, loser])  # type: ignore[type-var]

    await pipeline.ingest(event(user_id="u1", anonymous_id="a1"))
    assert await work.projection.run_once() == 2

    assert await shown(stores, None) == await shown(stores, loser) == await shown(stores, "a1") == [survivor]
    assert await work.projection.run_once() == 0


async def test_a_change_between_reading_and_clearing_keeps_its_mark(
    pipeline: Pipeline, stores: Stores, work: Upkeep, marks: Projections
) -> None:
    await pipeline.ingest(event(user_id="u1"))
    (seen,) = await marks.dirty(10)
    await pipeline.ingest(event(user_id="u1", phone="13800138000"))

    await marks.clean({seen.record.one_id: seen.record.version})

    assert await work.projection.run_once() == 1
    assert await shown(stores, "+8613800138000") == [seen.record.one_id]


async def test_a_crash_before_the_mark_is_cleared_only_repeats_the_write(
    pipeline: Pipeline, stores: Stores, work: Upkeep, marks: Projections
) -> None:
    (one_id,) = await pipeline.ingest(event(user_id="u1"))
    await stores.profiles.write([seen.record for seen in await marks.dirty(10)], ())
    before = await stores.profiles.fingerprints([one_id or ""])

    assert await work.projection.run_once() == 1
    assert await stores.profiles.fingerprints([one_id or ""]) == before


async def test_a_projector_that_comes_late_does_not_bring_back_the_old(
    pipeline: Pipeline, stores: Stores, work: Upkeep, marks: Projections
) -> None:
    await pipeline.ingest(event(user_id="u1"), event(anonymous_id="a1"))
    late = await marks.dirty(10)
    await pipeline.ingest(event(user_id="u1", anonymous_id="a1"))
    await work.projection.run_once()
    now = await stores.profiles.fingerprints([seen.record.one_id for seen in late])

    await stores.profiles.write([seen.record for seen in late], ())
    await marks.clean({seen.record.one_id: seen.record.version for seen in late})

    assert await stores.profiles.fingerprints([seen.record.one_id for seen in late]) == now
    assert len(now) == 1


async def test_projectors_at_once_come_to_the_same_end(
    pipeline: Pipeline, stores: Stores, work: Upkeep
) -> None:
    await pipeline.ingest(*(event(user_id=f"u{i % 7}", anonymous_id=f"a{i}") for i in range(30)))

    async def project() -> None:
        while await work.projection.run_once(3):
            continue

    await asyncio.gather(*(project() for _ in range(4)))

    assert (await work.reconciliation.sweep()).drift == 0


async def test_what_was_asked_for_is_searchable_at_once(
    pipeline: Pipeline, stores: Stores, work: Upkeep
) -> None:
    one_ids = await pipeline.ingest(*(event(user_id=f"u{i}") for i in range(20)))
    asked = [one_id for one_id in one_ids if one_id]

    await asyncio.gather(*(work.projection.make_searchable([one_id]) for one_id in asked))

    for i, one_id in enumerate(asked):
        assert (await stores.profiles.search(f"u{i}")).nodes == [one_id]
        assert (await stores.events.by_customer([one_id])).total == 1


async def test_asked_by_an_old_id_the_survivor_is_searchable_and_the_old_customer_gone(
    pipeline: Pipeline, stores: Stores, work: Upkeep
) -> None:
    survivor, loser = await pipeline.ingest(event(user_id="u1"), event(anonymous_id="a1"))
    await work.projection.make_searchable([survivor or "", loser or ""])
    await pipeline.ingest(event(user_id="u1", anonymous_id="a1"))

    await work.projection.make_searchable([loser or ""])

    assert (await stores.profiles.search()).nodes == [survivor]
    assert (await stores.profiles.search("a1")).nodes == [survivor]


async def test_while_the_index_takes_no_writes_the_marks_stay(
    pipeline: Pipeline, stores: Stores, marks: Projections, servers: Servers
) -> None:
    """Flood stage: the server blocks writes until there is room on its disk again."""
    await pipeline.ingest(event(user_id="u1"))
    names = IndexNames("oneid")
    async with connect(servers.opensearch, retry_seconds=0.3) as search:
        service = projection_through(stores.graph, search, names)
        settings = f"/{names.profiles}/_settings"
        await search.request("PUT", settings, {"index.blocks.read_only_allow_delete": True})
        try:
            with pytest.raises(Retriable):
                await service.run_once()
            assert (await marks.backlog()).count == 1
        finally:
            await search.request("PUT", settings, {"index.blocks.read_only_allow_delete": None})
        assert await service.run_once() == 1
    assert (await marks.backlog()).count == 0


async def test_before_the_migration_nothing_is_written(
    marks: Projections, pipeline: Pipeline, servers: Servers
) -> None:
    (one_id,) = await pipeline.ingest(event(user_id="u1"))
    async with connect(servers.opensearch, retry_seconds=0.2) as search:
        service = projection_through(pipeline.stores.graph, search, IndexNames("absent"))
        with pytest.raises(Retriable):
            await service.run_once()
        assert "error" in await search.request("GET", "/absent-profiles", ignore=(404,))
    assert [seen.record.one_id for seen in await marks.dirty(10)] == [one_id]


async def test_a_server_that_is_not_there_is_retriable(marks: Projections, pipeline: Pipeline) -> None:
    await pipeline.ingest(event(user_id="u1"))
    async with connect("http://127.0.0.1:9", retry_seconds=0.2) as search:
        service = projection_through(pipeline.stores.graph, search, IndexNames("x"))
        with pytest.raises(Retriable):
            await service.run_once()
        with pytest.raises(Retriable):
            await service.make_searchable(["anybody"])
