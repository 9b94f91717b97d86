"""Steps that wait for whatever is away, until they are done or somebody asks the process to stop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from graph.partitions import Superseded
from oneid.backoff import Backoff
from oneid.errors import Retriable

logger = logging.getLogger(__name__)
T = TypeVar("T")


class Stopping(Exception):
    """The process is to stop: what is not done stays pending in the log."""


class Patience:
    """Tries a step again until it is done, whatever it raises: giving up would help no entry. `beat` is told of
    every try."""

    def __init__(self, stop: asyncio.Event, beat: Callable[[], None]) -> None:
        self._stop = stop
        self._beat = beat

    async def persist(self, step: Callable[[], Awaitable[T]], doing: str) -> T:
        """Raises Superseded; Stopping instead of waiting on when `stop` is set."""
        backoff = Backoff()
        while True:
            self._beat()
            try:
                return await step()
            except Superseded:
                raise
            except Exception as error:
                report(doing, error)
            await self.rest(backoff.next())

    async def rest(self, seconds: float) -> None:
        """Raises Stopping as soon as `stop` is set."""
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return
        raise Stopping


def report(doing: str, error: BaseException) -> None:
    """What passes is said in a line; anything else is a fault of ours or of the operator's."""
    if isinstance(error, Retriable):
        logger.warning("%s waits: %s", doing, error.message)
    else:
        logger.error("%s fails and is tried again", doing, exc_info=error)


def stray() -> bool:
    """Whether a CancelledError is nobody's wish that this task end: what it awaited was cancelled on its own."""
    task = asyncio.current_task()
    return task is not None and not task.cancelling()
