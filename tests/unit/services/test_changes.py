"""How a reader goes through several logs."""

from collections.abc import Sequence
from typing import Final

import pytest

from oneid.domain.changes import Change, ChangeKind
from oneid.services import changes
from oneid.services.changes import ChangeReader

START: Final = 1_000_000_000_000


class Log:
    """A log in memory; tells how often it was counted."""

    def __init__(self) -> None:
        self.told = list[Change]()
        self.counted = 0

    def commit(self, *sequences: int) -> list[str]:
        self.told += [
            Change(f"{id(self)}-{n}", START + n, ChangeKind.CUSTOMER_CREATED, "", "c") for n in sequences
        ]
        return [f"{id(self)}-{n}" for n in sequences]

    async def page(self, first: int, after: int) -> Sequence[Change]:
        return sorted((one for one in self.told if one.sequence > after), key=lambda one: one.sequence)[
            :first
        ]

    async def among(self, ids: Sequence[str]) -> Sequence[Change]:
        return [one for one in self.told if one.id in ids]

    async def between(self, after: int, until: int) -> int:
        self.counted += 1
        return len(await self.ids(after, until))

    async def ids(self, after: int, until: int) -> Sequence[tuple[int, str]]:
        return [(one.sequence, one.id) for one in self.told if after < one.sequence <= until]


async def told(reader: ChangeReader) -> list[list[str]]:
    return [[change.id for _, change in page] async for page in reader.poll()]


async def reading(*logs: Log) -> ChangeReader:
    reader = ChangeReader(logs, START)
    await reader.prime(None)
    await told(reader)
    for log in logs:
        log.counted = 0
    return reader


async def test_a_log_that_is_behind_another_one_is_not_late() -> None:
    quick, slow = Log(), Log()
    reader = await reading(quick, slow)
    first = quick.commit(5, 6)
    assert await told(reader) == [first]
    behind = slow.commit(2, 3)
    assert await told(reader) == [behind]
    assert quick.counted == slow.counted == 0


async def test_what_is_late_in_its_own_log_is_looked_for_every_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log, now = Log(), [1_000.0]
    monkeypatch.setattr(changes, "monotonic", lambda: now[0])
    reader = await reading(log)
    first = log.commit(5)
    assert await told(reader) == [first]
    late = log.commit(3)
    assert await told(reader) == []
    now[0] += changes.NEAR_SECONDS
    assert await told(reader) == [late]


async def test_pages_of_several_logs_are_in_one_order_and_each_change_comes_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(changes, "PAGE", 3)
    one, other = Log(), Log()
    reader = await reading(one, other)
    a, b = one.commit(1, 3, 5, 7), other.commit(2, 4, 6)
    assert await told(reader) == [[a[0], b[0], a[1]], [b[1], a[2], b[2]], [a[3]]]
    assert await told(reader) == []
