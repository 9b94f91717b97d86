"""F28: whatever was on its way when a person was erased does not bring the person back."""

from datetime import timedelta

import pytest

from graph import partitions
from graph.projection import Projections
from oneid.bootstrap import Stores, upkeep
from oneid.domain.messages import format_time, parse_time
from oneid.log.dead_letters import DeadLetters, body
from oneid.log.events import DEAD_KEY
from search.profiles import ProfileIndex
from tests.erasing import NOTHING, Erasing, Killed, Killer, erasing, traces
from tests.pipeline import START, Pipeline, event, service_of

EVENT = {"user_id": "anna-canary", "phone": "13800138000"}
VALUES = ("anna-canary", "13800138000", "secret-canary")


def anna(**more: object) -> dict[str, object]:
    return event(**EVENT, extra={"properties": {"note": "secret-canary"}}, **more)


async def nobody(pipeline: Pipeline, stores: Stores) -> None:
    """Neither is there a trace, nor has anything new come of what was left."""
    await pipeline.drain()
    assert await pipeline.owner("user_id", "anna-canary") is None
    assert await traces(stores, *VALUES) == NOTHING


async def test_entries_that_were_not_read_are_dropped(
    pipeline: Pipeline, stores: Stores, erasure: Erasing
) -> None:
    (one_id,) = await pipeline.ingest(anna())
    await pipeline.append([anna(), event(user_id="bo", message_id="bo"), anna()])
    receipt = await erasure.erase(one_id)
    assert (await traces(stores, *VALUES))["redis"] == list(VALUES)

    done = await pipeline.drain()
    await erasure.finish(receipt)

    assert [(r.barred, r.one_id is None) for r in done] == [(True, True), (False, False), (True, True)]
    await nobody(pipeline, stores)


@pytest.mark.parametrize("ahead", [timedelta(seconds=2), timedelta(days=1)])
async def test_an_entry_of_a_host_whose_clock_is_ahead_came_before_all_the_same(
    pipeline: Pipeline, stores: Stores, erasure: Erasing, ahead: timedelta
) -> None:
    """A clock that is a day ahead is not believed: the person could not come back for a day."""
    (one_id,) = await pipeline.ingest(anna())
    await pipeline.append([anna()], received=stores.clock.now() + ahead)
    await pipeline.append([event(user_id="bo", message_id="bo")])
    receipt = await erasure.erase(one_id)

    done = await pipeline.drain()
    await erasure.finish(receipt)

    held = await erasure.service.receipt(receipt)
    assert held is not None
    late = parse_time(held.erased_at) - stores.clock.now()
    assert late < timedelta(minutes=1)
    if ahead < timedelta(minutes=1):
        assert [r.barred for r in done] == [True, False]
        await nobody(pipeline, stores)


async def test_what_was_resolved_before_and_stored_after_is_found_before_the_first_look_is_over(
    pipeline: Pipeline, stores: Stores, erasure: Erasing
) -> None:
    await pipeline.append([anna()])
    entries = await stores.log.read(0, pipeline.holder, 10, 1)
    batch = await pipeline.service.apply(entries)
    receipt = await erasure.erase(batch[0].one_id)
    held = await erasure.service.receipt(receipt)
    assert held is not None

    await pipeline.service.store(batch)
    assert (await traces(stores, *VALUES))["index"] == list(VALUES)
    await erasure.cleanup.run_once()
    assert (await traces(stores, *VALUES))["redis"] == list(VALUES)

    await pipeline.service.finish(entries, batch)
    await erasure.finish(receipt)
    await nobody(pipeline, stores)


async def test_what_was_resolved_before_and_is_delivered_again_is_dropped(
    pipeline: Pipeline, stores: Stores, erasure: Erasing
) -> None:
    """A consumer dies between the graph and the index, and its successor takes over."""
    await pipeline.append([anna(), event(user_id="bo", message_id="bo")])
    entries = await stores.log.read(0, pipeline.holder, 10, 1)
    batch = await pipeline.service.apply(entries)
    receipt = await erasure.erase(batch[0].one_id)

    await partitions.take(stores.graph, 0, "successor")
    successor = service_of(stores, "successor")
    claimed = [entry for entry, _ in await stores.log.claim(0, "successor", 10, 0)]
    again = await successor.apply(claimed)
    await successor.store(again)
    await successor.finish(claimed, again)
    await erasure.finish(receipt)

    assert [r.one_id for r in again] == [None, batch[1].one_id]
    await nobody(pipeline, stores)
    assert set(await stores.events.get(["bo"])) == {"bo"}


@pytest.mark.parametrize("replayed", ["before", "after"])
async def test_dead_letters_of_the_person_are_gone_or_dropped(
    pipeline: Pipeline, stores: Stores, erasure: Erasing, replayed: str
) -> None:
    (one_id, _) = await pipeline.ingest(anna(), event(user_id="bo"))
    letters = DeadLetters(stores.redis)
    for item in (anna(), event(user_id="bo")):
        envelope = {"receivedAt": format_time(START), "source": "test", "sentAt": None, "items": [item]}
        await stores.redis.xadd(DEAD_KEY, {"b": body(envelope, "broken", format_time(START), 0)})  # type: ignore[arg-type]
    (first, second) = await letters.page(10)
    if replayed == "before":
        await letters.replay([first.id])

    receipt = await erasure.erase(one_id)
    assert [letter.id for letter in await letters.page(10)] == [second.id]
    assert await letters.replay([first.id]) == []
    done = await pipeline.drain()
    await erasure.finish(receipt)

    assert [r.barred for r in done] == ([True] if replayed == "before" else [])
    await nobody(pipeline, stores)


async def test_a_letter_that_comes_back_from_a_copy_is_dropped_when_it_is_replayed(
    pipeline: Pipeline, stores: Stores, erasure: Erasing
) -> None:
    (one_id,) = await pipeline.ingest(anna())
    receipt = await erasure.erase(one_id)
    await erasure.finish(receipt)
    await pipeline.append([anna()], received=START)
    assert [(r.barred, r.one_id) for r in await pipeline.drain()] == [(True, None)]
    await nobody(pipeline, stores)


async def test_a_move_of_events_that_was_under_way_is_found_by_the_last_look(
    pipeline: Pipeline, stores: Stores, erasure: Erasing
) -> None:
    """A worker has read events of Anna, and one of Bo that names Anna's phone, and writes both back later."""
    (one_id, _) = await pipeline.ingest(
        anna(message_id="m1"), event(user_id="bo", phone="13800138000", message_id="m2")
    )
    await stores.events.refresh()
    moving = list((await stores.events.get(["m1", "m2"])).values())
    receipt = await erasure.erase(one_id)
    assert await traces(stores, *VALUES) == NOTHING

    await stores.events.store(moving)
    assert (await traces(stores, *VALUES))["index"] == list(VALUES)
    await erasure.finish(receipt)

    await nobody(pipeline, stores)
    (bo,) = (await stores.events.get(["m2"])).values()
    assert bo.identifiers == ("user_id:bo",)


async def test_a_profile_that_was_being_written_is_refused(
    pipeline: Pipeline, stores: Stores, erasure: Erasing
) -> None:
    (one_id,) = await pipeline.ingest(anna())
    (late,) = await Projections(stores.graph).dirty(10)
    await upkeep(stores).projection.run_once()
    receipt = await erasure.erase(one_id)

    profiles: ProfileIndex = stores.profiles
    await profiles.write([late.record], [])
    await nobody(pipeline, stores)
    await erasure.finish(receipt)
    await nobody(pipeline, stores)


async def test_killed_at_any_step_an_erasure_is_finished_by_whoever_comes_next(
    pipeline: Pipeline, stores: Stores
) -> None:
    """Every call to a store is a place to die, before it and after it."""
    at = 0
    while True:
        at += 1
        killer = Killer(at)
        await prepare(pipeline, stores, at)
        owner = await pipeline.owner("user_id", "anna-canary")
        try:
            await erasing(stores, killer).erase(owner)
        except Killed:
            (pending,) = await stores.graph.read(
                "test", "MATCH (e:Erasure) WHERE e.dueAt > 0 RETURN e.id AS id"
            )
            await pipeline.drain()
            await erasing(stores).finish(pending["id"])
            await nobody(pipeline, stores)
            continue
        break
    assert at > 20


async def prepare(pipeline: Pipeline, stores: Stores, number: int) -> None:
    """Anna in every store: graph, both indexes, log, ledger, dead letters, and an event of Bo's."""
    bo = event(user_id=f"bo{number}", phone="13800138000")
    at = stores.clock.now()
    for item in (anna(), bo):
        await pipeline.append([item], received=at)
    await pipeline.drain()
    await upkeep(stores).projection.run_once()
    envelope = {"receivedAt": format_time(START), "source": "test", "sentAt": None, "items": [anna()]}
    await stores.redis.xadd(DEAD_KEY, {"b": body(envelope, "broken", format_time(START), 0)})  # type: ignore[arg-type]
    await pipeline.append([anna()], received=at)
