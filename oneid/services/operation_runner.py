"""Carrying operations out: one run at a time is entitled to each, and a run that dies is followed by another."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any, Final
from uuid import uuid4

from graph.operation_files import OperationFiles
from graph.operations import OperationStore
from oneid.backoff import Backoff
from oneid.clock import Clock, sequence
from oneid.domain.messages import format_time
from oneid.domain.operations import OperationStatus
from oneid.errors import Conflict, OneIdError, Retriable
from oneid.metrics import OPERATIONS
from oneid.services.operation_run import MAX_ATTEMPTS, Cancelled, Handler, LeaseLost, Pace, Run

LONGEST_WAIT: Final = 60.0
MASKED: Final = "Something went wrong on our side."

GiveUp = Callable[[], Awaitable[None]]

logger = logging.getLogger(__name__)


class OperationRunner:
    """Claims and runs what is due, one operation at a time. Any number may run at once, in any process."""

    def __init__(
        self,
        store: OperationStore,
        files: OperationFiles,
        handlers: Mapping[str, Handler],
        clock: Clock,
        *,
        give_ups: Mapping[str, GiveUp] | None = None,
        pace: Pace | None = None,
    ) -> None:
        """`give_ups`: what tidies up, by kind, after an operation whose runners died so often that no handler
        begins it again."""
        self._store = store
        self._files = files
        self._handlers = handlers
        self._clock = clock
        self._give_ups = give_ups or {}
        self._pace = pace or Pace()

    async def run_once(self) -> int:
        """Runs one operation to its end and returns 1; 0 if none is due. Raises Retriable: what was claimed is
        then claimed again when its lease ends."""
        run = await self._claim()
        if run is None:
            return 0
        try:
            result = await self._work(run)
        except Cancelled:
            await self._end(run, OperationStatus.CANCELLED)
        except LeaseLost:
            logger.warning("operation %s went to another run", run.operation.id)
        except asyncio.CancelledError:
            await self._release(run, wait=0.0, counted=False)
            raise
        except Exception as error:
            await self._failed(run, error)
        else:
            await self._end(run, OperationStatus.COMPLETED, result=result)
        return 1

    async def _work(self, run: Run) -> dict[str, Any]:
        if run.attempts > MAX_ATTEMPTS:
            if give_up := self._give_ups.get(run.operation.kind):
                await give_up()
            raise Conflict(f"it was begun {MAX_ATTEMPTS} times without getting further")
        async with self._alive(run):
            return await self._handlers[run.operation.kind](run)

    async def _claim(self) -> Run | None:
        now, holder = sequence(), uuid4().hex
        operation = await self._store.claim(
            holder,
            self._handlers.keys(),
            now=now,
            until=now + int(self._pace.lease * 1e9),
            at=format_time(self._clock.now()),
        )
        return Run(self._store, self._files, operation, holder, self._pace) if operation else None

    @asynccontextmanager
    async def _alive(self, run: Run) -> AsyncGenerator[None]:
        """Keeps the lease while a handler is busy. Told to stop, not cancelled: a query that is cancelled takes
        its connection with it."""
        stop = asyncio.Event()
        beating = asyncio.create_task(self._beat(run, stop))
        try:
            yield
        finally:
            stop.set()
            await beating

    async def _beat(self, run: Run, stop: asyncio.Event) -> None:
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._pace.lease / 3)
            if not stop.is_set():
                with suppress(Retriable):
                    await run.beat()

    async def _failed(self, run: Run, error: Exception) -> None:
        if isinstance(error, Retriable) and not run.last:
            logger.warning("operation %s waits: %s", run.operation.id, error.message)
            wait = max(error.retry_after, Backoff(2.0, LONGEST_WAIT).after(run.attempts))
            await self._release(run, wait=wait, counted=True)
            return
        logger.error("operation %s failed", run.operation.id, exc_info=error)
        reason = error.message if isinstance(error, OneIdError) else MASKED
        await self._end(run, OperationStatus.FAILED, error=reason)

    async def _release(self, run: Run, *, wait: float, counted: bool) -> None:
        due = sequence() + int(wait * 1e9)
        await self._store.release(run.operation.id, run.holder, due=due, counted=counted)

    async def _end(
        self,
        run: Run,
        status: OperationStatus,
        *,
        result: dict[str, Any] | None = None,
        error: str | None = None,
    ) -> None:
        file = run.file if status is OperationStatus.COMPLETED else None
        ended = replace(
            run.operation,
            status=status,
            progress=run.state,
            finished_at=format_time(self._clock.now()),
            result=result,
            error=error,
            file=file,
        )
        if await self._store.end(ended, run.holder):
            OPERATIONS.labels(run.operation.kind, status.value).inc()
            await self._files.delete(run.operation.id, keep=run.holder if file else None)
