"""How long it takes to find out which of a thousand segments customers are in, beside the bare percolate request."""

import json
import random
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import pytest

from graph.attribute_catalog import AttributeCatalog
from graph.projection import Projections
from oneid.bootstrap import Stores, attributes, audiences, materialisation, open_stores, seeder
from oneid.domain.catalog import AttributeType
from oneid.domain.seeding import CITIES, TIERS
from oneid.services.attributes import DefinitionChange
from oneid.services.seeding import Seed
from oneid.settings import Settings
from search.documents import profile_document
from search.segments.compiler import Compiler
from search.segments.percolator import percolated
from search.segments.present import Told

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]
RESULTS: Final = Path("bench/results")
SEGMENTS: Final = 1_000
DOCUMENTS: Final = 200
TURNS: Final = 30


@pytest.fixture(scope="module")
async def stores(settings: Settings) -> AsyncIterator[Stores]:
    async with open_stores(settings, patience=60) as opened:
        yield opened


def rule(number: int) -> dict[str, Any]:
    """Somebody of a city, an age, a tier or with a phone: some match a few, some nearly everybody."""
    rng = random.Random(number)
    age = rng.randrange(18, 70)
    conditions = [
        {"attribute": {"key": "city", "op": "IN", "value": rng.sample(CITIES, rng.randrange(1, 6))}},
        {"attribute": {"key": "age", "op": "BETWEEN", "value": [age, age + rng.randrange(1, 20)]}},
        {"attribute": {"key": "tier", "op": "EQ", "value": rng.choice(TIERS)}},
        {"attribute": {"key": "newsletter", "op": "EQ", "value": rng.random() < 0.5}},
        {"identifier": {"type": rng.choice(("phone", "email"))}},
    ]
    return {rng.choice(("all", "any")): rng.sample(conditions, rng.randrange(1, 6))}


@pytest.fixture
async def documents(clean: None, stores: Stores) -> list[dict[str, Any]]:
    """The segments are stored; what customers are compared by."""
    for key, kind in (("city", "STRING"), ("age", "NUMBER"), ("tier", "STRING"), ("newsletter", "BOOLEAN")):
        await attributes(stores).define(DefinitionChange(key, AttributeType(kind)))
    read = [await audiences(stores).read(rule(number), personal=True) for number in range(SEGMENTS)]
    compiler = Compiler(Told(), {})
    await stores.percolator.store({str(n): (1, compiler.compile(one)) for n, one in enumerate(read)})
    await seeder(stores).seed(Seed("percolated", DOCUMENTS), lambda done: None)
    catalog = await AttributeCatalog(stores.graph).current()
    entries = await Projections(stores.graph).range("", DOCUMENTS)
    await materialisation(stores).settle()
    return [percolated(profile_document(entry.record, catalog), []) for entry in entries]


async def test_a_thousand_segments_beside_the_bare_request(
    stores: Stores, documents: list[dict[str, Any]]
) -> None:
    hits = list[int]()

    async def ours() -> None:
        hits.append(sum(map(len, await stores.percolator.matched(documents))))

    async def bare() -> None:
        percolate = {"percolate": {"field": "query", "documents": documents}}
        body = {"size": SEGMENTS, "query": {"constant_score": {"filter": percolate}}, "_source": False}
        found = await stores.search.request("POST", "/oneid-segments/_search", body)
        slots = [hit["fields"]["_percolator_document_slot"] for hit in found["hits"]["hits"]]
        hits.append(sum(map(len, slots)))

    times = await in_turns({"ours": ours, "bare": bare})
    assert len(set(hits)) == 1
    middle = {kind: statistics.median(taken) for kind, taken in times.items()}
    told = {
        "segments": SEGMENTS,
        "documents": DOCUMENTS,
        "matches": hits[0],
        **{f"{kind}_ms": 1000 * seconds for kind, seconds in middle.items()},
        "customers_a_second": DOCUMENTS / middle["ours"],
        "ratio": middle["ours"] / middle["bare"],
    }
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "percolation.json").write_text(json.dumps(told, indent=2))
    assert told["ratio"] <= 1.3, told


async def in_turns(kinds: dict[str, Callable[[], Awaitable[None]]]) -> dict[str, list[float]]:
    """Seconds of each kind, a few for warming up left out."""
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for turn in range(5 + TURNS):
        for kind, ask in kinds.items():
            start = time.perf_counter()
            await ask()
            if turn >= 5:
                times[kind].append(time.perf_counter() - start)
    return times
