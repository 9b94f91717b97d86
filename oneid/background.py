"""Work beside other work, which ends with it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")


@asynccontextmanager
async def background(work: Coroutine[Any, Any, None]) -> AsyncGenerator[asyncio.Task[None]]:
    """Runs endless work until the end of the block."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        await end(task)


async def together(work: Iterable[Awaitable[T]]) -> list[T]:
    """Waits for all of it, also when a part fails, and raises the first failure: nothing is left behind."""
    done = list[T]()
    for outcome in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
        done.append(outcome)
    return done


async def end(task: asyncio.Task[Any]) -> None:
    """Cancels a task until it ends and raises what it failed with. Once is not enough: Python 3.11's
    `asyncio.wait_for`, which clients of the stores use, swallows a cancellation that comes just as its work is
    done, and the task would go on for ever."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=1)
    if not task.cancelled():
        task.result()
