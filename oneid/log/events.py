"""The event log: one Redis stream a partition, read by one consumer group."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from oneid.log.client import transient_faults

GROUP = "resolve"
DEAD_KEY = "oneid:dead"
#: How long the tries of an entry that crashes the consumer are counted.
TRIES_SECONDS: Final = 86_400

BEGIN_TRY: Final = """#!lua flags=allow-oom
local tries = redis.call('INCR', KEYS[1])
redis.call('EXPIRE', KEYS[1], ARGV[1])
return tries
"""

#: KEYS: stream, dead letters. The age is by the server's clock, as ids are.
STATE: Final = """#!lua flags=no-writes
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
local now, age = redis.call('TIME'), 0
if first then age = now[1] * 1000 + math.floor(now[2] / 1000) - string.match(first[1], '^%d+') end
return {redis.call('XLEN', KEYS[1]), age, redis.call('XLEN', KEYS[2])}
"""

#: Group where it is missing. May run on a full server: a consumer that can't begin never frees anything.
CREATE_GROUP: Final = """#!lua flags=allow-oom
local answer = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
if answer.err and not string.find(answer.err, '^BUSYGROUP') then return answer end
return 1
"""

#: One script, so that it is all or nothing, and may run on a full server: it is what makes room there.
#: KEYS: stream, dead letters, a mark, a ledger key for each ONE-ID. ARGV: group, seconds that ledger and mark
#: are kept, how many entries, their ids, how many dead letters, these, the ONE-IDs.
FINISH: Final = """#!lua flags=allow-oom
local at = 3
local function several()
  local first = at + 1
  at = first + tonumber(ARGV[at])
  return first, at - 1
end
local first_id, last_id = several()
local first_letter, last_letter = several()
for place = 4, #KEYS do
  redis.call('SET', KEYS[place], ARGV[at + place - 4], 'EX', ARGV[2])
end
if last_letter >= first_letter and redis.call('SET', KEYS[3], '', 'NX', 'EX', ARGV[2]) then
  for place = first_letter, last_letter do redis.call('XADD', KEYS[2], '*', 'b', ARGV[place]) end
end
redis.call('XACK', KEYS[1], ARGV[1], unpack(ARGV, first_id, last_id))
redis.call('XDEL', KEYS[1], unpack(ARGV, first_id, last_id))
"""

Pending = tuple[int, dict[str, bytes | str], "asyncio.Future[str]"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as read: `body` is a JSON `Envelope`, `reply_to` the address of a caller who waits."""

    id: str
    body: bytes
    reply_to: str | None

    @property
    def events(self) -> int:
        """How many events it holds, or somewhat more: told without parsing it."""
        return max(1, self.body.count(b'"messageId":'))


@dataclass(frozen=True, slots=True)
class LogState:
    """Entries of a partition that are accepted and not finished, the age in seconds of the oldest of them, and how
    many dead letters there are, of all partitions."""

    entries: int
    oldest_seconds: float
    dead_letters: int


def stream_key(partition: int) -> str:
    return f"oneid:events:{partition}"


class EventLog:
    """Appends durably and reads in order. Concurrent appends share one round trip and one fsync."""

    def __init__(self, redis: Redis, partitions: int = 1) -> None:
        self._redis = redis
        self.partitions = partitions
        self._queue: list[Pending] = []
        self._flusher: asyncio.Task[None] | None = None
        self._create_group = redis.register_script(CREATE_GROUP)
        self._finish = redis.register_script(FINISH)
        self._begin_try = redis.register_script(BEGIN_TRY)
        self._state = redis.register_script(STATE)

    async def append(self, envelopes: Sequence[tuple[int, bytes]], reply_to: str | None = None) -> list[str]:
        """Appends (partition, JSON envelope) pairs and returns their full ids (`full_id`) once they are on disk.

        Raises:
            Retriable: the log can't take writes; what was not acknowledged may still have been written.
        """
        loop = asyncio.get_running_loop()
        futures: list[asyncio.Future[str]] = []
        for partition, body in envelopes:
            fields: dict[str, bytes | str] = {"b": body, "r": reply_to} if reply_to else {"b": body}
            futures.append(loop.create_future())
            self._queue.append((partition, fields, futures[-1]))
        if self._flusher is None or self._flusher.done():
            self._flusher = loop.create_task(self._flush())
        answers = await asyncio.gather(*futures, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        ids = cast(list[str], answers)
        return [full_id(partition, entry) for (partition, _), entry in zip(envelopes, ids, strict=True)]

    async def _flush(self) -> None:
        while self._queue:
            batch, self._queue = self._queue, []
            try:
                with transient_faults():
                    answers = await self._write(batch)
            except Exception as error:
                answers = [error] * len(batch)
            for (_, _, future), answer in zip(batch, answers, strict=True):
                settle(future, answer)

    async def _write(self, batch: list[Pending]) -> list[bytes | Exception]:
        pipeline = self._redis.pipeline(transaction=False)
        for partition, fields, _ in batch:
            pipeline.xadd(stream_key(partition), fields)  # type: ignore[arg-type]
        return await pipeline.execute(raise_on_error=False)

    async def ensure_group(self, partition: int) -> None:
        """Creates stream and group where they are missing, from the first entry on."""
        with transient_faults():
            await self._create_group(keys=[stream_key(partition)], args=[GROUP])

    async def read(self, partition: int, consumer: str, count: int, block_ms: int) -> list[Entry]:
        """Up to `count` new entries for this consumer; waits `block_ms` for the first, then may answer []."""
        try:
            with transient_faults():
                answer = await self._redis.xreadgroup(
                    GROUP, consumer, {stream_key(partition): ">"}, count=count, block=block_ms
                )
        except ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            await self.ensure_group(partition)  # the log was emptied under a running consumer
            return []
        return [entry for _, rows in answer or [] for entry in entries(rows)]

    async def claim(self, partition: int, consumer: str, count: int, idle_ms: int) -> list[tuple[Entry, int]]:
        """Takes over entries that nobody finished for `idle_ms`, oldest first, with the deliveries so far."""
        key = stream_key(partition)
        with transient_faults():
            waiting = await self._redis.xpending_range(key, GROUP, "-", "+", count, idle=idle_ms)
            if not waiting:
                return []
            deliveries = {row["message_id"]: int(row["times_delivered"]) for row in waiting}
            rows = await self._redis.xclaim(key, GROUP, consumer, idle_ms, list(deliveries))
        return [(entry, deliveries[entry.id.encode()]) for entry in entries(rows)]

    async def finish(
        self,
        partition: int,
        ids: Sequence[str],
        seen: dict[str, str],
        ttl_seconds: int,
        dead: Sequence[bytes] = (),
    ) -> None:
        """Acknowledges and trims entries, notes their messageIds (-> ONE-ID or "") and keeps their
        dead letters (`dead_letters.body`), all or nothing, also on a full server. Doing it again, because the
        answer was lost, changes nothing."""
        mark = f"oneid:dead:{partition}:{ids[0]}"
        keys = [stream_key(partition), DEAD_KEY, mark, *(seen_key(message_id) for message_id in seen)]
        values: list[str | int | bytes] = [
            GROUP,
            ttl_seconds,
            len(ids),
            *ids,
            len(dead),
            *dead,
            *seen.values(),
        ]
        with transient_faults():
            await self._finish(keys=keys, args=values)

    async def begin_try(self, partition: int, entry_id: str) -> int:
        """Which try this is, of those that were not ended: a process that crashes does not end it."""
        with transient_faults():
            return int(await self._begin_try(keys=[tries_key(partition, entry_id)], args=[TRIES_SECONDS]))

    async def end_try(self, partition: int, entry_id: str) -> None:
        with transient_faults():
            await self._redis.delete(tries_key(partition, entry_id))

    async def seen(self, message_ids: Sequence[str]) -> dict[str, str]:
        """Those of the messageIds that were resolved within the dedupe window -> their ONE-ID or ""."""
        if not message_ids:
            return {}
        with transient_faults():
            values = await self._redis.mget([seen_key(message_id) for message_id in message_ids])
        return {m: v.decode() for m, v in zip(message_ids, values, strict=True) if v is not None}

    async def unfinished(self, partition: int, ids: Sequence[str]) -> bool:
        """Whether one of these entries was read and is not finished."""
        with transient_faults():
            waiting = await self._redis.xpending_range(stream_key(partition), GROUP, "-", "+", 10_000)
        return not {row["message_id"].decode() for row in waiting}.isdisjoint(ids)

    async def state(self, partition: int) -> LogState:
        with transient_faults():
            entries, milliseconds, dead = await self._state(keys=[stream_key(partition), DEAD_KEY])
        return LogState(int(entries), max(0, int(milliseconds)) / 1000, int(dead))

    async def page(self, partition: int, first: int, after: str | None = None) -> list[Entry]:
        """Up to `first` entries accepted and not finished, oldest first, after the one with id `after`."""
        with transient_faults():
            rows = await self._redis.xrange(
                stream_key(partition), min=f"({after}" if after else "-", count=first
            )
        return entries(rows)

    async def backlog(self, partition: int) -> int:
        """Entries accepted and not finished."""
        with transient_faults():
            return int(await self._redis.xlen(stream_key(partition)))


def full_id(partition: int, entry_id: str) -> str:
    """Tells an entry from those of other partitions: streams count alike, so that two may have the same id."""
    return f"{partition}/{entry_id}"


def tries_key(partition: int, entry_id: str) -> str:
    return f"oneid:tries:{partition}:{entry_id}"


def seen_key(message_id: str) -> str:
    return f"oneid:seen:{message_id}"


def entries(rows: Sequence[tuple[bytes, dict[bytes, bytes] | None]]) -> list[Entry]:
    """Entries of a reply; rows deleted meanwhile come without fields and are left out."""
    return [
        Entry(id_.decode(), fields[b"b"], fields[b"r"].decode() if b"r" in fields else None)
        for id_, fields in rows
        if fields
    ]


def settle(future: "asyncio.Future[str]", answer: bytes | Exception) -> None:
    if future.done():
        return
    if isinstance(answer, Exception):
        try:
            with transient_faults():
                raise answer
        except Exception as error:
            future.set_exception(error)
    else:
        future.set_result(answer.decode())
