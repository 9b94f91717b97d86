"""One run of an operation, as its handler sees it: progress to tell, a lease to keep, a file to leave."""

from collections.abc import AsyncIterable, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from graph.operation_files import OperationFiles
from graph.operations import Lease, OperationStore
from oneid.clock import monotonic, sequence
from oneid.domain.operations import Operation, Progress, ResultFile

MAX_ATTEMPTS: Final = 10
CHUNK_BYTES: Final = 256 * 1024


class Cancelled(Exception):
    """Somebody has cancelled the operation: tidy up, and let it through."""


class LeaseLost(Exception):
    """Another run may have taken the operation over: write nothing more, and let it through."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: how long a run is entitled without a word from it, and how often its progress is written."""

    lease: float = 15.0
    progress: float = 0.25


class Run:
    """One attempt at an operation, as its handler sees it."""

    def __init__(
        self, store: OperationStore, files: OperationFiles, operation: Operation, holder: str, pace: Pace
    ) -> None:
        self.operation = operation
        self.holder = holder
        self.state = operation.progress
        self.attempts = operation.attempts
        self.file: ResultFile | None = None
        self._store = store
        self._files = files
        self._pace = pace
        self._told = monotonic()
        self._entitled_until = self._told + pace.lease
        self._cancelled = operation.cancel_asked
        self._lost = False

    @property
    def input(self) -> dict[str, Any]:
        return self.operation.input

    @property
    def last(self) -> bool:
        """Whether no other attempt follows if this one fails."""
        return self.attempts >= MAX_ATTEMPTS

    async def progress(self, done: int, total: int | None = None, errors: int = 0) -> None:
        """Says how far the operation is; `total` None: as said before. Call it often, it is written at times.

        Raises:
            Cancelled, LeaseLost: the handler should end.
        """
        known = total if total is not None else self.state.total
        self.state = Progress(done, known, errors)
        if monotonic() - self._told >= self._pace.progress:
            await self.beat()
        self._check()

    async def keep(self, name: str, media_type: str, content: AsyncIterable[bytes]) -> None:
        """Makes this the file that the operation results in. Memory: one piece of 256 KiB."""
        count, rest = 0, bytearray()
        async for part in content:
            rest += part
            while len(rest) >= CHUNK_BYTES:
                await self._put(count, bytes(rest[:CHUNK_BYTES]))
                del rest[:CHUNK_BYTES]
                count += 1
        if rest:
            await self._put(count, bytes(rest))
            count += 1
        self.file = ResultFile(name, media_type, count, self.holder)

    async def beat(self) -> None:
        """Writes the progress and keeps the lease. What this learns, the next `progress` raises."""
        now = monotonic()
        lease = Lease(self.operation.id, self.holder, sequence() + int(self._pace.lease * 1e9))
        standing = await self._store.hold(lease, self.state)
        if standing is None:
            self._lost = True
            return
        self.attempts, self._cancelled = standing.attempts, standing.cancel_asked
        self._told, self._entitled_until = now, now + self._pace.lease

    async def _put(self, number: int, data: bytes) -> None:
        self._check()
        await self._files.put(self.operation.id, self.holder, number, data)

    def _check(self) -> None:
        if self._lost or monotonic() > self._entitled_until:
            raise LeaseLost
        if self._cancelled:
            raise Cancelled


Handler = Callable[[Run], Awaitable[dict[str, Any]]]
"""Does the work and returns the result. It may be run again after a crash, from the start: each step must be
one that does no harm when it was done before. Retriable: it is tried again later."""
