"""One reader of the logs: each change at least once, however late it commits."""

from collections.abc import Sequence

import pytest

from graph.change_pages import ChangePages
from graph.client import Graph
from oneid.domain.changes import NEAR_NS, Change, Position
from oneid.services import changes
from oneid.services.changes import ChangeReader, DecisionSource
from tests.change_log import FUTURE, SECOND, Writer

START = Position(FUTURE, 0, 0)


class Counted(DecisionSource):
    """Counts how many changes are read, and of how many only the ids; and tells from where they were counted."""

    def __init__(self, pages: ChangePages) -> None:
        super().__init__(pages)
        self.read = 0
        self.listed = 0
        self.counted = list[int]()

    async def between(self, after: int, until: int) -> int:
        self.counted.append(after)
        return await super().between(after, until)

    async def page(self, first: int, after: int) -> Sequence[Change]:
        return self._counted(await super().page(first, after))

    async def among(self, ids: Sequence[str]) -> Sequence[Change]:
        return self._counted(await super().among(ids))

    async def ids(self, after: int, until: int) -> Sequence[tuple[int, str]]:
        found = await super().ids(after, until)
        self.listed += len(found)
        return found

    def _counted(self, found: Sequence[Change]) -> Sequence[Change]:
        self.read += len(found)
        return found


class Logs:
    """Opens readers, and counts what they read."""

    def __init__(self, graph: Graph) -> None:
        self.source = Counted(ChangePages(graph))

    async def open(self, after: Position) -> ChangeReader:
        reader = ChangeReader([self.source], after.sequence)
        await reader.prime(after)
        return reader


@pytest.fixture
def logs(graph: Graph) -> Logs:
    return Logs(graph)


async def ids(reader: ChangeReader, *, far: bool = False) -> list[str]:
    return [change.id async for page in reader.poll(far=far) for _, change in page]


async def positions(reader: ChangeReader) -> list[Position]:
    return [position async for page in reader.poll() for position, _ in page]


async def test_what_commits_late_is_still_told_once(
    logs: Logs, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "NEAR_SECONDS", 0.0)
    reader = await logs.open(START)
    early = await writer.commit(FUTURE + 2 * SECOND)
    assert await ids(reader) == early
    late = await writer.commit(FUTURE + SECOND)
    assert await ids(reader) == late
    assert await ids(reader) == []


async def test_late_ones_among_thousands_cost_the_ids_of_those_around_them(
    logs: Logs, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "LISTED", 1_000)
    reader = await logs.open(START)
    many = await writer.commit(*(FUTURE + n * SECOND // 100 for n in range(1, 5_001)))
    assert await ids(reader, far=True) == many
    late = await writer.commit(FUTURE + 20 * SECOND + 1, FUTURE + 20 * SECOND + 2)
    logs.source.read = logs.source.listed = 0

    assert await ids(reader, far=True) == late
    assert logs.source.read == 2
    assert 2 <= logs.source.listed <= 2_000


async def test_who_begins_does_not_look_far_at_once(logs: Logs, writer: Writer) -> None:
    await writer.commit(*(FUTURE - n * SECOND for n in range(1, 101)))
    reader = ChangeReader([logs.source], FUTURE)
    await reader.prime(None)
    logs.source.counted.clear()

    assert await ids(reader) == []
    assert logs.source.counted == [FUTURE - NEAR_NS]


async def test_what_commits_two_minutes_late_is_told_once_by_who_looks_far_enough(
    logs: Logs, writer: Writer
) -> None:
    reader = await logs.open(START)
    await ids(reader, far=True)
    early = await writer.commit(FUTURE + 121 * SECOND)
    assert await ids(reader) == early
    late = await writer.commit(FUTURE + SECOND)
    assert await ids(reader) == [], "not at each poll"
    assert await ids(reader, far=True) == late
    assert await ids(reader, far=True) == []


async def test_a_position_goes_on_exactly_when_nothing_came_late(logs: Logs, writer: Writer) -> None:
    reader = await logs.open(START)
    await writer.commit(FUTURE + 1, FUTURE + 2)
    first, second = await positions(reader)
    third = await writer.commit(FUTURE + 3)
    assert await ids(await logs.open(second)) == third
    assert len(await ids(await logs.open(first))) == 2


async def test_after_resuming_as_little_as_possible_is_told_again(logs: Logs, writer: Writer) -> None:
    reader = await logs.open(START)
    old = await writer.commit(FUTURE + SECOND, FUTURE + 60 * SECOND)
    new = await writer.commit(FUTURE + 97 * SECOND, FUTURE + 100 * SECOND)
    position = (await positions(reader))[-1]
    assert position == Position(FUTURE + 100 * SECOND, 2, 4)
    late = await writer.commit(FUTURE + 98 * SECOND)
    assert await ids(await logs.open(position)) == [new[0], *late, new[1]], "the near ones only"
    later = await writer.commit(FUTURE + 50 * SECOND)
    assert await ids(await logs.open(position)) == [old[0], *later, old[1], new[0], *late, new[1]]


async def test_what_is_gone_from_the_log_makes_nobody_read_it_again_and_again(
    logs: Logs, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = await logs.open(START)
    told = await writer.commit(FUTURE + SECOND, FUTURE + 2 * SECOND, FUTURE + 3 * SECOND)
    assert await ids(reader) == told
    await writer.forget(told[:2])
    assert await ids(reader) == []
    pages = list[int]()
    page = logs.source.page

    async def counted(first: int, after: int) -> object:
        pages.append(after)
        return await page(first, after)

    monkeypatch.setattr(logs.source, "page", counted)
    assert await ids(reader) == []
    assert pages == [FUTURE + 3 * SECOND]


async def test_a_long_way_is_read_in_pages(logs: Logs, writer: Writer) -> None:
    reader = await logs.open(START)
    told = await writer.commit(*(FUTURE + n for n in range(1, 1201)))
    pages = [[change.id for _, change in page] async for page in reader.poll()]
    assert [len(page) for page in pages] == [500, 500, 200]
    assert [id_ for page in pages for id_ in page] == told
    assert await ids(reader) == []
