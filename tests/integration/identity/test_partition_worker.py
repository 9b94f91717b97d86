"""The consumer's work on a partition: what is in the log is in the graph and in the index before the log forgets
it, once, whatever fails and whoever dies."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any

import pytest
from opensearchpy.exceptions import AuthorizationException

from graph import partitions
from graph.client import Overloaded
from oneid.bootstrap import Stores, stewardship
from oneid.domain.identifiers import Identifier
from oneid.errors import Retriable
from oneid.log.dead_letters import DeadLetters
from oneid.log.events import Entry, EventLog
from oneid.log.lease import Lease
from oneid.services.rebuilding import RebuildService
from oneid.services.received import Received
from oneid.services.resolution import ResolutionService
from tests.consumers import Consumer, Hook, consuming, drained, failing, forever, work_off
from tests.pipeline import Pipeline, event
from workers import partition

AWAY = Retriable("the index is away")
FORBIDDEN = AuthorizationException(403, "security_exception", {})


@pytest.fixture(autouse=True)
async def test_s_own_pipeline(pipeline: Pipeline) -> AsyncIterator[None]:
    """Whatever consumers did, the partition is the pipeline's again."""
    yield
    await partitions.take(pipeline.stores.graph, 0, pipeline.holder)


async def stored(stores: Stores, *message_ids: str) -> dict[str, str | None]:
    found = await stores.events.get(message_ids)
    return {message_id: one.one_id for message_id, one in found.items()}


async def letters(stores: Stores) -> list[str]:
    return [letter.reason for letter in await DeadLetters(stores.redis).page(100)]


async def test_what_a_consumer_had_read_when_it_died_is_resolved_by_the_next(pipeline: Pipeline) -> None:
    stores = pipeline.stores
    await pipeline.append([event(user_id="u1", message_id="m1")])
    async with consuming(stores, "dying", apply=forever) as dying:
        await dying.tried("apply")
    await work_off(stores)
    assert await stored(stores, "m1") == {"m1": await pipeline.owner("user_id", "u1")}


async def test_what_was_applied_and_not_finished_is_known_to_the_next_however_much_it_is(
    pipeline: Pipeline,
) -> None:
    """Two batches of up to 250 entries may be on their way; somebody takes a link back before the next comes."""
    stores, phone = pipeline.stores, Identifier("phone", "+8613800138000")
    ids = [f"m{number}" for number in range(300)]
    for number, message_id in enumerate(ids):
        named = {"phone": "13800138000"} if number == 290 else {"device_id": f"d{number % 5}"}
        await pipeline.append([event(user_id="u1", message_id=message_id, **named)])
    for count in (250, 50):
        await pipeline.service.apply(await stores.log.read(0, pipeline.holder, count, 1))
    person = await pipeline.owner("user_id", "u1")
    assert await pipeline.owner("phone", phone.value) == person
    await stewardship(stores).unlink(phone, "somebody else's")
    unlinked = await pipeline.customer(person)
    await work_off(stores)
    assert await pipeline.owner("phone", phone.value) is None
    assert (await pipeline.customer(person)).version == unlinked.version
    assert (await stored(stores, *ids)).keys() == set(ids)
    assert await letters(stores) == []


async def test_an_entry_of_several_transactions_that_was_applied_is_known_to_the_next_whole(
    pipeline: Pipeline,
) -> None:
    stores = pipeline.stores
    await pipeline.append([event(device_id=f"d{n}", member_card=f"c{n % 900}") for n in range(2_100)])
    await pipeline.service.apply(await stores.log.read(0, pipeline.holder, 1, 1))
    told = "MATCH (c:Customer) RETURN sum(c.version) AS versions, count { MATCH (:Decision) } AS decisions"
    before = await stores.graph.read("test", told)
    await work_off(stores)
    assert await stores.graph.read("test", told) == before


async def test_what_earlier_consumers_applied_is_forgotten_once_it_is_finished(pipeline: Pipeline) -> None:
    stores = pipeline.stores
    for number in range(3):
        await pipeline.append([event(user_id="u1", message_id=f"m{number}")])
    await pipeline.service.apply(await stores.log.read(0, pipeline.holder, 10, 1))
    await work_off(stores)
    await pipeline.append([event(user_id="u1")])
    await work_off(stores)
    (row,) = await stores.graph.read("test", "MATCH (p:Partition {id: 0}) RETURN size(p.applied) AS n")
    assert row == {"n": 1}


async def test_a_lasting_fault_of_the_index_makes_no_good_event_a_dead_letter(pipeline: Pipeline) -> None:
    stores = pipeline.stores
    await pipeline.append([event(user_id="u1", message_id="m1")])
    for number in range(12):
        async with consuming(stores, f"consumer-{number}", store=failing(FORBIDDEN)) as one:
            await one.tried("store", 2)
    await work_off(stores)
    assert await stored(stores, "m1") == {"m1": await pipeline.owner("user_id", "u1")}
    assert await letters(stores) == []


async def test_consumers_that_were_ended_while_the_graph_was_away_make_no_good_event_a_dead_letter(
    pipeline: Pipeline,
) -> None:
    stores = pipeline.stores
    await pipeline.append([event(user_id="u1", message_id="m1")])
    for number in range(12):
        async with consuming(stores, f"consumer-{number}", apply=failing(AWAY)) as one:
            await one.tried("apply")
            await one.stopped()
    await work_off(stores)
    assert await stored(stores, "m1") == {"m1": await pipeline.owner("user_id", "u1")}
    assert await letters(stores) == []


async def test_an_entry_that_crashes_the_process_is_set_apart_and_its_neighbours_go_on(
    pipeline: Pipeline,
) -> None:
    """A crash leaves the entry pending and its try counted."""
    stores = pipeline.stores
    for message_id in ("before", "crashes", "after"):
        await pipeline.append([event(user_id=message_id, message_id=message_id)])
    _, crashes, _ = await stores.log.read(0, "dying", 10, 1)
    for _ in range(partition.SUSPECT):
        await stores.log.claim(0, "dying", 10, 0)
    for _ in range(partition.SUSPECT):
        await stores.log.begin_try(0, crashes.id)
    await work_off(stores)
    assert (await stored(stores, "before", "crashes", "after")).keys() == {"before", "after"}
    assert await letters(stores) == ["CRASHED_THE_CONSUMER"]
    assert await stores.log.begin_try(0, crashes.id) == 1


async def test_what_can_not_be_read_is_a_dead_letter_and_holds_nobody_up(pipeline: Pipeline) -> None:
    stores = pipeline.stores
    ids = [*await stores.log.append([(0, b"{]")]), *await stores.log.append([(0, b'{"items": 5}')])]
    await pipeline.append([event(user_id="u1", message_id="m1")])
    await work_off(stores)
    found = await DeadLetters(stores.redis).page(10)
    assert [(one.message_id, one.reason) for one in found] == [
        (f"unreadable-{id_}", "UNREADABLE") for id_ in ids
    ]
    assert found[0].envelope["items"][0]["properties"] == {"body": "{]"}
    assert (await stored(stores, "m1")).keys() == {"m1"}


async def test_no_transaction_resolves_more_than_a_thousand_events_not_even_the_first(
    pipeline: Pipeline,
) -> None:
    stores = pipeline.stores
    for _ in range(5):
        await pipeline.append([event(device_id=f"d{n}") for n in range(450)])
    await stores.log.read(0, "dead", 3, 1)
    await pipeline.append([event(device_id=f"d{n}") for n in range(2_100)])
    done = await work_off(stores)
    assert max(done.service.sizes) <= 1_000
    assert sum(done.service.sizes) == 5 * 450 + 2_100


async def test_what_is_too_much_for_the_graph_is_done_in_smaller_pieces(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = pipeline.stores
    transact = ResolutionService._transact  # pyright: ignore[reportPrivateUsage]

    async def small(self: ResolutionService, part: Sequence[Received], batch: Sequence[Received]) -> None:
        if len(part) > 130:
            raise Overloaded("too much")
        await transact(self, part, batch)

    monkeypatch.setattr(ResolutionService, "_transact", small)
    items = [event(device_id=f"d{n}") for n in range(400)]
    await pipeline.append(items)
    await work_off(stores)
    rows = await stores.graph.read("test", "MATCH (c:Customer) RETURN count(c) AS n, max(c.version) AS v")
    assert rows == [{"n": 400, "v": 1}]
    assert await letters(stores) == []


async def test_customers_that_a_dead_consumer_left_to_be_rebuilt_are_rebuilt_before_anything_new(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores, order = pipeline.stores, list[str]()
    read, rebuild = EventLog.read, RebuildService.run_once

    async def reading(*arguments: Any) -> list[Entry]:
        order.append("read")
        return await read(*arguments)

    async def rebuilding(self: RebuildService) -> int:
        order.append("rebuild")
        return await rebuild(self)

    monkeypatch.setattr(EventLog, "read", reading)
    monkeypatch.setattr(RebuildService, "run_once", rebuilding)
    await pipeline.append([event(user_id="u1")])
    await work_off(stores)
    assert order[:2] == ["rebuild", "read"]


async def test_a_consumer_that_slept_past_its_lease_stores_and_finishes_nothing(pipeline: Pipeline) -> None:
    stores = pipeline.stores
    await pipeline.append([event(user_id="u1", message_id="m1")])
    entries = await stores.log.read(0, pipeline.holder, 10, 1)
    batch = await pipeline.service.apply(entries)
    await partitions.take(stores.graph, 0, "successor")
    with pytest.raises(partitions.Superseded):
        await pipeline.service.store(batch)
    with pytest.raises(partitions.Superseded):
        await pipeline.service.finish(entries, batch)
    await stores.events.refresh()
    assert await stored(stores, "m1") == {}
    assert await stores.log.backlog(0) == 1


@pytest.mark.parametrize("store", [failing(AWAY), forever], ids=["refuses", "hangs"])
async def test_a_consumer_stops_while_a_store_is_away_and_leaves_its_entries_to_the_next(
    pipeline: Pipeline, store: Hook
) -> None:
    stores = pipeline.stores
    await pipeline.append([event(user_id="u1", message_id="m1")])
    async with consuming(stores, "stopping", store=store) as one:
        await one.tried("store")
        begin = time.monotonic()
        await one.stopped()
        assert time.monotonic() - begin < partition.GRACE_SECONDS + 4
    assert await stores.log.backlog(0) == 1
    await work_off(stores)
    assert (await stored(stores, "m1")).keys() == {"m1"}


async def test_a_consumer_whose_work_was_cancelled_by_nobody_goes_on(pipeline: Pipeline) -> None:
    stores = pipeline.stores
    await pipeline.append([event(user_id="u1", message_id="m1")])
    stray = failing(asyncio.CancelledError(), ValueError("a bug"), AWAY)
    async with consuming(stores, "steady", apply=stray) as one:
        await drained(stores)
        assert one.service.tries["apply"] == 4
        await one.stopped()


async def test_waiting_for_a_store_is_a_sign_of_life(pipeline: Pipeline) -> None:
    await pipeline.append([event(user_id="u1")])
    async with consuming(pipeline.stores, "waiting", store=failing(AWAY)) as one:
        await one.tried("store")
        before = one.beats
        await one.tried("store", 4)
        assert one.beats > before


async def test_what_keeps_the_lease_ends_with_a_consumer_though_a_cancellation_was_lost(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would open connections of a client that is closed."""
    consumer = Consumer(pipeline.stores, "stopping")
    lease: Lease = vars(consumer.worker)["_lease"]
    hold, held = lease.hold, itertools.count(1)
    keeping = asyncio.Queue[asyncio.Task[Any] | None]()

    async def deaf_once() -> bool:
        """What takes the lease is the first to hold it, what keeps it the second."""
        if not await hold():
            return False
        if next(held) == 2:
            keeping.put_nowait(asyncio.current_task())
            with suppress(asyncio.CancelledError):
                await forever()
        return True

    monkeypatch.setattr(lease, "hold", deaf_once)
    consumer.start()
    keeper = await asyncio.wait_for(keeping.get(), 30)
    await consumer.stopped()
    assert keeper is not None
    assert keeper.done()
