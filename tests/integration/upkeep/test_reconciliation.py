"""Reconciliation: whatever happens to the index, it ends as the graph says."""

import asyncio

import pytest

from graph.divisions import Divisions
from graph.projection import Projections
from oneid.bootstrap import Stores, Upkeep
from oneid.bootstrap.work import reconciliation
from oneid.services.reconciliation import ReconciliationService, Report
from oneid.services.rehoming import RehomingService
from search.client import Parameters
from search.documents import ProfileDocument, profile_document
from tests.integration.search.factories import customer
from tests.pipeline import Pipeline, event


@pytest.fixture
def sweeper(stores: Stores) -> ReconciliationService:
    """Takes ranges of three, so that a sweep has several."""
    return reconciliation(stores, page=3)


async def settle(work: Upkeep, stores: Stores) -> None:
    while await work.projection.run_once():
        continue
    await stores.profiles.refresh()


async def put(stores: Stores, document: ProfileDocument, version: int) -> None:
    """Writes a document past the projector, as if it had this version."""
    path = f"/oneid-profiles/_doc/{document['oneId']}"
    params: Parameters = {"version": version, "version_type": "external_gte"}
    await stores.search.request("PUT", path, document, params=params)


async def test_an_index_as_it_should_be_is_left_alone(
    pipeline: Pipeline, stores: Stores, work: Upkeep, sweeper: ReconciliationService
) -> None:
    await pipeline.ingest(*(event(user_id=f"u{i}", anonymous_id=f"a{i}") for i in range(10)))
    await pipeline.ingest(event(anonymous_id="b1"), event(user_id="u1", anonymous_id="b1"))
    await settle(work, stores)
    await work.rehoming.run_once()

    assert await sweeper.sweep() == Report(compared=11)
    assert await work.projection.run_once() == 0


async def test_missing_altered_and_surplus_documents_are_found_and_repaired(
    pipeline: Pipeline, stores: Stores, work: Upkeep, sweeper: ReconciliationService
) -> None:
    one_ids = [one_id or "" for one_id in await pipeline.ingest(*(event(user_id=f"u{i}") for i in range(10)))]
    await settle(work, stores)
    before = {id: found.hash for id, found in (await stores.profiles.fingerprints(one_ids)).items()}
    await stores.search.request("DELETE", f"/oneid-profiles/_doc/{one_ids[0]}", ignore=(404,))
    altered = await pipeline.customer(one_ids[1])
    await put(stores, {**profile_document(altered), "hash": "x"}, altered.version)
    await put(stores, {**profile_document(await pipeline.customer(one_ids[2])), "version": 70}, 70)
    for ghost in ("0ghost", "zghost", one_ids[5] + "ghost"):
        await stores.profiles.write([customer(ghost)], ())
    await stores.profiles.refresh()

    assert await sweeper.sweep() == Report(compared=10, stale=3, ghosts=3)
    await settle(work, stores)

    assert await sweeper.sweep() == Report(compared=10)
    after = await stores.profiles.fingerprints([*one_ids, "0ghost", "zghost"])
    assert {one_id: found.hash for one_id, found in after.items()} == before
    assert (await stores.profiles.search(first=100)).total == 10


async def test_a_merged_customer_that_is_still_shown_is_taken_out(
    pipeline: Pipeline, stores: Stores, work: Upkeep, sweeper: ReconciliationService, marks: Projections
) -> None:
    await pipeline.ingest(event(user_id="u1"), event(anonymous_id="a1"))
    await settle(work, stores)
    await pipeline.ingest(event(user_id="u1", anonymous_id="a1"))
    marked = await marks.dirty(10)
    await marks.clean({seen.record.one_id: seen.record.version for seen in marked})

    assert await sweeper.sweep() == Report(compared=2, stale=2)
    await settle(work, stores)

    assert (await stores.profiles.search()).total == 1
    assert (await sweeper.sweep()).drift == 0


async def test_what_is_on_its_way_is_no_drift(
    pipeline: Pipeline, work: Upkeep, sweeper: ReconciliationService
) -> None:
    await pipeline.ingest(*(event(user_id=f"u{i}") for i in range(5)))

    assert (await sweeper.sweep()).drift == 0
    assert (await work.reconciliation.lag()).dirty == 5


async def test_events_left_under_an_old_id_are_moved_again(
    pipeline: Pipeline, stores: Stores, sweeper: ReconciliationService, marks: Projections
) -> None:
    survivor, loser = await pipeline.ingest(event(user_id="u1"), event(anonymous_id="a1", message_id="late"))
    await pipeline.ingest(event(user_id="u1", anonymous_id="a1"))
    await stores.events.refresh()
    (late,) = (await stores.events.get(["late"])).values()
    service = RehomingService(marks, Divisions(stores.graph), stores.events, second_look=0)
    while await service.run_once():
        continue
    await stores.events.store([late])
    await stores.events.refresh()

    assert (await sweeper.sweep()).strays == 1
    assert (await sweeper.sweep()).strays == 0
    await service.run_once()
    assert await stores.events.homes([survivor or "", loser or ""]) == {survivor}


async def test_a_worker_goes_through_the_ranges_and_starts_again(
    pipeline: Pipeline, stores: Stores, work: Upkeep, sweeper: ReconciliationService
) -> None:
    one_ids = await pipeline.ingest(*(event(user_id=f"u{i}") for i in range(7)))
    await settle(work, stores)

    assert [await sweeper.run_once() for _ in range(6)] == [1, 1, 0, 1, 1, 0]
    await stores.search.request("DELETE", f"/oneid-profiles/_doc/{one_ids[0]}", params={"refresh": True})
    for _ in range(3):
        await sweeper.run_once()
    assert await work.projection.run_once() == 1


async def test_a_look_without_repair_changes_nothing(
    pipeline: Pipeline, stores: Stores, work: Upkeep, sweeper: ReconciliationService, marks: Projections
) -> None:
    one_ids = await pipeline.ingest(*(event(user_id=f"u{i}") for i in range(5)))
    await settle(work, stores)
    await stores.search.request("DELETE", f"/oneid-profiles/_doc/{one_ids[0]}")
    await stores.profiles.write([customer("zghost")], ())
    await stores.profiles.refresh()

    for _ in range(2):
        assert await sweeper.sweep(repair=False) == Report(compared=5, stale=1, ghosts=1)
    assert (await marks.backlog()).count == 0
    assert (await stores.profiles.search()).total == 5


CROWD = """
UNWIND range(1, 1000) AS n
CREATE (c:Customer:Dirty {oneId: 'crowd-' + right('000' + n, 4), seq: n, version: 3, merges: 0,
  createdAt: '2026-01-05T08:00:00.000Z', updatedAt: '2026-01-05T08:00:00.000Z', attributes: '{}'})
CREATE (:Identifier {key: 'user_id:' + n, type: 'user_id', value: toString(n), linkedSeq: n,
  firstSeenAt: '2026-01-05T08:00:00.000Z', lastSeenAt: '2026-01-05T08:00:00.000Z'})-[:IDENTIFIES]->(c)
"""


async def test_what_was_altered_deleted_and_added_by_hand_is_found_and_repaired(
    pipeline: Pipeline, stores: Stores, work: Upkeep
) -> None:
    """F24: one document in a hundred altered, one deleted, as many of nobody: also where the alteration leaves
    the stored hash as it was, and where a document has no ONE-ID."""
    await stores.graph.write("test", CROWD)
    await settle(work, stores)
    before = await stores.profiles.between("", None, page=1_000)
    ids = sorted(before)
    for n, one_id in enumerate(ids[::100]):
        change = {"doc": {"names": ["altered"]}} if n % 2 else {"doc": {"hash": "altered"}}
        await stores.search.request("POST", f"/oneid-profiles/_update/{one_id}", change)
    altered = (await pipeline.customer(ids[7])), 3
    await put(stores, {**profile_document(altered[0]), "searchable": ["altered"]}, altered[1])
    for one_id in ids[50::100]:
        await stores.search.request("DELETE", f"/oneid-profiles/_doc/{one_id}")
    for n in range(10):
        ghost = {"oneId": f"crowd-{n}-ghost", "names": ["ghost"]} if n % 2 else {"names": ["ghost"]}
        await stores.search.request("PUT", f"/oneid-profiles/_doc/ghost-{n}", ghost)
    await stores.profiles.refresh()

    found = await work.reconciliation.sweep()
    assert found == Report(compared=1_000, stale=21, ghosts=10)
    await settle(work, stores)

    assert await work.reconciliation.sweep() == Report(compared=1_000)
    after = await stores.profiles.between("", None, page=1_000)
    assert {one_id: one.hash for one_id, one in after.items()} == {id: one.hash for id, one in before.items()}
    assert (await stores.profiles.search()).total == 1_000
    assert (await stores.profiles.search("ghost")).total == 0


@pytest.mark.parametrize("erased", [True, False], ids=["erased", "merged"])
async def test_a_write_that_comes_long_after_the_customer_has_gone_does_not_bring_it_back_for_good(
    pipeline: Pipeline, stores: Stores, work: Upkeep, erased: bool
) -> None:
    """F19: the index has forgotten that it deleted the document when the late write comes."""
    _, gone = await pipeline.ingest(event(user_id="u1"), event(anonymous_id="a1"))
    late = await pipeline.customer(gone)
    await settle(work, stores)
    if erased:
        await stores.graph.write("test", "MATCH (c:Customer {oneId: $id}) DETACH DELETE c", id=gone)
        await stores.profiles.write((), [(late.one_id, late.version + 1)])
    else:
        await pipeline.ingest(event(user_id="u1", anonymous_id="a1"))
    await settle(work, stores)
    assert (await stores.profiles.search()).total == 1
    settings = "/oneid-profiles/_settings"
    await stores.search.request("PUT", settings, {"index.gc_deletes": "1ms"})
    try:
        await asyncio.sleep(1.5)
        await stores.search.request("POST", "/oneid-profiles/_flush", params={"force": True})
        await stores.profiles.write([late], ())
    finally:
        await stores.search.request("PUT", settings, {"index.gc_deletes": "1h"})
    await stores.profiles.refresh()

    assert (await stores.profiles.search()).total == 2
    report = await work.reconciliation.sweep()
    assert (report.drift - report.lost, report.lost) == (1, int(erased)), (
        "the graph alone forgot the customer"
    )
    await settle(work, stores)

    assert (await stores.profiles.search()).total == 1
    assert (await work.reconciliation.sweep()).drift == 0
