"""Background loops: they go on whatever happens, and stop when they are told."""

import asyncio
import logging

import pytest

from oneid.errors import Retriable
from oneid.health import Health
from workers.loops import Loop, Loops


async def test_a_loop_goes_on_after_a_failure_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    done = asyncio.Event()
    failures: list[Exception] = [Retriable("the index is away"), ValueError("a bug")]

    async def step() -> int:
        if failures:
            raise failures.pop(0)
        done.set()
        return 0

    loops = Loops([Loop("projection", step, idle=0.01, longest=0.02)])
    with caplog.at_level(logging.WARNING):
        loops.start()
        await asyncio.wait_for(done.wait(), 5)
        await loops.close()

    assert [record.message for record in caplog.records] == [
        "projection waits: the index is away",
        "projection failed and goes on",
    ]


async def test_while_there_is_work_a_loop_does_not_rest() -> None:
    work = list(range(500))
    done = asyncio.Event()

    async def step() -> int:
        if not work:
            done.set()
            return 0
        work.pop()
        return 1

    loops = Loops([Loop("projection", step, idle=60.0)])
    loops.start()
    await asyncio.wait_for(done.wait(), 2)
    await asyncio.wait_for(loops.close(), 2)


async def test_closing_waits_for_a_step_under_way() -> None:
    started, finished = asyncio.Event(), asyncio.Event()

    async def step() -> int:
        started.set()
        await asyncio.sleep(0.05)
        finished.set()
        return 1

    loops = Loops([Loop("projection", step, idle=0.0)])
    loops.start()
    await started.wait()
    await loops.close()

    assert finished.is_set()


async def test_a_step_that_hangs_is_cancelled_after_the_grace() -> None:
    started = asyncio.Event()

    async def step() -> int:
        started.set()
        await asyncio.sleep(3600)
        return 0

    loops = Loops([Loop("projection", step, idle=0.0)], grace=0.05)
    loops.start()
    await started.wait()
    await asyncio.wait_for(loops.close(), 2)


async def test_a_loop_whose_step_was_cancelled_by_nobody_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    """Something that the step awaits was cancelled: without care the loop would end, and nobody would hear."""
    done = asyncio.Event()
    stray = [True]

    async def step() -> int:
        if stray:
            stray.clear()
            raise asyncio.CancelledError
        done.set()
        return 0

    loops = Loops([Loop("projection", step, idle=0.01, longest=0.02)])
    with caplog.at_level(logging.WARNING):
        loops.start()
        await asyncio.wait_for(done.wait(), 5)
        await loops.close()
    assert [record.message for record in caplog.records] == ["projection failed and goes on"]


async def test_a_step_that_hangs_is_seen_and_one_that_may_take_long_is_not() -> None:
    health = Health()

    async def hang() -> int:
        await asyncio.Event().wait()
        return 0

    async def fail() -> int:
        raise Retriable("the index is away")

    steps = {"hung": (hang, 0.1), "waiting": (fail, 0.1), "long": (hang, None)}
    made = [Loop(name, step, idle=0.01, longest=0.02, patience=p) for name, (step, p) in steps.items()]
    loops = Loops(made, grace=0.05, health=health)
    loops.start()
    await asyncio.sleep(0.05)
    assert health.silent() == []
    await asyncio.sleep(0.2)
    assert health.silent() == ["hung"]
    await loops.close()
