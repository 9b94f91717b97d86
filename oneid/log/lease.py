"""A lease in Redis: who works on something, for as long as it says so. It keeps two from trying at once;
what must never happen twice is fenced where it is written."""

from typing import Final

from redis.asyncio import Redis

from oneid.log.client import transient_faults

#: May run on a full server: without the lease nobody works, and nothing is freed.
HOLD: Final = """#!lua flags=allow-oom
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

RELEASE: Final = """#!lua flags=allow-oom
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""


class Lease:
    """One name's claim on one key."""

    def __init__(self, redis: Redis, key: str, holder: str, seconds: float = 5.0) -> None:
        self._hold = redis.register_script(HOLD)
        self._release = redis.register_script(RELEASE)
        self._key = f"oneid:lease:{key}"
        self._holder = holder
        self.seconds = seconds

    async def hold(self) -> bool:
        """Takes a free lease or prolongs the own one; False where another has it."""
        with transient_faults():
            return bool(await self._hold(keys=[self._key], args=[self._holder, int(self.seconds * 1000)]))

    async def release(self) -> None:
        with transient_faults():
            await self._release(keys=[self._key], args=[self._holder])
