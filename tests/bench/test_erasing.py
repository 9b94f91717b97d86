"""How long `eraseCustomer` takes until it answers, over the number of decisions about others."""

import statistics
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import orjson
import pytest

from graph.client import Graph
from oneid.bootstrap import Stores, open_stores
from oneid.settings import Settings
from tests.erasing import erasing
from tests.pipeline import event, open_pipeline

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800), pytest.mark.usefixtures("clean")]

SIZES: Final = (10_000, 100_000, 1_000_000)
ROUNDS: Final = 5
SLICE: Final = 10_000
RESULTS: Final = Path("bench/results")
FILL: Final = """
UNWIND range($start, $until - 1) AS n
CREATE (:Decision {id: 'bench-' + n, seq: n, oneId: 'bench-' + n / 2, at: $at, messageId: 'm' + n, kind: 'CREATED',
                   kept: ['user_id:bench-' + n, 'phone:+86131' + n], dropped: [], mergedOneIds: [], manual: false,
                   ruleVersion: 1})
"""


@pytest.fixture(scope="module")
async def stores(settings: Settings) -> AsyncIterator[Stores]:
    async with open_stores(settings, patience=60) as opened:
        yield opened


async def fill(graph: Graph, start: int, until: int) -> None:
    for low in range(start, until, SLICE):
        await graph.write("bench.fill", FILL, start=low, until=low + SLICE, at="2026-01-01T08:00:00.000Z")


async def test_an_erasure_takes_as_long_whatever_was_decided_about_others(stores: Stores) -> None:
    """Anna's phone is named by a decision about Bo, which forgets it."""
    pipeline, found, before = await open_pipeline(stores), dict[str, float](), 0
    for size in SIZES:
        await fill(stores.graph, before, size)
        before, times = size, list[float]()
        for number in range(ROUNDS + 1):
            named = {"phone": f"139{size + number:08d}"}
            anna, _ = await pipeline.ingest(
                event(user_id=f"anna-{size}-{number}", **named), event(user_id="bo", **named)
            )
            begun = time.perf_counter()
            await erasing(stores).erase(anna)
            times.append(time.perf_counter() - begun)
        found[str(size)] = round(statistics.median(times[1:]), 3)
    RESULTS.mkdir(parents=True, exist_ok=True)
    RESULTS.joinpath("erasing.json").write_bytes(orjson.dumps({"seconds by decisions": found}))
    assert found["1000000"] < 3 * max(found["10000"], 0.2), found
