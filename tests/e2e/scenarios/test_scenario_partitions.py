"""Several partitions of the event log: what they do at the same time is what one of them would have done."""

import asyncio
from collections.abc import AsyncGenerator
from random import Random, randrange

import pytest

from oneid.settings import Settings
from tests.graphql_api import Api
from tests.reference import components
from tests.running import calling, running
from tests.scenario import Fresh, Scenario
from tests.scenario_acts import erase, merge, reprocess

CARDS = [f"c{number}" for number in range(10)]
UNLIMITED = [{"type": "member_card", "limit": 0}]


@pytest.fixture(scope="module")
async def api(emptied: None, settings: Settings) -> AsyncGenerator[Api]:
    """A caller of a oneid with three partitions."""
    several = settings.model_copy(update={"partitions": 3})
    async with running(several) as url, calling(url, several) as caller:
        yield caller


def pairs(seed: int) -> list[str]:
    """Events that name two cards each: most of them cross partitions."""
    random = Random(seed)
    return [" ".join(random.sample(CARDS, 2)) for _ in range(7)]


def joined(events: list[str]) -> set[str]:
    """Who is one customer by union-find."""
    named = [[("member_card", name) for name in event.split()] for event in events]
    return {" ".join(sorted(name for _, name in group)) for group in components(named)}


async def test_whoever_is_named_together_is_one_whatever_partition_it_came_through(
    scene: Scenario, fresh: Fresh
) -> None:
    await scene.rules(types=UNLIMITED)

    async def told_at_once(seed: int) -> None:
        one, events = fresh(), pairs(seed)
        await one.together(*events)
        assert await one.partition() == joined(events), seed

    first = randrange(10**6)
    await asyncio.gather(*(told_at_once(seed) for seed in range(first, first + 10)))
    assert (await reprocess(scene, dry_run=True))["different"] == 0


async def test_rebuilding_waits_for_every_partition_and_loses_nothing(scene: Scenario) -> None:
    await scene.rules(types=UNLIMITED)
    events = [f"u{number} c{number}" for number in range(6)]
    await scene.send(*events, wait="INDEXED")
    await merge(scene, "u0", "u1")
    again = asyncio.gather(*(scene.together(*events) for _ in range(3)))
    assert (await reprocess(scene))["different"] == 0
    await again
    assert await scene.partition() == {"c0 c1 u0 u1", *(f"c{number} u{number}" for number in range(2, 6))}
    await scene.send("u0", wait="INDEXED")
    assert len(await scene.events("u0")) == 9


async def test_who_is_erased_and_suppressed_comes_back_through_no_partition(scene: Scenario) -> None:
    await scene.rules(types=UNLIMITED)
    await scene.send("u1 c1 d1")
    others = [f"c1 {name}" for name in ("a1", "c2", "c3", "d2", "e1", "p1")]
    await asyncio.gather(erase(scene, "u1", suppress=True), scene.together(*others))
    assert await scene.send("u1", "c1 c4", "d1") == ["", "", ""]
    assert [await scene.one_id(name) for name in ("u1", "c1", "d1")] == ["", "", ""]
