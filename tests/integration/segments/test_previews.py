"""What a preview counts is what brute force counts, also where nothing is kept for what it asks."""

from datetime import timedelta
from random import randrange
from typing import Any

import pytest

from oneid.bootstrap import Stores, materialisation, previews, stewardship
from oneid.domain.messages import Item, format_time
from oneid.services import counting
from oneid.services.attributes import AttributeService
from oneid.services.audiences import AudienceService
from oneid.services.previews import MAX_SAMPLE, Preview
from tests.integration.segments.conftest import HandClock
from tests.integration.segments.test_oracle import INSTANTS, RECEIVED, World, declare, drawn, moment, people
from tests.pipeline import Pipeline
from tests.segment_oracle import is_member
from tests.segment_strategies import plain_rules

ORDERED_TWICE = {"event": {"name": "Order", "count": {"op": "GTE", "value": 2}, "window": {"lastDays": 30}}}
NEVER_ORDERED = {"event": {"name": "Order", "count": {"op": "EQ", "value": 0}}}


@pytest.fixture
async def world(
    pipeline: Pipeline,
    stores: Stores,
    audiences: AudienceService,
    attributes: AttributeService,
    clock: HandClock,
) -> World:
    await declare(attributes)
    return World(stores, pipeline, audiences, clock)


def part(rule: Any, path: tuple[str, ...]) -> dict[str, Any]:
    """The part of a written rule at a place."""
    for step in path[1:]:
        rule = rule[int(step)] if step.isdecimal() else rule[step]
    return dict(rule)


@pytest.mark.timeout(600)
async def test_a_preview_counts_for_each_part_whom_brute_force_counts(
    world: World, stores: Stores, clock: HandClock, audiences: AudienceService
) -> None:
    number = randrange(2**32)
    await world.settle(drawn(people, 12, number))
    written = drawn(plain_rules, 25, number)
    for at in INSTANTS:
        clock.at = moment(at)
        for rule in written:
            told = await previews(stores).preview(await audiences.read(rule, personal=True), MAX_SAMPLE)
            for path, count in told.counts.items():
                true = {id_ for id_, one in world.people.items() if is_member(part(rule, path), one, at)}
                assert count == len(true), (number, rule, path, at)
                if path == ("rule",):
                    assert {record.one_id for record in told.sample} == true


def order(user: str, number: int, **properties: Any) -> Item:
    at = format_time(RECEIVED - timedelta(days=number))
    return {
        "type": "track",
        "event": "Order",
        "userId": user,
        "messageId": f"{user}-{number}",
        "timestamp": at,
        "properties": properties,
    }


async def shown(pipeline: Pipeline) -> None:
    await pipeline.drain()
    await materialisation(pipeline.stores).settle()


async def looked(stores: Stores, audiences: AudienceService, rule: dict[str, Any]) -> Preview:
    return await previews(stores).preview(await audiences.read(rule, personal=True), 10)


async def conditions(stores: Stores) -> int:
    rows = await stores.graph.read("test", "MATCH (k:Condition) RETURN count(k) AS count")
    return int(rows[0]["count"])


async def test_a_preview_of_a_new_condition_writes_nothing(
    pipeline: Pipeline, stores: Stores, audiences: AudienceService, clock: HandClock
) -> None:
    clock.at = RECEIVED
    users = [order(user, number) for user in ("ann", "bob") for number in range(1, 3)]
    await pipeline.append([*users, order("cid", 1), order("cid", 31)], RECEIVED)
    await shown(pipeline)
    told = await looked(stores, audiences, {"all": [ORDERED_TWICE, {"not": NEVER_ORDERED}]})
    assert (told.count, len(told.sample)) == (2, 2)
    assert told.counts[("rule", "all", "1")] == 3
    assert await conditions(stores) == 0


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ([{"property": "gift", "op": "EQ", "value": True}], 1),
        ([{"property": "code", "op": "EQ", "value": "12"}], 1),
        ([{"property": "code", "op": "EQ", "value": "x"}], 1),
        ([{"property": "code", "op": "NE", "value": "x"}], 2),
        ([{"property": "codes", "op": "IN", "value": ["deep", "y"]}], 1),
        ([{"property": "codes[]", "op": "IN", "value": ["deep", "y"]}], 1),
        ([{"property": "products.code", "op": "EQ", "value": "p2"}], 1),
        ([{"property": "products[].code", "op": "NE", "value": "p2"}], 2),
    ],
)
async def test_values_that_look_alike_in_the_index_are_told_apart(
    pipeline: Pipeline,
    stores: Stores,
    audiences: AudienceService,
    clock: HandClock,
    where: list[dict[str, Any]],
    count: int,
) -> None:
    clock.at = RECEIVED
    told = [
        order("ann", 1, gift=True, code=12, codes=[["deep"]]),
        order("bob", 1, gift="true", code="12"),
        order("cid", 1, code="x", products=[{"code": "p1"}, {"code": "p2"}]),
    ]
    await pipeline.append(told, RECEIVED)
    await shown(pipeline)
    found = await looked(stores, audiences, {"event": {"name": "Order", "where": where}})
    assert found.count == count


async def test_the_events_of_a_merged_customer_count_once_while_they_are_on_their_way(
    pipeline: Pipeline, stores: Stores, audiences: AudienceService, clock: HandClock
) -> None:
    clock.at = RECEIVED
    await pipeline.append([order("ann", 1), order("bob", 2)], RECEIVED)
    await shown(pipeline)
    rows = await stores.graph.read("test", "MATCH (c:Customer) RETURN c.oneId AS oneId ORDER BY c.seq")
    await stewardship(stores).merge(rows[0]["oneId"], [rows[1]["oneId"]], None)
    await materialisation(stores).settle()
    told = await looked(stores, audiences, ORDERED_TWICE)
    assert [record.one_id for record in told.sample] == [rows[0]["oneId"]]
    assert (told.count, (await looked(stores, audiences, NEVER_ORDERED)).count) == (1, 0)


@pytest.mark.parametrize("known", [False, True])
async def test_a_sample_looks_only_at_those_who_may_be_in_it(
    pipeline: Pipeline,
    stores: Stores,
    audiences: AudienceService,
    clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
    known: bool,
) -> None:
    clock.at = RECEIVED
    monkeypatch.setattr(counting, "LOOKED_AT", 1)
    monkeypatch.setattr(counting, "PAGES", 1)
    named = [{**order("ann", number), "anonymousId": "a1"} for number in range(1, 3)]
    await pipeline.append([*named, order("bob", 1), order("cid", 1)], RECEIVED)
    await shown(pipeline)
    rule = {"all": [ORDERED_TWICE, {"identifier": {"type": "anonymous_id"}}]}
    if known:
        await audiences.query(await audiences.read(rule, personal=True))

    told = await looked(stores, audiences, rule)

    assert told.count == len(told.sample) == 1
