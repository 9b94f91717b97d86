"""Rounds: one piece of work for everybody who asks while one is running."""

import asyncio

import pytest

from oneid.errors import Retriable
from oneid.services.rounds import Rounds


class Work:
    """Records rounds; each waits for `go`."""

    def __init__(self) -> None:
        self.rounds: list[list[str]] = []
        self.go = asyncio.Event()
        self.failure: Exception | None = None

    async def __call__(self, items: list[str]) -> None:
        self.rounds.append(items)
        await self.go.wait()
        if self.failure:
            raise self.failure


async def test_who_joins_while_a_round_runs_shares_the_next_one() -> None:
    work = Work()
    rounds = Rounds(work)
    first = asyncio.create_task(rounds.join(["a"]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    later = [asyncio.create_task(rounds.join([name])) for name in ("c", "b", "c")]
    await asyncio.sleep(0)
    work.go.set()
    await asyncio.gather(first, *later)

    assert work.rounds == [["a"], ["b", "c"]]


async def test_a_failure_reaches_everybody_and_the_next_round_works() -> None:
    work = Work()
    work.failure = Retriable("away")
    work.go.set()
    rounds = Rounds(work)

    results = await asyncio.gather(rounds.join(["a"]), rounds.join(["b"]), return_exceptions=True)
    work.failure = None
    await rounds.join(["a"])

    assert [type(result) for result in results] == [Retriable, Retriable]
    assert work.rounds == [["a", "b"], ["a"]]


async def test_a_caller_that_gives_up_does_not_take_the_round_away() -> None:
    work = Work()
    rounds = Rounds(work)
    leaving, staying = (asyncio.create_task(rounds.join([name])) for name in "ab")
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    work.go.set()
    await staying

    assert work.rounds == [["a", "b"]]
