"""The business clock: the system's in live deployments, one that can be advanced in a sandbox."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from pydantic import TypeAdapter, ValidationError

from graph.clock import ClockStore
from oneid.clock import SystemClock
from oneid.errors import Conflict, InvalidInput, Retriable
from oneid.log.clock import SharedOffset

POLL_SECONDS: Final = 0.05
DURATION: Final = TypeAdapter(timedelta)


class ClockService:
    """Reads and advances the clock. `due`: does what a move has made due; `sandbox`: a live clock can't be moved."""

    def __init__(
        self,
        clock: SystemClock,
        store: ClockStore,
        shared: SharedOffset,
        due: Callable[[], Awaitable[None]],
        *,
        sandbox: bool,
    ) -> None:
        self._due = due
        self._clock = clock
        self._store = store
        self._shared = shared
        self._sandbox = sandbox

    def now(self) -> datetime:
        """The business time, aware, in UTC."""
        return self._clock.now()

    @property
    def offset(self) -> timedelta:
        """How far the business time is ahead of the system's."""
        return self._clock.offset

    async def advance_by(self, duration: str) -> None:
        """Moves the clock forwards by an ISO-8601 duration such as P3D. Raises InvalidInput, Conflict."""
        step = parse_duration(duration).total_seconds()
        await self._move(lambda offset: offset + step, "by")

    async def advance_to(self, moment: datetime) -> None:
        """Moves the clock forwards to a moment. Raises InvalidInput if it has passed, Conflict."""
        system = self._clock.now() - self._clock.offset
        target = (moment - system).total_seconds()

        def move(offset: float) -> float:
            if target < offset:
                raise InvalidInput("the clock can't go back", field=("to",))
            return target

        await self._move(move, "to")

    async def _move(self, target: Callable[[float], float], field: str) -> None:
        if not self._sandbox:
            raise Conflict("only a sandbox's clock can be moved")
        system = self._clock.now() - self._clock.offset

        def checked(offset: float) -> float:
            seconds = target(offset)
            try:
                _ = system + timedelta(seconds=seconds)
            except OverflowError:
                raise InvalidInput("the clock can't go that far", field=(field,)) from None
            return seconds

        seconds = await self._store.move(checked)
        self._clock.offset = timedelta(seconds=await self._shared.raise_to(seconds))
        with suppress(Retriable):
            # What can't be done now the workers do as soon as it can be.
            await self._due()


class ClockFollower:
    """Keeps this process's clock at the offset that was set anywhere. Run `follow()` as a task in sandboxes."""

    def __init__(self, clock: SystemClock, store: ClockStore, shared: SharedOffset) -> None:
        self._clock = clock
        self._store = store
        self._shared = shared

    async def catch_up(self) -> None:
        """Takes the offset over once; what Redis has lost it gets back from the graph. Raises Retriable."""
        before = self._clock.offset
        seconds = await self._shared.get()
        if seconds is None:
            seconds = await self._shared.raise_to(await self._store.offset())
        # Moved here meanwhile: what was read is older than that.
        if self._clock.offset == before:
            self._clock.offset = timedelta(seconds=seconds)

    async def follow(self) -> None:
        """Catches up until cancelled; while a store is away the clock runs on as it was."""
        while True:
            with suppress(Retriable):
                await self.catch_up()
            await asyncio.sleep(POLL_SECONDS)


def parse_duration(text: str) -> timedelta:
    """An ISO-8601 duration, zero or more. Raises InvalidInput."""
    problem = InvalidInput("by must be an ISO-8601 duration such as P3D or PT12H", field=("by",))
    if not text.upper().startswith("P"):
        raise problem
    try:
        return DURATION.validate_python(text)
    except ValidationError:
        raise problem from None
