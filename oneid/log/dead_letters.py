"""Messages that could not be processed: kept with the reason until someone replays or discards them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import orjson
from redis.asyncio import Redis

from oneid.domain.messages import Envelope
from oneid.domain.validation import partition_of
from oneid.log.client import transient_faults
from oneid.log.events import DEAD_KEY, stream_key

#: Whoever comes second, or again because the answer was lost, finds no letter any more and appends nothing.
REPLAY: Final = """#!lua
if #redis.call('XRANGE', KEYS[2], ARGV[1], ARGV[1]) == 0 then return 0 end
redis.call('XADD', KEYS[1], '*', 'b', ARGV[2])
return redis.call('XDEL', KEYS[2], ARGV[1])
"""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message with its envelope, why it failed, and when (RFC 3339)."""

    id: str
    message_id: str
    reason: str
    at: str
    partition: int
    envelope: Envelope


class DeadLetters:
    """A stream of its own beside the log: as durable, listed in order of failure."""

    def __init__(self, redis: Redis, partitions: int = 1) -> None:
        self._redis = redis
        self._partitions = partitions
        self._replay = redis.register_script(REPLAY)

    async def page(self, first: int, after: str | None = None) -> list[DeadLetter]:
        """Up to `first` letters, oldest first, after the letter with id `after`."""
        with transient_faults():
            rows = await self._redis.xrange(DEAD_KEY, min=f"({after}" if after else "-", count=first)
        return [read(id_, fields) for id_, fields in rows]

    async def count(self) -> int:
        with transient_faults():
            return int(await self._redis.xlen(DEAD_KEY))

    async def get(self, ids: Sequence[str]) -> list[DeadLetter]:
        """Those of the ids that exist."""
        with transient_faults():
            pipeline = self._redis.pipeline(transaction=False)
            for id_ in ids:
                pipeline.xrange(DEAD_KEY, min=id_, max=id_)
            found = await pipeline.execute()
        return [read(id_, fields) for rows in found for id_, fields in rows]

    async def replay(self, ids: Sequence[str]) -> list[str]:
        """Appends these letters to the log again and removes them, each all or nothing; ids replayed. They go where
        their messages go today, which may be another partition than the one they failed in."""
        letters = await self.get(ids)
        replayed = list[str]()
        for letter in letters:
            partition = partition_of(letter.envelope["items"][0], self._partitions)
            keys, body = [stream_key(partition), DEAD_KEY], orjson.dumps(letter.envelope)
            with transient_faults():
                if await self._replay(keys=keys, args=[letter.id, body]):
                    replayed.append(letter.id)
        return replayed

    async def discard(self, ids: Sequence[str]) -> list[str]:
        """Removes these letters for good; ids removed."""
        letters = await self.get(ids)
        if letters:
            with transient_faults():
                await self._redis.xdel(DEAD_KEY, *(letter.id for letter in letters))
        return [letter.id for letter in letters]


def body(envelope: Envelope, reason: str, at: str, partition: int) -> bytes:
    """A dead letter as `EventLog.finish` keeps it; the envelope has exactly one item."""
    return orjson.dumps({"envelope": envelope, "reason": reason, "at": at, "partition": partition})


def read(id_: bytes, fields: dict[bytes, bytes]) -> DeadLetter:
    letter = orjson.loads(fields[b"b"])
    item = letter["envelope"]["items"][0]
    return DeadLetter(id=id_.decode(), message_id=item["messageId"], **letter)
