"""Background loops: a step again and again, at once while there is work, and for ever whatever a step raises."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from oneid.backoff import Backoff
from oneid.errors import Retriable
from oneid.health import Health
from oneid.metrics import RESTARTS
from workers.patience import stray

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Loop:
    """`step` returns how much it did. After a step that did nothing the loop rests `idle` seconds, after one
    that did something `busy`; after a failure longer each time, up to `longest`. A step that lasts for more than
    `patience` seconds hangs; None where it may last for as long as there is work."""

    name: str
    step: Callable[[], Awaitable[int]]
    idle: float
    busy: float = 0.0
    longest: float = 5.0
    patience: float | None = 600.0


class Loops:
    """Runs loops until it is closed. A step under way at that moment is finished, for at most `grace` seconds."""

    def __init__(self, loops: Sequence[Loop], *, grace: float = 10.0, health: Health | None = None) -> None:
        self._loops = loops
        self._health = health or Health()
        self._grace = grace
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._run(loop), name=loop.name) for loop in self._loops]

    async def close(self) -> None:
        self._stop.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=self._grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _run(self, loop: Loop) -> None:
        backoff = Backoff(longest=loop.longest)
        pulse = self._health.pulse(loop.name, loop.patience or math.inf)
        while not self._stop.is_set():
            pulse.beat()
            try:
                worked = await loop.step()
            except (Exception, asyncio.CancelledError) as error:
                if isinstance(error, asyncio.CancelledError) and not stray():
                    raise
                _report(loop, error)
                await self._rest(backoff.next())
            else:
                backoff.reset()
                await self._rest(loop.busy if worked else loop.idle)

    async def _rest(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return


def _report(loop: Loop, error: BaseException) -> None:
    RESTARTS.labels(loop.name).inc()
    if isinstance(error, Retriable):
        logger.warning("%s waits: %s", loop.name, error.message)
    else:
        logger.error("%s failed and goes on", loop.name, exc_info=error)
