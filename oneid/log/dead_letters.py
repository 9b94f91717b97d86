"""Messages that could not be processed: kept with the reason until someone replays or discards them."""

from collections.abc import Sequence
from dataclasses import dataclass

import orjson
from redis.asyncio import Redis

from oneid.domain.messages import Envelope
from oneid.log.client import transient_faults
from oneid.log.events import DEAD_KEY, stream_key


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

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

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
        """Appends these letters to the log again and removes them, each all or nothing; ids replayed."""
        letters = await self.get(ids)
        for letter in letters:
            pipeline = self._redis.pipeline(transaction=True)
            pipeline.xadd(stream_key(letter.partition), {"b": orjson.dumps(letter.envelope)})
            pipeline.xdel(DEAD_KEY, letter.id)
            with transient_faults():
                await pipeline.execute()
        return [letter.id for letter in letters]

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
