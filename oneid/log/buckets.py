"""Token buckets in Redis, shared by every process, by the time of Redis: no two clocks have to agree."""

from dataclasses import dataclass
from typing import Final

from redis.asyncio import Redis

from oneid.log.client import transient_faults

PREFIX: Final = "oneid:rate:"

TAKE: Final = """
local rate, burst, least, most = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local known = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens, at = tonumber(known[1]) or burst, tonumber(known[2]) or now
tokens = math.min(burst, tokens + math.max(0, now - at) * rate)
local granted = 0
if tokens >= least then
  granted = math.min(tokens, most)
  tokens = tokens - granted
end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(burst / rate * 1000) + 1000)
return {tostring(granted), tostring(tokens)}
"""


@dataclass(frozen=True, slots=True)
class Grant:
    """What was taken out of a bucket, and what is left in it."""

    granted: float
    left: float


class SharedBuckets:
    """Buckets that fill at `rate` a second up to `burst`, each full at first."""

    def __init__(self, redis: Redis, *, rate: float, burst: float) -> None:
        self._take = redis.register_script(TAKE)
        self._rate = rate
        self._burst = burst

    async def take(self, name: str, least: float, most: float) -> Grant:
        """Takes up to `most`, or nothing where there is less than `least`; one round trip. Raises Retriable."""
        arguments = [self._rate, self._burst, least, most]
        with transient_faults():
            granted, left = await self._take(keys=[f"{PREFIX}{name}"], args=arguments)
        return Grant(float(granted), float(left))
