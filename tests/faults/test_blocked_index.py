"""F21: the disk of OpenSearch is full, and its indexes take no writes. The log keeps what is accepted and says how old
it grows; nothing is lost, and all goes on by itself."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from oneid.bootstrap import Stores, upkeep
from oneid.metrics import OLDEST
from tests.consumers import consuming, drained
from tests.faults.invariants import index_equals_graph, scan
from tests.pipeline import event, open_pipeline

BLOCK = "index.blocks.read_only_allow_delete"


@asynccontextmanager
async def full(stores: Stores) -> AsyncGenerator[None]:
    await stores.search.request("PUT", "/oneid-*/_settings", {BLOCK: True})
    try:
        yield
    finally:
        await stores.search.request("PUT", "/oneid-*/_settings", {BLOCK: None})


async def test_while_the_indexes_take_no_writes_events_wait_and_are_stored_once_afterwards(
    stores: Stores, clean: None
) -> None:
    pipeline = await open_pipeline(stores)
    async with consuming(stores, "waiting") as consumer:
        async with full(stores):
            for number in range(20):
                await pipeline.append([event(user_id=f"u{number}", message_id=f"m{number:02}")])
            await consumer.tried("store", 2)
            assert await stores.log.backlog(0) == 20
            async with asyncio.timeout(30):
                while gauge() < 1:  # noqa: ASYNC110 - nothing tells
                    await asyncio.sleep(0.1)
            assert await scan(stores, "oneid-events", ["messageId"]) == []
        await drained(stores)
    while await upkeep(stores).projection.run_once():
        continue
    await stores.events.refresh()
    await stores.profiles.refresh()
    stored = await scan(stores, "oneid-events", ["messageId"])
    assert [one["messageId"] for one in stored] == [f"m{number:02}" for number in range(20)]
    await index_equals_graph(stores)


def gauge() -> float:
    """`oneid_log_oldest_seconds`, by which somebody is called."""
    (family,) = OLDEST.collect()
    return next((sample.value for sample in family.samples if sample.labels == {"partition": "0"}), 0.0)
