"""How much a key may ask, counted in Redis for all processes, and in each of them while Redis is away."""

import asyncio
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from oneid.errors import Throttled
from oneid.log import client
from oneid.log.buckets import PREFIX, Grant, SharedBuckets
from oneid.services import rates
from oneid.services.rates import RateService


class Counted(SharedBuckets):
    """Counts the round trips."""

    trips = 0

    async def take(self, name: str, least: float, most: float) -> Grant:
        self.trips += 1
        return await super().take(name, least, most)


def service(redis: Redis, rate: float, burst: float) -> RateService:
    return RateService(SharedBuckets(redis, rate=rate, burst=burst), rate=rate, burst=burst)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine is no Redis that is away."""
    monkeypatch.setattr(rates, "PATIENCE", 20.0)


@pytest.fixture
def key() -> str:
    return f"key-{uuid4().hex}"


async def test_a_burst_passes_then_the_rate_holds_and_the_wait_that_is_told_is_enough(
    redis: Redis, key: str
) -> None:
    limited = service(redis, rate=20, burst=100)
    assert (await limited.take(key, 60)).remaining == 40
    with pytest.raises(Throttled) as refused:
        await limited.take(key, 50)
    assert 0.3 < refused.value.retry_after <= 0.5
    assert (await limited.take(key, 40)).limit == 100, "what was refused has taken nothing"
    with pytest.raises(Throttled) as refused:
        await limited.take(key, 5)
    await asyncio.sleep(refused.value.retry_after + 0.01)
    await limited.take(key, 5)


async def test_processes_share_what_a_key_has_and_keys_do_not(redis: Redis, key: str) -> None:
    one, other = service(redis, rate=1, burst=100), service(redis, rate=1, burst=100)
    await one.take(key, 60)
    with pytest.raises(Throttled):
        await other.take(key, 60)
    await other.take(f"{key}-2", 60)


async def test_what_costs_more_than_there_ever_is_takes_all_there_is(redis: Redis, key: str) -> None:
    limited = service(redis, rate=10, burst=100)
    assert (await limited.take(key, 1_000)).remaining == 0
    with pytest.raises(Throttled) as refused:
        await limited.take(key, 1_000)
    assert 9 < refused.value.retry_after <= 10


async def test_small_operations_do_not_wait_for_a_round_trip_each(redis: Redis, key: str) -> None:
    buckets = Counted(redis, rate=50_000, burst=200_000)
    limited = RateService(buckets, rate=50_000, burst=200_000)
    for _ in range(1_000):
        await limited.take(key, 1)
    assert buckets.trips <= 4
    left = await buckets.take(key, 0, 0)
    assert 197_000 <= left.left <= 200_000


async def test_many_at_once_take_no_more_than_there_is(redis: Redis, key: str) -> None:
    limited = service(redis, rate=0.001, burst=100)
    answers = await asyncio.gather(*(limited.take(key, 1) for _ in range(150)), return_exceptions=True)
    assert len([answer for answer in answers if isinstance(answer, Throttled)]) == 50


async def test_while_redis_is_away_each_process_has_a_limit_of_its_own(redis: Redis, key: str) -> None:
    async with client.connect("redis://127.0.0.1:1/0") as away:
        limited = service(away, rate=1, burst=100)
        assert (await limited.take(key, 60)).remaining == 40
        with pytest.raises(Throttled):
            await limited.take(key, 60)


async def test_a_bucket_is_forgotten_once_it_is_full_again(redis: Redis, key: str) -> None:
    await service(redis, rate=100, burst=100).take(key, 10)
    assert 1_000 < await redis.pttl(f"{PREFIX}{key}") <= 2_000
