"""Operations as those see them who ask for them: start, look, wait, cancel, fetch the result."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final
from uuid import uuid4

from graph.operation_files import OperationFiles
from graph.operations import OperationStore
from oneid.clock import Clock, sequence
from oneid.domain.messages import format_time
from oneid.domain.operations import Operation, OperationStatus
from oneid.errors import Conflict, NotFound
from oneid.services.changes import whole

POLL_SECONDS: Final = 0.2


class OperationService:
    """Starts operations, which a worker's `OperationRunner` carries out."""

    def __init__(self, store: OperationStore, files: OperationFiles, clock: Clock) -> None:
        self._store = store
        self._files = files
        self._clock = clock

    async def start(
        self, kind: str, input: dict[str, Any], *, scope: str = "admin", actor: str = "", alone: bool = False
    ) -> Operation:
        """Queues work for the handler of this kind. `scope`: what a key needs to see it; `actor`: the id of the key
        that asks for it; `alone`: raises Conflict while another of this kind is unfinished."""
        now = format_time(self._clock.now())
        operation = Operation(str(uuid4()), kind, OperationStatus.QUEUED, scope, now, input, actor=actor)
        await self._store.create(operation, sequence(), alone=alone)
        return operation

    async def get(self, id_: str) -> Operation | None:
        return await self._store.get(id_)

    async def named(self, ids: Sequence[str]) -> list[Operation | None]:
        """Operations in the order asked, None where there is none."""
        return await self._store.named(ids)

    async def cancel(self, id_: str) -> Operation:
        """Ends it at once if it was not begun, else soon. Raises NotFound, Conflict if it has ended otherwise."""
        operation = await self._store.cancel(id_, now=sequence(), at=format_time(self._clock.now()))
        if operation is None:
            raise NotFound("there is no such operation", field=("id",))
        if operation.finished and operation.status is not OperationStatus.CANCELLED:
            raise Conflict(f"the operation is {operation.status} already", field=("id",))
        return operation

    async def watch(self, id_: str) -> AsyncIterator[Operation]:
        """The operation as it is, and again after each change, until it has ended. Nothing for an unknown id."""
        seen: Operation | None = None
        while operation := (await whole(self._store.get(id_)))[0]:
            if operation != seen:
                yield operation
            if operation.finished:
                return
            seen = operation
            await asyncio.sleep(POLL_SECONDS)

    def read(self, operation: Operation) -> AsyncIterator[bytes]:
        """The bytes of the result, piece by piece. Raises NotFound if it has none."""
        if operation.file is None:
            raise NotFound("the operation has no file")
        return self._files.read(operation.file)
