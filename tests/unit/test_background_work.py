"""Work in the background ends with its block, whatever it does with cancellations."""

import asyncio
from contextlib import suppress

import pytest

from oneid.background import background


async def test_a_lost_cancellation_does_not_keep_the_process_alive() -> None:
    ended = False

    async def deaf_once() -> None:
        nonlocal ended
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        try:
            await asyncio.Event().wait()
        finally:
            ended = True

    async with asyncio.timeout(5), background(deaf_once()):
        await asyncio.sleep(0)
    assert ended


async def test_work_that_failed_is_heard_of_at_the_end() -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async with background(fail()):
            await asyncio.sleep(0)
