"""Ingestion: what the log gets, and how far callers wait."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Any

import orjson
import pytest
from redis.asyncio import Redis

from oneid.clock import SystemClock
from oneid.domain.catalog import AttributeDefinition, AttributeType, Catalog
from oneid.domain.messages import Envelope
from oneid.errors import Conflict, DeadlineExceeded, Retriable
from oneid.log.events import EventLog, full_id, stream_key
from oneid.log.replies import Replies, Resolved, answer
from oneid.services.ingestion import IngestionService, ItemResult, ItemStatus, Wait

A, B = "01A", "01B"


def event(message_id: str, **fields: Any) -> dict[str, Any]:
    return {"type": "track", "event": "E", "userId": "u1", "messageId": message_id, **fields}


class Index:
    """Stands for the search side: remembers what was to be made searchable, and may be slow or down."""

    def __init__(self) -> None:
        self.asked: list[Sequence[str]] = []
        self.delay = 0.0
        self.error: Exception | None = None

    async def make_searchable(self, one_ids: Sequence[str]) -> None:
        self.asked.append(one_ids)
        await asyncio.sleep(self.delay)
        if self.error:
            raise self.error


class Resolver:
    """Stands for the consumer: answers each waiting entry once, as it is told to."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.statuses: dict[str, tuple[Any, str | None]] = {}

    async def answer_next(self) -> None:
        rows: list[tuple[bytes, dict[bytes, bytes]]] = []
        while not rows:
            await asyncio.sleep(0.01)
            rows = await self._redis.xrange(stream_key(0))
        for entry_id, fields in rows:
            results = {full_id(0, entry_id.decode()): self._results(orjson.loads(fields[b"b"]))}
            await answer(self._redis, fields[b"r"].decode(), results)

    def _results(self, envelope: Envelope) -> list[Resolved]:
        results: list[Resolved] = []
        for item in envelope["items"]:
            message_id = item["messageId"]
            status, one_id = self.statuses.get(message_id, ("RESOLVED", A))
            seen = any(result.message_id == message_id for result in results)
            results.append(Resolved(message_id, one_id, "DUPLICATE" if seen else status))
        return results


@pytest.fixture
def index() -> Index:
    return Index()


@pytest.fixture
async def resolver(redis: Redis) -> Resolver:
    await redis.delete(stream_key(0), stream_key(1), stream_key(2))
    return Resolver(redis)


@pytest.fixture
async def replies(redis: Redis) -> AsyncGenerator[Replies]:
    opened = Replies(redis)
    listening = asyncio.create_task(opened.listen())
    await asyncio.sleep(0.1)
    yield opened
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening


@pytest.fixture
def ingestion(redis: Redis, replies: Replies, index: Index) -> IngestionService:
    return IngestionService(
        EventLog(redis), replies, SystemClock(), index.make_searchable, Catalog, wait_seconds=1
    )


async def accept_and_answer(
    ingestion: IngestionService, resolver: Resolver, items: list[object], wait: Wait
) -> list[ItemResult]:
    results, _ = await asyncio.gather(
        ingestion.accept(items, source="test", wait=wait), resolver.answer_next()
    )
    return results


async def test_the_caller_who_does_not_wait_hears_at_once(
    ingestion: IngestionService, resolver: Resolver
) -> None:
    results = await ingestion.accept([event("m1"), {}], source="test")
    assert [(r.index, r.message_id, r.status) for r in results] == [
        (0, "m1", ItemStatus.ACCEPTED),
        (1, "", ItemStatus.REJECTED),
    ]
    assert [error.code for error in results[1].errors] == ["REQUIRED"]


async def test_resolved_items_come_with_their_customer(
    ingestion: IngestionService, resolver: Resolver, index: Index
) -> None:
    resolver.statuses = {"m2": ("DUPLICATE", A), "m3": ("RESOLVED", None)}
    items: list[object] = [event("m1"), event("m2"), {"messageId": "bad"}, event("m3")]
    results = await accept_and_answer(ingestion, resolver, items, Wait.RESOLVED)
    assert [(r.message_id, r.status, r.one_id) for r in results] == [
        ("m1", ItemStatus.RESOLVED, A),
        ("m2", ItemStatus.DUPLICATE, A),
        ("bad", ItemStatus.REJECTED, None),
        ("m3", ItemStatus.RESOLVED, None),
    ]
    assert index.asked == []


async def test_indexed_items_are_made_searchable_first(
    ingestion: IngestionService, resolver: Resolver, index: Index
) -> None:
    resolver.statuses = {"m1": ("RESOLVED", B), "m3": ("DUPLICATE", A)}
    items: list[object] = [event("m1"), event("m2"), event("m3")]
    results = await accept_and_answer(ingestion, resolver, items, Wait.INDEXED)
    assert [r.status for r in results] == [ItemStatus.INDEXED, ItemStatus.INDEXED, ItemStatus.DUPLICATE]
    assert index.asked == [[A, B]]


async def test_a_message_id_given_twice_has_two_results(
    ingestion: IngestionService, resolver: Resolver
) -> None:
    results = await accept_and_answer(ingestion, resolver, [event("m1"), event("m1")], Wait.RESOLVED)
    assert [r.status for r in results] == [ItemStatus.RESOLVED, ItemStatus.DUPLICATE]


async def test_an_item_that_cannot_be_processed_is_accepted_with_a_reason(
    ingestion: IngestionService, resolver: Resolver
) -> None:
    resolver.statuses = {"m1": ("DEAD", None)}
    (result,) = await accept_and_answer(ingestion, resolver, [event("m1")], Wait.RESOLVED)
    assert result.status is ItemStatus.ACCEPTED
    assert isinstance(result.errors[0], Conflict)


async def test_nobody_waits_longer_than_the_deadline(
    ingestion: IngestionService, resolver: Resolver, redis: Redis
) -> None:
    good, bad = await ingestion.accept([event("m1"), {}], source="test", wait=Wait.RESOLVED)
    assert good.status is ItemStatus.ACCEPTED
    assert [type(error) for error in good.errors] == [DeadlineExceeded]
    assert bad.status is ItemStatus.REJECTED
    assert await redis.xlen(stream_key(0)) == 1, "the event is lost"


@pytest.mark.parametrize(
    ("delay", "error", "code"), [(5, None, "TIMEOUT"), (0, Retriable("down"), "UNAVAILABLE")]
)
async def test_an_index_that_is_late_or_down_leaves_items_resolved(
    ingestion: IngestionService,
    resolver: Resolver,
    index: Index,
    delay: float,
    error: Exception | None,
    code: str,
) -> None:
    index.delay, index.error = delay, error
    (result,) = await accept_and_answer(ingestion, resolver, [event("m1")], Wait.INDEXED)
    assert (result.status, result.one_id) == (ItemStatus.RESOLVED, A)
    assert [problem.code for problem in result.errors] == [code]


async def test_a_request_without_a_good_item_writes_nothing_and_waits_for_nothing(
    ingestion: IngestionService, resolver: Resolver, redis: Redis
) -> None:
    (result,) = await ingestion.accept([{}], source="test", wait=Wait.INDEXED)
    assert result.status is ItemStatus.REJECTED
    assert await redis.xlen(stream_key(0)) == 0


async def test_with_partitions_one_person_stays_in_one_and_order_is_kept(
    redis: Redis, replies: Replies, resolver: Resolver, index: Index
) -> None:
    log = EventLog(redis, partitions=3)
    ingestion = IngestionService(log, replies, SystemClock(), index.make_searchable, Catalog)
    items = [event(f"m{n}", userId=f"u{n % 10}") for n in range(100)]
    await ingestion.accept(items, source="test")
    homes: dict[str, set[int]] = {}
    for partition in range(3):
        entries = await redis.xrange(stream_key(partition))
        assert len(entries) == 1
        stored = [item["messageId"] for item in orjson.loads(entries[0][1][b"b"])["items"]]
        assert stored == sorted(stored, key=lambda message_id: int(message_id[1:]))
        for message_id in stored:
            homes.setdefault(f"u{int(message_id[1:]) % 10}", set()).add(partition)
    assert len(homes) == 10
    assert all(len(partitions) == 1 for partitions in homes.values())


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"traits": {"age": "old"}}, ("traits", "age")),
        ({"context": {"traits": {"age": "old"}}}, ("context", "traits", "age")),
        ({"traits": {"age": 7}, "context": {"traits": {"age": "old"}}}, ("context", "traits", "age")),
    ],
)
async def test_a_trait_of_another_type_is_refused_wherever_it_stands(
    redis: Redis, resolver: Resolver, replies: Replies, fields: dict[str, Any], path: tuple[str, ...]
) -> None:
    declared = Catalog(1, (AttributeDefinition("age", AttributeType.NUMBER),))
    ingestion = IngestionService(
        EventLog(redis), replies, SystemClock(), Index().make_searchable, lambda: declared
    )
    identify = {"type": "identify", "userId": "u1"}
    good = [
        {**identify, "messageId": "m1", "traits": {"age": 7}},
        {**identify, "messageId": "m2", "context": {"traits": {"age": 7}}},
        event("m3", context={"traits": {"age": "old"}}),
    ]
    results = await ingestion.accept([*good, {**identify, **fields}], source="test")
    assert [result.status for result in results] == [ItemStatus.ACCEPTED] * 3 + [ItemStatus.REJECTED]
    (error,) = results[3].errors
    assert (error.code, error.field, error.message) == ("INVALID", path, "age must be a number")
    (entry,) = await redis.xrange(stream_key(0))
    assert orjson.loads(entry[1][b"b"])["items"] == good
