"""What `oneid doctor` finds wrong with a Redis."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from oneid.cli import checks
from oneid.cli.checks import Trouble, check_redis
from oneid.log.events import DEAD_KEY
from oneid.settings import Settings


@pytest.fixture
async def configured(redis: Redis, clean: None) -> AsyncIterator[Redis]:
    """As it was again afterwards."""
    names = ("maxmemory", "maxmemory-policy", "appendfsync")
    before = {name: (await redis.config_get(name))[name] for name in names}
    await redis.config_set("maxmemory", "1gb")
    yield redis
    for name, value in before.items():
        await redis.config_set(name, value)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("maxmemory", "0", "set maxmemory below what there is"),
        ("maxmemory-policy", "allkeys-lru", "set maxmemory-policy to noeviction, it is allkeys-lru"),
        ("appendfsync", "everysec", "set appendonly yes and appendfsync always"),
    ],
)
async def test_a_redis_that_may_lose_events_is_named_with_what_to_set(
    configured: Redis, settings: Settings, name: str, value: str, said: str
) -> None:
    assert "0 dead letters" in await check_redis(settings)
    await configured.config_set(name, value)
    with pytest.raises(Trouble, match=said):
        await check_redis(settings)


async def test_dead_letters_that_nobody_looks_at_are_said(
    configured: Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "DEAD_LIMIT", 2)
    for _ in range(3):
        await configured.xadd(DEAD_KEY, {"b": b"letter"})
    with pytest.raises(Trouble, match="3 dead letters wait"):
        await check_redis(settings)
