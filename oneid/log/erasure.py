"""What the log holds of an erased person: entries on their way, and which customer a messageId was."""

from collections.abc import Sequence
from typing import Final

import orjson
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from oneid.log.client import transient_faults
from oneid.log.events import entries, seen_key, stream_key

#: A duplicate is still known, but whose it was is not. May run on a full server: it only makes room.
FORGET: Final = """#!lua flags=allow-oom
for _, key in ipairs(KEYS) do
  redis.call('SET', key, '', 'XX', 'KEEPTTL')
end
"""


NEWEST: Final = 20
"""Entries of each partition that are looked at: each may be as large as a request."""


class LogErasure:
    """Tells when the log has passed a moment, and forgets ONE-IDs."""

    def __init__(self, redis: Redis, partitions: int) -> None:
        self._redis = redis
        self._partitions = partitions
        self._forget = redis.register_script(FORGET)

    async def marks(self) -> list[str]:
        """The id of each partition's newest entry, in order of partition."""
        return [await self._newest(partition) for partition in range(self._partitions)]

    async def latest(self) -> str | None:
        """The latest `receivedAt` (RFC 3339) among the newest entries that wait, None if none does."""
        found = list[str]()
        for partition in range(self._partitions):
            with transient_faults():
                rows = await self._redis.xrevrange(stream_key(partition), count=NEWEST)
            found += [orjson.loads(entry.body)["receivedAt"] for entry in entries(rows)]
        return max(found, default=None)

    async def passed(self, marks: Sequence[str]) -> bool:
        """Whether every entry up to the marks is finished."""
        for partition, mark in enumerate(marks):
            with transient_faults():
                if await self._redis.xrange(stream_key(partition), max=mark, count=1):
                    return False
        return True

    async def forget(self, message_ids: Sequence[str]) -> None:
        """Keeps that these messages were resolved, and forgets to which customer."""
        if message_ids:
            keys = [seen_key(message_id) for message_id in message_ids]
            with transient_faults():
                await self._forget(keys=keys)

    async def _newest(self, partition: int) -> str:
        try:
            with transient_faults():
                found = await self._redis.xinfo_stream(stream_key(partition))
        except ResponseError as error:
            if "no such key" not in str(error):
                raise
            return "0-0"
        newest = found["last-generated-id"]
        return newest.decode() if isinstance(newest, bytes) else str(newest)
