"""The clock of a sandbox."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from graph.client import Graph
from oneid.bootstrap import open_stores
from oneid.domain.messages import format_time, parse_time
from oneid.settings import Settings
from tests.graphql_api import Api

ADVANCE = """
mutation Advance($input: AdvanceClockInput!) {
  advanceClock(input: $input) { clock { now offsetSeconds } userErrors { code field message } }
}
"""


@pytest.fixture(autouse=True)
async def set_back(graph: Graph, redis: Redis) -> AsyncGenerator[None]:
    """The clock runs with the system's before and after."""
    await reset(graph, redis)
    yield
    await reset(graph, redis)


async def reset(graph: Graph, redis: Redis) -> None:
    await graph.write("test.clock", "MATCH (c:Clock) DELETE c")
    await redis.delete("oneid:clock")
    await asyncio.sleep(0.2)


async def test_the_clock_moves_by_a_duration_and_to_a_moment(api: Api) -> None:
    before = parse_time((await api("{ clock { now } }"))["clock"]["now"])
    moved = (await api(ADVANCE, input={"by": "P3DT1H"}))["advanceClock"]
    assert moved["userErrors"] == []
    assert moved["clock"]["offsetSeconds"] == 3 * 86400 + 3600
    target = before + timedelta(days=10)
    jumped = (await api(ADVANCE, input={"to": format_time(target)}))["advanceClock"]
    assert timedelta() <= parse_time(jumped["clock"]["now"]) - target < timedelta(seconds=5)


async def test_every_process_follows_within_a_tenth_of_a_second(api: Api, settings: Settings) -> None:
    async with open_stores(settings) as other:
        await api(ADVANCE, input={"by": "PT1H"})
        await asyncio.sleep(0.1)
        assert other.clock.offset == timedelta(hours=1)


async def test_a_process_that_starts_later_has_the_offset_at_once(api: Api, settings: Settings) -> None:
    await api(ADVANCE, input={"by": "PT1H"})
    async with open_stores(settings) as other:
        assert other.clock.offset == timedelta(hours=1)


async def test_the_offset_outlives_redis(api: Api, redis: Redis) -> None:
    await api(ADVANCE, input={"by": "PT1H"})
    await redis.delete("oneid:clock")
    await asyncio.sleep(0.3)
    assert (await api("{ clock { offsetSeconds } }"))["clock"]["offsetSeconds"] == 3600
    assert float(await redis.get("oneid:clock")) == 3600


async def test_twenty_steps_at_once_all_count(api: Api) -> None:
    await asyncio.gather(*(api(ADVANCE, input={"by": "PT1M"}) for _ in range(20)))
    assert (await api("{ clock { offsetSeconds } }"))["clock"]["offsetSeconds"] == 1200


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"by": "-P1D"}, "by"),
        ({"by": "3 days"}, "by"),
        ({"by": ""}, "by"),
        ({"by": "P99999999D"}, "by"),
        ({"by": "P3000000D"}, "by"),
        ({"to": "2020-01-01T00:00:00Z"}, "to"),
    ],
)
async def test_the_clock_goes_neither_back_nor_out_of_the_calendar(
    api: Api, given: dict[str, str], field: str
) -> None:
    answer = (await api(ADVANCE, input=given))["advanceClock"]
    assert [(e["code"], e["field"]) for e in answer["userErrors"]] == [("INVALID", [field])]
    assert answer["clock"]["offsetSeconds"] == 0


async def test_events_are_received_at_the_business_time(api: Api) -> None:
    await api(ADVANCE, input={"by": "P30D"})
    now = parse_time((await api("{ clock { now } }"))["clock"]["now"])
    given = {"identifiers": [{"type": "user_id", "value": "in-30-days"}], "set": {"a": 1}}
    text = """mutation U($i: UpsertCustomerInput!) {
      upsertCustomer(input: $i) { customer { attributes { updatedAt } } }
    }"""
    answer = (await api(text, i=given))["upsertCustomer"]["customer"]["attributes"][0]["updatedAt"]
    assert abs(parse_time(answer) - now) < timedelta(seconds=10)
