"""The event log on a real server."""

import asyncio

import pytest

from oneid.errors import DeadlineExceeded
from oneid.log.replies import Replies, Resolved, answer
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
    by_id = {entry.id: entry.body for entry in entries}
    assert [by_id[entry_id] for (entry_id,) in ids] == [f"{n}".encode() for n in range(200)]


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
