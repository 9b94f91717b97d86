"""Erasing beside everything else that writes customers: some serial order explains every outcome."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from oneid.bootstrap import Stores, stewardship
from oneid.errors import NotFound
from oneid.services.upserts import Upsert, UpsertService
from tests.erasing import Erasing
from tests.pipeline import Pipeline, event

T = TypeVar("T")


async def outcome(work: Awaitable[T]) -> T | None:
    """The result; None where there was nobody (any more)."""
    try:
        return await work
    except NotFound:
        return None


async def sound(stores: Stores) -> None:
    """Each identifier has an owner that lives, and no redirect leads nowhere."""
    lost = "MATCH (i:Identifier) WHERE NOT EXISTS { (i)-[:IDENTIFIES]->(:Customer) } RETURN count(i) AS n"
    astray = "MATCH (m:Merged) WHERE NOT EXISTS { (m)-[:MERGED_INTO]->(:Customer) } RETURN count(m) AS n"
    counts = [(await stores.graph.read("test", query))[0]["n"] for query in (lost, astray)]
    assert counts == [0, 0]


async def test_upserts_beside_erasures_write_the_old_customer_or_a_new_one(
    pipeline: Pipeline, stores: Stores, erasure: Erasing
) -> None:
    upserts = UpsertService(stores.graph, stores.clock, "CN")
    wanted = Upsert([("user_id", "anna"), ("phone", "13800138000")], set={"name": "Anna"})
    for _ in range(10):
        one_id, _ = await upserts.upsert(wanted)
        receipt, *written = await asyncio.gather(
            outcome(erasure.erase(one_id)), *(outcome(upserts.upsert(wanted)) for _ in range(4))
        )
        assert receipt is not None
        owner = await pipeline.owner("user_id", "anna")
        assert owner != one_id
        assert {found[0] for found in written if found} <= {one_id, owner}
        await sound(stores)


async def test_merges_beside_erasures_leave_nothing_half_done(
    pipeline: Pipeline, stores: Stores, erasure: Erasing
) -> None:
    steward = stewardship(stores)
    for number in range(8):
        first, second = await pipeline.ingest(event(user_id=f"a{number}"), event(user_id=f"b{number}"))
        assert first is not None
        assert second is not None
        await asyncio.gather(
            outcome(erasure.erase(second)),
            outcome(steward.merge(first, [second], None)),
            outcome(erasure.erase(second)),
        )
        owners = [await pipeline.owner("user_id", f"{name}{number}") for name in "ab"]
        assert owners in ([None, None], [first, None])
        await sound(stores)


async def test_crossing_erasures_and_batches_neither_deadlock_nor_lose_others(
    pipeline: Pipeline, stores: Stores, erasure: Erasing
) -> None:
    one_ids = await pipeline.ingest(*(event(user_id=f"u{n}", phone="13800138000") for n in range(6)))
    await pipeline.append([event(user_id=f"u{n}", message_id=f"late{n}") for n in range(6)])
    receipts = await asyncio.gather(*(erasure.erase(one_id) for one_id in one_ids[:3]), pipeline.drain())
    for receipt in receipts[:3]:
        await erasure.finish(str(receipt))

    owners = [await pipeline.owner("user_id", f"u{n}") for n in range(6)]
    assert owners == [None, None, None, *one_ids[3:]]
    found = await stores.events.get([f"late{n}" for n in range(6)])
    assert set(found) == {"late3", "late4", "late5"}
    await sound(stores)
