"""The sandbox clock's offset in Redis, where every process can read it many times a second."""

from typing import Final

from redis.asyncio import Redis

from oneid.log.client import transient_faults

KEY: Final = "oneid:clock"

RAISE: Final = """
local known = redis.call('GET', KEYS[1])
if not known or tonumber(known) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end
return redis.call('GET', KEYS[1])
"""
"""Time never goes back, so of two writers the one that is further ahead wins, whoever comes last."""


class SharedOffset:
    """The offset in seconds that all processes follow."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._raise = redis.register_script(RAISE)

    async def get(self) -> float | None:
        """None where nobody has set it, or Redis lost it."""
        with transient_faults():
            raw = await self._redis.get(KEY)
        return float(raw) if raw is not None else None

    async def raise_to(self, seconds: float) -> float:
        """Sets the offset unless it is further ahead already; what it is then."""
        with transient_faults():
            raw = await self._raise(keys=[KEY], args=[repr(seconds)])
        return float(raw)
