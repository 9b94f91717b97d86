"""The end of operations that ended long ago: they, their results and their files are forgotten."""

from datetime import timedelta
from typing import Final

from graph.operation_files import OperationFiles
from graph.operations import OperationStore
from oneid.clock import Clock
from oneid.domain.messages import format_time

KEPT: Final = timedelta(days=7)
"""How long an operation is kept after it has ended: files hold personal data, which must not pile up."""


class OperationExpiry:
    """Deletes what is too old. Any number may run at once; a kill leaves the rest to the next."""

    def __init__(self, store: OperationStore, files: OperationFiles, clock: Clock) -> None:
        self._store = store
        self._files = files
        self._clock = clock

    async def run_once(self, limit: int = 100) -> int:
        """Deletes at most `limit` operations and returns how many. Raises Retriable."""
        before = format_time(self._clock.now() - KEPT)
        ids = await self._store.expired(before, limit)
        for id_ in ids:
            # The operation last: a piece without it would be found by nobody.
            await self._files.delete(id_)
            await self._store.delete(id_)
        return len(ids)
