"""A lease in Redis: who works on something, for as long as it says so. It keeps two from trying at once;
what must never happen twice is fenced where it is written."""

from redis.asyncio import Redis

from oneid.log.client import transient_faults


class Lease:
    """One name's claim on one key."""

    def __init__(self, redis: Redis, key: str, holder: str, seconds: float = 5.0) -> None:
        self._redis = redis
        self._key = f"oneid:lease:{key}"
        self._holder = holder
        self.seconds = seconds

    async def hold(self) -> bool:
        """Takes a free lease or prolongs the own one; False where another has it."""
        milliseconds = int(self.seconds * 1000)
        with transient_faults():
            if await self._redis.set(self._key, self._holder, px=milliseconds, nx=True):
                return True
            if await self._redis.get(self._key) != self._holder.encode():
                return False
            return bool(await self._redis.pexpire(self._key, milliseconds))

    async def release(self) -> None:
        with transient_faults():
            if await self._redis.get(self._key) == self._holder.encode():
                await self._redis.delete(self._key)
