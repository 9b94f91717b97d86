"""Operators who meet each other, and the consumer, at the same customers: some serial order, and no cycle."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from oneid.bootstrap import stewardship
from oneid.domain.identifiers import Identifier
from oneid.errors import NotFound
from oneid.services.stewardship import Split
from tests.pipeline import Pipeline, event

ROUNDS = 15

#: What must never be: a former customer that owns something, or leads to another former one or to itself.
WRONG = """
MATCH (m:Merged)
WHERE EXISTS { (m)<-[:IDENTIFIES]-() } OR EXISTS { (m)-[:MERGED_INTO]->(:Merged) }
   OR COUNT { (m)-[:MERGED_INTO]->() } <> 1
RETURN count(m) AS wrong
"""


async def people(pipeline: Pipeline, *kinds: str) -> list[list[str]]:
    """For each round a customer of each kind of identifier; their ONE-IDs."""
    items = [event(**{kind: f"{kind}-{number}"}) for number in range(ROUNDS) for kind in kinds]
    await pipeline.append(items)
    ids = [received.one_id or "" for received in await pipeline.drain()]
    return [ids[low : low + len(kinds)] for low in range(0, len(ids), len(kinds))]


async def at_once(*acts: Coroutine[Any, Any, Any]) -> None:
    await asyncio.gather(*acts)


async def sound(pipeline: Pipeline) -> None:
    assert await pipeline.stores.graph.read("test", WRONG) == [{"wrong": 0}]


async def test_two_who_merge_the_same_two_the_other_way_round(pipeline: Pipeline) -> None:
    steward = stewardship(pipeline.stores)
    for one, two in await people(pipeline, "user_id", "member_card"):
        await at_once(steward.merge(one, [two], None), steward.merge(two, [one], None))
        record = await pipeline.customer(one)
        assert record.one_id in (one, two)
        assert {record.one_id, *record.former_one_ids} == {one, two}
        assert (await pipeline.customer(two)).one_id == record.one_id
        assert len(record.identifiers) == 2
    await sound(pipeline)


async def test_a_ring_of_merges_makes_one_customer(pipeline: Pipeline) -> None:
    steward = stewardship(pipeline.stores)
    for ring in await people(pipeline, "user_id", "member_card", "device_id"):
        one, two, three = ring
        await at_once(
            steward.merge(one, [two], None),
            steward.merge(two, [three], None),
            steward.merge(three, [one], None),
        )
        record = await pipeline.customer(one)
        assert {record.one_id, *record.former_one_ids} == set(ring)
        assert len(record.identifiers) == 3
    await sound(pipeline)


async def test_an_operators_merge_meets_the_consumers(pipeline: Pipeline) -> None:
    steward = stewardship(pipeline.stores)
    for number, (one, two, three) in enumerate(await people(pipeline, "user_id", "member_card", "device_id")):
        named = {"member_card": f"member_card-{number}", "device_id": f"device_id-{number}"}
        await pipeline.append([event(**named)])
        await at_once(steward.merge(one, [three], None), pipeline.drain())
        record = await pipeline.customer(one)
        assert {record.one_id, *record.former_one_ids} == {one, two, three}
        assert len(record.identifiers) == 3
    await sound(pipeline)


async def test_a_split_meets_a_merge(pipeline: Pipeline) -> None:
    """Whichever comes first: the card is with the user, or by itself."""
    steward = stewardship(pipeline.stores)
    for number, (one, two) in enumerate(await people(pipeline, "user_id", "member_card")):
        await steward.merge(one, [two], None)
        await at_once(split(pipeline, one, number), steward.merge(one, [two], None))
        assert (await pipeline.customer(one)).one_id == one
        assert await pipeline.owner("member_card", f"member_card-{number}") in (one, two)
    await sound(pipeline)


async def split(pipeline: Pipeline, one: str, number: int) -> None:
    card = Identifier("member_card", f"member_card-{number}")
    try:
        await stewardship(pipeline.stores).split(Split(one, [card]))
    except NotFound:
        assert await pipeline.owner("member_card", card.value) != one
