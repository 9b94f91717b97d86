"""The change feed: one reading of the logs for all who follow them in this process."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from oneid.clock import sequence
from oneid.domain.changes import FAR_NS, Position
from oneid.errors import Retriable
from oneid.services.changes import ChangeReader, News, Source

POLL_SECONDS: Final = 0.2
AWAY_SECONDS: Final = 1.0
WAITING: Final = 100
"""Pages that wait for somebody slow, who then reads by itself again."""

logger = logging.getLogger(__name__)


class Behind(Exception):
    """Somebody did not take what came in time."""


class Follower:
    """Somebody's place at the shared reading: pages of news, in order. `start`: where it began."""

    def __init__(self, start: Position) -> None:
        self.start = start
        self._pages = asyncio.Queue[list[News] | Exception](WAITING)

    def put(self, page: list[News] | Exception) -> bool:
        """Hands a page on, or what ends all; False where too much waits already."""
        if self._pages.full():
            self._pages = asyncio.Queue[list[News] | Exception](WAITING)
            self._pages.put_nowait(Behind())
            return False
        self._pages.put_nowait(page)
        return True

    async def pages(self) -> AsyncIterator[list[News]]:
        """Until the reading ends. Raises Behind, or what ended it."""
        while True:
            page = await self._pages.get()
            if isinstance(page, Exception):
                raise page
            yield page


class ChangeFeed:
    """Reads the logs while anybody follows. Who comes with an old position reads by itself, page by page, until
    it has come up with the shared reading."""

    def __init__(self, *sources: Source) -> None:
        self._sources = sources
        self._followers = set[Follower]()
        self._reader: ChangeReader | None = None
        self._task: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()

    async def open(self, after: Position | None = None) -> ChangeReader:
        """A reader of its own that starts after a position, or with what happens from now on. Raises Retriable."""
        reader = ChangeReader(self._sources, after.sequence if after else sequence())
        await reader.prime(after)
        return reader

    async def follow(self, after: Position | None = None) -> AsyncGenerator[list[News]]:
        """What happens after a position, or from now on, until the consumer stops. Raises Retriable where the logs
        can't be read before it has come up with the shared reading."""
        while True:
            reader = await self.open(after) if after else None
            async for page in polled(reader):
                yield page
                after = page[-1][0]
            try:
                with await self._join() as follower:
                    # What came while it joined may stand in both.
                    async for page in polled(reader):
                        yield page
                        after = page[-1][0]
                    after = after or follower.start
                    async for page in unseen(follower, reader):
                        yield page
                        after = page[-1][0]
            except Behind:
                continue

    async def _join(self) -> AbstractContextManager[Follower]:
        async with self._starting:
            if self._reader is None or self._task is None or self._task.done():
                self._reader = await self.open()
                self._task = asyncio.create_task(self._read(self._reader))
            return self._joined(Follower(self._reader.lately.position))

    @contextmanager
    def _joined(self, follower: Follower) -> Generator[Follower]:
        self._followers.add(follower)
        try:
            yield follower
        finally:
            self._followers.discard(follower)
            if not self._followers and self._task:
                self._task.cancel()
                self._task = None

    async def _read(self, reader: ChangeReader) -> None:
        while True:
            try:
                async for page in reader.poll():
                    self._hand(page)
                await asyncio.sleep(POLL_SECONDS)
            except Retriable as error:
                logger.warning("changes can't be read right now: %s", error.message)
                await asyncio.sleep(AWAY_SECONDS)
            except Exception as error:
                self._hand(error)
                return

    def _hand(self, page: list[News] | Exception) -> None:
        for follower in list(self._followers):
            if not follower.put(page):
                self._followers.discard(follower)


async def polled(reader: ChangeReader | None) -> AsyncIterator[list[News]]:
    """All that there is, with whatever was late."""
    if reader:
        async for page in reader.poll(far=True):
            yield page


async def unseen(follower: Follower, reader: ChangeReader | None) -> AsyncIterator[list[News]]:
    """What comes, without what the reader has told already; once nothing of that can come, it is forgotten."""
    async for page in follower.pages():
        if reader and page[0][0].sequence > reader.lately.high + FAR_NS:
            reader = None
        if news := [one for one in page if not (reader and one[1].id in reader.lately)]:
            yield news
