"""Re-homing: events follow their customer's merges, also those stored late."""

from graph.divisions import Divisions
from graph.projection import Projections
from oneid.bootstrap import Stores, Upkeep
from oneid.services.rehoming import RehomingService
from search.events import EventFilter
from tests.pipeline import Pipeline, event


async def merged(pipeline: Pipeline) -> tuple[str, str]:
    """A survivor and the ONE-ID that was merged into it, one event each and one of both."""
    survivor, loser = await pipeline.ingest(
        event(user_id="u1", message_id="first"), event(anonymous_id="a1", message_id="second")
    )
    await pipeline.ingest(event(user_id="u1", anonymous_id="a1", message_id="third"))
    assert survivor is not None
    assert loser is not None
    return survivor, loser


async def homes(stores: Stores, *one_ids: str) -> set[str]:
    await stores.events.refresh()
    return await stores.events.homes(one_ids)


async def test_after_a_merge_all_events_lie_under_the_survivor(
    pipeline: Pipeline, stores: Stores, work: Upkeep
) -> None:
    survivor, loser = await merged(pipeline)
    assert await homes(stores, survivor, loser) == {survivor, loser}

    assert await work.rehoming.run_once() == 1

    assert await homes(stores, survivor, loser) == {survivor}
    page = await stores.events.by_customer([survivor])
    assert [stored.message.message_id for stored in page.nodes] == ["third", "second", "first"]
    assert await work.rehoming.run_once() == 0


async def test_an_event_stored_just_after_the_move_is_found_by_the_second_look(
    pipeline: Pipeline, stores: Stores, marks: Projections
) -> None:
    service = RehomingService(marks, Divisions(stores.graph), stores.events, second_look=0)
    survivor, loser = await merged(pipeline)
    await stores.events.refresh()
    (late,) = (await stores.events.get(["second"])).values()

    await service.run_once()
    await stores.events.store([late])
    assert await homes(stores, loser) == {loser}

    assert [await service.run_once() for _ in range(2)] == [1, 0]
    assert await homes(stores, survivor, loser) == {survivor}


async def test_a_merge_during_the_move_is_followed(
    pipeline: Pipeline, stores: Stores, marks: Projections
) -> None:
    service = RehomingService(marks, Divisions(stores.graph), stores.events, second_look=0)
    (oldest,) = await pipeline.ingest(event(phone="13800138000", message_id="zero"))
    survivor, loser = await merged(pipeline)
    await service.run_once()
    (second_look,) = await marks.moves(2**62, 10)
    assert (second_look.former, second_look.target, second_look.again) == (loser, survivor, True)

    await pipeline.ingest(event(user_id="u1", phone="13800138000", message_id="fourth"))
    await marks.moved([second_look], 0)

    while await service.run_once():
        continue
    assert await homes(stores, survivor, loser, oldest or "") == {oldest}
    assert (await stores.events.by_customer([oldest or ""])).total == 5


async def test_totals_count_a_merged_customer_once_before_its_events_have_moved(
    pipeline: Pipeline, stores: Stores, marks: Projections
) -> None:
    survivor, loser = await merged(pipeline)
    await stores.events.refresh()
    former = {move.former: move.target for move in await marks.moves(0, 10)}

    assert former == {loser: survivor}
    (total,) = await stores.events.totals(EventFilter(), former=former)
    assert (total.events, total.customers) == (3, 1)
