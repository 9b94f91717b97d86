"""Any interleaving equals some serial order."""

import asyncio

from tests.scenario import Fresh, Scenario
from tests.scenario_acts import merge


async def test_fifty_first_sightings_at_once_make_one_customer(scene: Scenario) -> None:
    one_ids = await scene.together(*["u1 a1"] * 50)
    assert len(set(one_ids)) == 1
    assert await scene.partition() == {"a1 u1"}
    customer = await scene.customer("u1")
    assert customer
    assert customer["formerOneIds"] == []
    assert len(await scene.log(one_id=one_ids[0])) == 1


async def test_one_message_sent_fifty_times_counts_once(scene: Scenario) -> None:
    item = scene.event("u1 a1")
    results = await asyncio.gather(*(scene.result(item, wait="INDEXED") for _ in range(50)))
    assert sorted(result["status"] for result in results) == ["DUPLICATE"] * 49 + ["INDEXED"]
    assert len({result["oneId"] for result in results}) == 1
    assert await scene.events("u1") == ["m1"]


async def test_crossing_merges_end_in_one(fresh: Fresh) -> None:
    async def cross(scene: Scenario) -> None:
        ids = await scene.send("c1", "c2", "c3", "c4")
        await scene.together("c1 c2", "c2 c1", "c3 c4", "c4 c1", "c2 c3", "c3 c1")
        assert await scene.partition() == {"c1 c2 c3 c4"}
        assert {await scene.one_id(one_id) for one_id in ids} == {ids[0]}

    await asyncio.gather(*(cross(fresh()) for _ in range(5)))


async def test_operators_crossing_each_other_neither_deadlock_nor_cycle(scene: Scenario) -> None:
    ids = await scene.send("u1", "u2", "u3")
    pairs = [("u1", "u2"), ("u2", "u1"), ("u2", "u3"), ("u3", "u1"), ("u1", "u3"), ("u3", "u2")]
    await asyncio.gather(*(merge(scene, into, other) for into, other in pairs))
    assert await scene.partition() == {"u1 u2 u3"}
    assert len({await scene.one_id(one_id) for one_id in ids}) == 1


async def test_two_logins_racing_on_a_new_device_are_two_customers(fresh: Fresh) -> None:
    async def race(scene: Scenario) -> None:
        await scene.together(*["u1 d1", "u2 d1"] * 5)
        assert await scene.partition() in ({"d1 u1", "u2"}, {"d1 u2", "u1"})

    await asyncio.gather(*(race(fresh()) for _ in range(5)))


async def test_events_and_operators_at_once_lose_nothing(scene: Scenario) -> None:
    await scene.send("u1", "u2")
    await asyncio.gather(scene.together(*(f"u1 c{n}" for n in range(1, 6))), merge(scene, "u1", "u2"))
    assert await scene.partition() == {"c1 c2 c3 c4 c5 u1 u2"}
