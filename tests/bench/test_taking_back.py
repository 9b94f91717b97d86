"""How long a merge takes until reads are consistent, and how many events a second identities are rebuilt from,
beside reading the same events alone. Events: ONEID_BENCH_REPLAYS, by default 20000,100000."""

import json
import os
import resource
import statistics
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest

from graph.customers import Customers
from oneid.bootstrap import Stores, open_stores, seeder, stewardship, upkeep
from oneid.memory import spare_the_collector
from oneid.services.seeding import Seed
from oneid.settings import Settings
from search.replays import IN_ORDER, PAGE
from tests.operations import service
from tests.pipeline import Pipeline, event, open_pipeline

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]
RESULTS: Final = Path("bench/results")
SIZES: Final = [int(size) for size in os.environ.get("ONEID_BENCH_REPLAYS", "20000,100000").split(",")]
EACH: Final = 5
MERGED: Final = 1_000
WARM_UP: Final = 3
TIMES: Final = 5


@pytest.fixture(scope="module")
async def stores(settings: Settings) -> AsyncIterator[Stores]:
    async with open_stores(settings, patience=60) as opened:
        spare_the_collector()  # as the worker does
        yield opened


async def test_two_customers_of_a_thousand_events_are_one_to_every_reader_within_a_second(
    clean: None, stores: Stores
) -> None:
    pipeline, found = await open_pipeline(stores), list[tuple[float, float]]()
    for pair in range(WARM_UP + TIMES):
        one, two = await couple(pipeline, f"{pair}")
        await stores.events.refresh()
        found.append(await merged(stores, one, two))
    consistent, moved = (statistics.median(times) for times in zip(*found[WARM_UP:], strict=True))
    first = found[0][0]
    keep("merge", {"events_each": MERGED, "first": first, "consistent": consistent, "moved": moved})
    assert consistent < 1.0


async def couple(pipeline: Pipeline, name: str) -> tuple[str, str]:
    """Two customers with a thousand events each."""
    users = (f"one-{name}", f"two-{name}")
    for user in users:
        await pipeline.append([event(user_id=user) for _ in range(MERGED)])
    await pipeline.drain()
    one, two = [await pipeline.owner("user_id", user) for user in users]
    assert one
    assert two
    return one, two


async def merged(stores: Stores, one: str, two: str) -> tuple[float, float]:
    """Seconds until whoever reads sees one customer with all events, and until the events lie under it."""
    begin = time.perf_counter()
    await stewardship(stores).merge(one, [two], "bench")
    customer = (await Customers(stores.graph).by_one_ids([two]))[two]
    page = await stores.events.by_customer([customer.one_id, *customer.former_one_ids], first=100)
    consistent = time.perf_counter() - begin
    assert (customer.one_id, page.total, len(page.nodes)) == (one, 2 * MERGED, 100)
    while await upkeep(stores).rehoming.run_once():
        continue
    assert await stores.events.homes([one, two]) == {one}
    return consistent, time.perf_counter() - begin


async def bare(stores: Stores) -> float:
    """Events a second of reading the index in order, page by page, and nothing else."""
    body: dict[str, Any] = {"size": PAGE, "sort": IN_ORDER}
    begin, count = time.perf_counter(), 0
    while hits := (await stores.search.search("oneid-events", body))["hits"]["hits"]:
        count += len(hits)
        body["search_after"] = hits[-1]["sort"]
    return count / (time.perf_counter() - begin)


async def test_identities_are_rebuilt_from_five_thousand_events_a_second(clean: None, stores: Stores) -> None:
    run = uuid4().hex[:8]
    await rebuilt(stores, run, SIZES[0])
    table = [await rebuilt(stores, run, size) for size in SIZES]
    keep("reprocess", table)
    assert min(row["a_second"] for row in table) >= 5_000, table


async def rebuilt(stores: Stores, run: str, size: int) -> dict[str, float]:
    """Events a second, with so many events there, and the most memory that this process has held so far."""
    await seeder(stores).seed(Seed(run, size // EACH, EACH), lambda done: None)
    await stores.events.refresh()
    reading = await bare(stores)
    begin = time.perf_counter()
    operation = await service(stores).start("reprocessIdentities", {"dryRun": False})
    assert await upkeep(stores).operations.run_once() == 1
    rate = size / (time.perf_counter() - begin)
    ended = await service(stores).get(operation.id)
    assert ended
    assert ended.result
    assert (ended.result["events"], ended.result["different"]) == (size, 0)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"events": size, "a_second": rate, "reading_alone": reading, "peak_mebibytes": peak}


def keep(name: str, result: Any) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2))
