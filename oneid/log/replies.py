"""Answers to callers who wait for their entry to be resolved: one pub/sub channel a process."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Final, Literal
from uuid import uuid4

import orjson
from redis.asyncio import Redis
from redis.exceptions import ConnectionError, RedisError

from oneid.backoff import Backoff
from oneid.errors import DeadlineExceeded
from oneid.log.client import transient_faults

logger = logging.getLogger(__name__)

#: After so long without an answer the server is asked whether it is there, and has as long to say so.
QUIET_SECONDS: Final = 4.0

ResolvedStatus = Literal["RESOLVED", "DUPLICATE", "DEAD"]


@dataclass(frozen=True, slots=True)
class Resolved:
    """What became of one message: its customer (None: nobody) and that customer's version."""

    message_id: str
    one_id: str | None
    status: ResolvedStatus
    version: int = 0


class Waiter:
    """Collects the answers for a set of entries, by their full ids (`events.full_id`)."""

    def __init__(self, entries: Sequence[str]) -> None:
        self._missing = set(entries)
        self._results: list[Resolved] = []
        self._done = asyncio.Event()

    def deliver(self, entry: str, results: list[Resolved]) -> None:
        if entry in self._missing:
            self._missing.discard(entry)
            self._results.extend(results)
        if not self._missing:
            self._done.set()

    async def wait(self, seconds: float) -> list[Resolved]:
        """All answers. Raises DeadlineExceeded after `seconds`; the events stay accepted."""
        try:
            await asyncio.wait_for(self._done.wait(), seconds)
        except TimeoutError:
            raise DeadlineExceeded("accepted, but not resolved before the deadline") from None
        return self._results


class Replies:
    """Listens on this process's address. Run `listen()` as a task for as long as callers wait."""

    #: Answers that come before their waiter is registered are kept, newest last, up to this many.
    EARLY = 1000

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.address = uuid4().hex
        self._waiters: dict[str, Waiter] = {}
        self._early: dict[str, list[Resolved]] = {}

    @asynccontextmanager
    async def expect(self, entries: Sequence[str]) -> AsyncGenerator[Waiter]:
        """A waiter for these entries, appended with `reply_to=self.address`."""
        waiter = Waiter(entries)
        for entry in entries:
            self._waiters[entry] = waiter
            if entry in self._early:
                waiter.deliver(entry, self._early.pop(entry))
        try:
            yield waiter
        finally:
            for entry in entries:
                self._waiters.pop(entry, None)

    async def listen(self) -> None:
        """Receives until cancelled; a lost connection is opened again."""
        backoff = Backoff()
        while True:
            try:
                await self._receive(backoff)
            except (RedisError, OSError) as error:
                logger.warning("answers can't be received for now", exc_info=error)
            await asyncio.sleep(backoff.next())

    async def _receive(self, backoff: Backoff) -> None:
        """Raises RedisError where the connection is open and dead: then nothing would come for ever."""
        async with self._redis.pubsub() as channel:
            await channel.subscribe(channel_name(self.address))
            asked = False
            while True:
                message = await channel.get_message(timeout=QUIET_SECONDS)
                if message is None and asked:
                    raise ConnectionError("the connection for answers is silent")
                asked = message is None
                if message is None:
                    await channel.ping()
                elif message["type"] == "message":
                    self._deliver(orjson.loads(message["data"] or b"{}"))
                else:
                    backoff.reset()

    def _deliver(self, answer: dict[str, list[dict[str, object]]]) -> None:
        for entry, rows in answer.items():
            results = [Resolved(**row) for row in rows]  # type: ignore[arg-type]
            waiter = self._waiters.get(entry)
            if waiter:
                waiter.deliver(entry, results)
            else:
                self._keep(entry, results)

    def _keep(self, entry: str, results: list[Resolved]) -> None:
        self._early[entry] = results
        while len(self._early) > self.EARLY:
            del self._early[next(iter(self._early))]


def channel_name(address: str) -> str:
    return f"oneid:replies:{address}"


async def answer(redis: Redis, address: str, results: dict[str, list[Resolved]]) -> None:
    """Tells the process at `address` what became of entries: full id -> a result a message."""
    body = {entry: [asdict(row) for row in rows] for entry, rows in results.items()}
    with transient_faults():
        await redis.publish(channel_name(address), orjson.dumps(body))
