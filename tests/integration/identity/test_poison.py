"""F9: a message that can't be resolved is set apart with its reason; its neighbours go on."""

import asyncio

import orjson
import pytest

from oneid.domain.evidence import Prepared, prepare
from oneid.domain.messages import Message
from oneid.domain.rules import IdentityRules
from oneid.log.dead_letters import DeadLetters, body
from oneid.log.events import DEAD_KEY
from oneid.services import resolution
from tests.pipeline import Pipeline, envelope, event


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing_some(message: Message, rules: IdentityRules, region: str) -> Prepared:
        faulty = message.payload.get("event") == "Poison"
        return failing(message, rules, region) if faulty else prepare(message, rules, region)

    monkeypatch.setattr(resolution, "prepare", failing_some)


async def test_a_poison_message_becomes_a_dead_letter_and_its_neighbours_flow(
    pipeline: Pipeline, poison: None
) -> None:
    bad = event(user_id="u2", extra={"event": "Poison"})
    await pipeline.append([event(user_id="u1"), bad, event(user_id="u3")])
    received = await pipeline.drain()
    assert [r.one_id is not None for r in received] == [True, False, True]
    (letter,) = await DeadLetters(pipeline.stores.redis).page(10)
    assert letter.message_id == bad["messageId"]
    assert letter.reason == "RuntimeError while resolving"
    assert await pipeline.owner("user_id", "u2") is None
    assert await pipeline.stores.log.backlog(0) == 0


def failing(message: Message, rules: IdentityRules, region: str) -> Prepared:
    raise RuntimeError("a fault of ours")


async def test_a_replayed_dead_letter_is_resolved_as_if_it_had_just_come(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(resolution, "prepare", failing)
        await pipeline.append([event(user_id="u2")])
        await pipeline.drain()
    letters = DeadLetters(pipeline.stores.redis)
    (letter,) = await letters.page(10)
    assert await letters.replay([letter.id]) == [letter.id]
    (received,) = await pipeline.drain()
    assert received.one_id == await pipeline.owner("user_id", "u2")
    assert await letters.count() == 0
    await pipeline.stores.events.refresh()
    assert (await pipeline.stores.events.get([letter.message_id])).keys() == {letter.message_id}


async def test_a_letter_of_a_partition_that_is_no_more_is_replayed_where_its_messages_go_today(
    pipeline: Pipeline,
) -> None:
    redis = pipeline.stores.redis
    entry = orjson.loads(envelope([event(user_id="u1", message_id="m1")]))
    await redis.xadd(DEAD_KEY, {"b": body(entry, "why", "2026-01-05T08:00:00.000Z", 7)})
    letters = DeadLetters(redis, partitions=1)
    (letter,) = await letters.page(10)
    assert await letters.replay([letter.id]) == [letter.id]
    (received,) = await pipeline.drain()
    assert received.message.message_id == "m1"


async def test_a_letter_that_is_replayed_twice_at_once_goes_into_the_log_once(pipeline: Pipeline) -> None:
    redis = pipeline.stores.redis
    entry = orjson.loads(envelope([event(user_id="u1")]))
    await redis.xadd(DEAD_KEY, {"b": body(entry, "why", "2026-01-05T08:00:00.000Z", 0)})
    letters = DeadLetters(redis)
    (letter,) = await letters.page(10)
    replayed = await asyncio.gather(letters.replay([letter.id]), letters.replay([letter.id]))
    assert sorted(replayed) == [[], [letter.id]]
    assert await pipeline.stores.log.backlog(0) == 1
    assert await letters.count() == 0


async def test_a_discarded_dead_letter_is_gone(pipeline: Pipeline, poison: None) -> None:
    await pipeline.append([event(user_id="u2", extra={"event": "Poison"})])
    await pipeline.drain()
    letters = DeadLetters(pipeline.stores.redis)
    (letter,) = await letters.page(10)
    assert await letters.discard([letter.id]) == [letter.id]
    assert await letters.count() == 0
    assert await letters.replay([letter.id]) == []


async def test_an_entry_that_crashed_the_consumer_again_and_again_is_set_apart(pipeline: Pipeline) -> None:
    await pipeline.append([event(user_id="u1")])
    entries = await pipeline.stores.log.read(0, pipeline.holder, 10, 1)
    batch = await pipeline.service.apply(entries, "CRASHED_THE_CONSUMER")
    await pipeline.service.store(batch)
    await pipeline.service.finish(entries, batch)
    (letter,) = await DeadLetters(pipeline.stores.redis).page(10)
    assert letter.reason == "CRASHED_THE_CONSUMER"
    assert await pipeline.owner("user_id", "u1") is None


async def test_a_message_sent_twice_is_resolved_once_whatever_it_holds(pipeline: Pipeline) -> None:
    await pipeline.append([event(user_id="u1", message_id="same")])
    await pipeline.append([event(user_id="u2", message_id="same")])
    first, second = await pipeline.drain()
    assert not first.duplicate
    assert second.duplicate
    assert second.one_id == first.one_id
    await pipeline.append([event(user_id="u3", message_id="same")])
    (third,) = await pipeline.drain()
    assert third.duplicate
    assert third.one_id == first.one_id
    assert await pipeline.owner("user_id", "u3") is None


async def test_the_ledger_keeps_message_ids_for_the_dedupe_window(pipeline: Pipeline) -> None:
    await pipeline.ingest(event(user_id="u1", message_id="kept"))
    ttl = await pipeline.stores.redis.ttl("oneid:seen:kept")
    assert 86_390 <= ttl <= 86_400
    assert orjson.dumps(await pipeline.stores.log.seen(["kept", "never"])) != b"{}"
