"""One reading of the logs for all who follow."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager

import pytest

from graph.change_pages import ChangePages
from graph.client import Graph
from oneid.clock import sequence
from oneid.domain.changes import Change, Position
from oneid.errors import Retriable
from oneid.services import change_feed
from oneid.services.change_feed import ChangeFeed
from oneid.services.changes import DecisionSource, News
from tests.change_log import Writer


class Counted(DecisionSource):
    """Counts the reads, and fails on demand."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(ChangePages(graph))
        self.reads = 0
        self.fault: Exception | None = None

    async def page(self, first: int, after: int) -> Sequence[Change]:
        self.reads += 1
        if self.fault:
            raise self.fault
        return await super().page(first, after)

    async def between(self, after: int, until: int) -> int:
        self.reads += 1
        return await super().between(after, until)


@pytest.fixture
def source(graph: Graph) -> Counted:
    return Counted(graph)


@pytest.fixture
def feed(source: Counted, monkeypatch: pytest.MonkeyPatch) -> ChangeFeed:
    monkeypatch.setattr(change_feed, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(change_feed, "AWAY_SECONDS", 0.05)
    return ChangeFeed(source)


class Listener:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard = list[News]()

    @property
    def ids(self) -> list[str]:
        return [change.id for _, change in self.heard]

    async def hears(self, count: int) -> list[str]:
        """The ids of the first so many."""
        for _ in range(1_000):
            if len(self.heard) >= count:
                break
            await asyncio.sleep(0.01)
        return self.ids


@asynccontextmanager
async def listening(
    feed: ChangeFeed, after: Position | None = None, *, pause: float = 0
) -> AsyncGenerator[Listener]:
    """Somebody who follows, once that has begun."""
    listener = Listener()

    async def listen() -> None:
        async with aclosing(feed.follow(after)) as pages:
            async for page in pages:
                listener.heard += page
                await asyncio.sleep(pause)

    task = asyncio.create_task(listen())
    await asyncio.sleep(0.3)
    yield listener
    if task.done():
        await task
    task.cancel()
    await asyncio.wait({task})


async def test_many_who_follow_read_no_more_than_one(
    feed: ChangeFeed, source: Counted, writer: Writer
) -> None:
    reads = list[int]()
    for followers in (1, 20):
        open_ones = [listening(feed) for _ in range(followers)]
        listeners = [await one.__aenter__() for one in open_ones]
        source.reads = 0
        await asyncio.sleep(0.5)
        reads.append(source.reads)
        told = await writer.commit(sequence())
        for listener in listeners:
            assert await listener.hears(1) == told
        for one in open_ones:
            await one.__aexit__(None, None, None)
    most = 2 * (0.5 / change_feed.POLL_SECONDS + 1)
    assert max(reads) <= most


async def test_nobody_reads_when_nobody_follows(feed: ChangeFeed, source: Counted, writer: Writer) -> None:
    async with listening(feed):
        pass
    await asyncio.sleep(0.1)
    source.reads = 0
    missed = await writer.commit(sequence())
    await asyncio.sleep(0.2)
    assert source.reads == 0
    async with listening(feed) as listener:
        told = await writer.commit(sequence())
        assert await listener.hears(1) == told
    assert missed[0] not in listener.ids, "from now on means from now on"


async def test_going_on_loses_and_doubles_nothing_while_more_comes(feed: ChangeFeed, writer: Writer) -> None:
    start = (await feed.open()).lately.position
    told = list[str]()
    stop = asyncio.Event()

    async def write() -> None:
        while not stop.is_set():
            told.extend(await writer.commit(sequence(), sequence() + 1))
            await asyncio.sleep(0.005)

    writing = asyncio.create_task(write())
    await asyncio.sleep(0.3)
    async with listening(feed), listening(feed, start) as first, listening(feed, start) as second:
        await asyncio.sleep(0.5)
        stop.set()
        await writing
        for listener in (first, second):
            assert sorted(await listener.hears(len(told))) == sorted(told)
        position = first.heard[len(told) // 2][0]
        async with listening(feed, position) as third:
            rest = first.ids[len(told) // 2 + 1 :]
            assert set(await third.hears(len(rest))) >= set(rest)


async def test_who_is_slow_reads_by_itself_again_and_misses_nothing(
    feed: ChangeFeed, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_feed, "WAITING", 2)
    told = list[str]()
    async with listening(feed, pause=0.3) as slow, listening(feed) as quick:
        for _ in range(12):
            told += await writer.commit(sequence())
            await asyncio.sleep(0.1)
        assert await quick.hears(len(told)) == told
        assert await slow.hears(len(told)) == told


async def test_a_log_that_is_away_for_a_while_ends_nobody(
    feed: ChangeFeed, source: Counted, writer: Writer
) -> None:
    async with listening(feed) as listener:
        source.fault = Retriable("away")
        told = await writer.commit(sequence())
        await asyncio.sleep(0.3)
        assert listener.heard == []
        source.fault = None
        assert await listener.hears(1) == told


async def test_what_nobody_foresaw_ends_all_and_the_next_begin_anew(
    feed: ChangeFeed, source: Counted, writer: Writer
) -> None:
    following = feed.follow()
    first = asyncio.ensure_future(anext(following))
    await asyncio.sleep(0.3)
    source.fault = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await first
    source.fault = None
    async with listening(feed) as listener:
        told = await writer.commit(sequence())
        assert await listener.hears(1) == told
