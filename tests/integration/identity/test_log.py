"""The event log on a real server."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from oneid.errors import DeadlineExceeded, Retriable
from oneid.log.events import DEAD_KEY, EventLog, LogState, full_id
from oneid.log.lease import Lease
from oneid.log.replies import Replies, Resolved, answer, channel_name
from tests.pipeline import Pipeline, event


async def test_a_log_that_was_emptied_under_its_consumer_is_read_on(pipeline: Pipeline) -> None:
    await pipeline.ingest(event(user_id="u1"))
    await pipeline.stores.redis.flushdb()
    assert await pipeline.stores.log.read(0, pipeline.holder, 10, 1) == []
    (again,) = await pipeline.ingest(event(user_id="u1"))
    assert again == await pipeline.owner("user_id", "u1")


async def test_appends_of_many_callers_keep_their_own_answers(pipeline: Pipeline) -> None:
    log = pipeline.stores.log
    ids = await asyncio.gather(*(log.append([(0, f"{n}".encode())]) for n in range(200)))
    entries = await log.read(0, pipeline.holder, 1000, 1)
    by_id = {full_id(0, entry.id): entry.body for entry in entries}
    assert [by_id[entry_id] for (entry_id,) in ids] == [f"{n}".encode() for n in range(200)]


async def test_entries_of_different_partitions_are_told_apart_though_their_streams_count_alike(
    redis: Redis,
) -> None:
    ids = [
        entry for _ in range(50) for entry in await EventLog(redis, 3).append([(n, b"1") for n in range(3)])
    ]
    assert len(set(ids)) == 150


async def test_what_was_read_and_not_finished_can_be_claimed_in_order(pipeline: Pipeline) -> None:
    log = pipeline.stores.log
    await log.append([(0, b"1"), (0, b"2")])
    read = await log.read(0, "first", 10, 1)
    claimed = await log.claim(0, "second", 10, 0)
    assert [(entry.id, deliveries) for entry, deliveries in claimed] == [(entry.id, 1) for entry in read]
    await log.finish(0, [entry.id for entry in read], {}, 60)
    assert await log.claim(0, "third", 10, 0) == []
    assert await log.backlog(0) == 0


async def test_an_answer_reaches_the_waiter_also_when_it_comes_first(pipeline: Pipeline) -> None:
    replies = Replies(pipeline.stores.redis)
    listening = asyncio.create_task(replies.listen())
    await asyncio.sleep(0.3)
    early = {"1-0": [Resolved("m1", "c1", "RESOLVED", 3)]}
    await answer(pipeline.stores.redis, replies.address, early)
    await asyncio.sleep(0.3)
    async with replies.expect(["1-0"]) as waiter:
        assert await waiter.wait(2) == early["1-0"]
    async with replies.expect(["2-0"]) as waiter:
        with pytest.raises(DeadlineExceeded):
            await waiter.wait(0.1)
    listening.cancel()


@pytest.fixture
async def full(pipeline: Pipeline) -> AsyncIterator[Pipeline]:
    """A log with two entries that were read, on a server that has no memory left."""
    await pipeline.append([event(user_id="u1", message_id="m1"), event(user_id="u2", message_id="m2")])
    await pipeline.append([event(user_id="u3", message_id="m3")])
    redis = pipeline.stores.redis
    await redis.script_flush()
    limit = await redis.config_get("maxmemory")
    await redis.config_set("maxmemory", "1")
    yield pipeline
    await redis.config_set("maxmemory", limit["maxmemory"])


async def test_a_full_log_is_worked_off_and_takes_events_again(full: Pipeline) -> None:
    log = full.stores.log
    with pytest.raises(Retriable):
        await full.append([event(user_id="u4")])
    await log.ensure_group(0)
    lease = Lease(full.stores.redis, "full", "me")
    assert await lease.hold()
    assert await lease.hold()
    entries = await log.read(0, full.holder, 10, 1)
    await log.finish(0, [entry.id for entry in entries], {"m1": "c1"}, 60, [b"letter"])
    await lease.release()
    assert await log.backlog(0) == 0
    assert await log.seen(["m1", "m2"]) == {"m1": "c1"}
    assert await full.stores.redis.xlen(DEAD_KEY) == 1


async def test_finishing_again_because_the_answer_was_lost_doubles_no_dead_letter(pipeline: Pipeline) -> None:
    log = pipeline.stores.log
    await pipeline.append([event(user_id="u1")])
    (entry,) = await log.read(0, pipeline.holder, 10, 1)
    for _ in range(2):
        await log.finish(0, [entry.id], {"m1": "", "m2": "c2"}, 60, [b"first", b"second"])
    letters = await pipeline.stores.redis.xrange(DEAD_KEY)
    assert [fields[b"b"] for _, fields in letters] == [b"first", b"second"]
    assert await log.seen(["m1", "m2"]) == {"m1": "", "m2": "c2"}


async def test_what_can_not_be_noted_is_not_acknowledged_either(pipeline: Pipeline) -> None:
    log, redis = pipeline.stores.log, pipeline.stores.redis
    await pipeline.append([event(user_id="u1")])
    (entry,) = await log.read(0, pipeline.holder, 10, 1)
    await redis.set(DEAD_KEY, "no stream")
    with pytest.raises(ResponseError):
        await log.finish(0, [entry.id], {}, 60, [b"letter"])
    assert await log.backlog(0) == 1
    assert [claimed.id for claimed, _ in await log.claim(0, "next", 10, 0)] == [entry.id]


async def test_a_lease_is_one_holder_s_until_it_is_released_or_over(pipeline: Pipeline) -> None:
    redis = pipeline.stores.redis
    mine, other = Lease(redis, "one", "me", 0.3), Lease(redis, "one", "other", 0.3)
    assert await mine.hold()
    assert not await other.hold()
    await other.release()
    assert not await other.hold()
    await mine.release()
    assert await other.hold()
    await asyncio.sleep(0.35)
    assert await mine.hold()


async def test_the_state_of_the_log_tells_what_waits_and_for_how_long(pipeline: Pipeline) -> None:
    log = pipeline.stores.log
    assert await log.state(0) == LogState(0, 0.0, 0)
    await pipeline.append([event(user_id="u1")])
    await pipeline.append([event(user_id="u2")])
    await pipeline.stores.redis.xadd(DEAD_KEY, {"b": b"letter"})
    await asyncio.sleep(0.2)
    state = await log.state(0)
    assert (state.entries, state.dead_letters) == (2, 1)
    assert 0.2 <= state.oldest_seconds < 20


async def test_answers_come_again_after_their_connection_broke(
    pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    redis = pipeline.stores.redis
    replies = Replies(redis)
    listening = asyncio.create_task(replies.listen())
    await subscribed(redis, replies)
    await redis.client_kill_filter(_type="pubsub")
    async with asyncio.timeout(10):
        while "answers can't be received for now" not in caplog.messages:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.02)
    await subscribed(redis, replies)
    await answer(redis, replies.address, {"1-0": [Resolved("m1", "c1", "RESOLVED", 3)]})
    async with replies.expect(["1-0"]) as waiter:
        assert [one.one_id for one in await waiter.wait(5)] == ["c1"]
    listening.cancel()


async def subscribed(redis: Redis, replies: Replies) -> None:
    async with asyncio.timeout(10):
        while (await redis.pubsub_numsub(channel_name(replies.address)))[0][1] == 0:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
