"""Operations in the graph: who runs which, for how long, and how far it is.

`dueAt` (`clock.sequence`) is when an unfinished operation may be claimed: at once when it is queued, at the end of
the lease while it runs. Whoever claims it writes its name as `holder`; a runner that lost its lease to another
finds another name there and changes nothing. Each statement takes the node's lock before it reads: what it compares
is what the last one to change it has committed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from graph.client import Graph, Row
from oneid.domain.operations import Operation, OperationStatus, Progress, ResultFile
from oneid.errors import Conflict

CREATE: Final = """
MERGE (o:Operation {slot: $slot})
ON CREATE SET o += $set
RETURN o.id AS id
"""

GET: Final = "UNWIND $ids AS id MATCH (o:Operation {id: id}) RETURN o {.*} AS operation"

DUE: Final = """
MATCH (o:Operation) WHERE o.dueAt <= $now AND o.kind IN $kinds
RETURN o.id AS id ORDER BY o.dueAt LIMIT 10
"""

CLAIM: Final = """
MATCH (o:Operation {id: $id}) SET o.lock = $now
WITH o WHERE o.dueAt <= $now
SET o.status = 'RUNNING', o.holder = $holder, o.dueAt = $until, o.startedAt = coalesce(o.startedAt, $at),
    o.attempts = o.attempts + 1
RETURN o {.*} AS operation
"""

HOLD: Final = """
MATCH (o:Operation {id: $id}) SET o.lock = $until
WITH o WHERE o.holder = $holder AND o.dueAt IS NOT NULL
SET o.dueAt = $until, o.done = $done, o.total = $total, o.errors = $errors,
    o.attempts = CASE WHEN $done > o.furthest THEN 1 ELSE o.attempts END,
    o.furthest = CASE WHEN $done > o.furthest THEN $done ELSE o.furthest END
RETURN coalesce(o.cancelAsked, false) AS cancelAsked, o.attempts AS attempts
"""

END: Final = """
MATCH (o:Operation {id: $id}) SET o.lock = $holder
WITH o WHERE o.holder = $holder
SET o += $set
REMOVE o.dueAt, o.slot
RETURN o.id AS id
"""

RELEASE: Final = """
MATCH (o:Operation {id: $id}) SET o.lock = $holder
WITH o WHERE o.holder = $holder AND o.dueAt IS NOT NULL
SET o.dueAt = $due, o.attempts = o.attempts - $uncounted
REMOVE o.holder
"""

CANCEL: Final = """
MATCH (o:Operation {id: $id}) SET o.lock = $now
FOREACH (_ IN CASE WHEN o.status = 'RUNNING' THEN [1] ELSE [] END |
  SET o.cancelAsked = true, o.dueAt = CASE WHEN o.holder IS NULL THEN $now ELSE o.dueAt END)
FOREACH (_ IN CASE WHEN o.status = 'QUEUED' THEN [1] ELSE [] END |
  SET o.status = 'CANCELLED', o.finishedAt = $at REMOVE o.dueAt, o.slot)
RETURN o {.*} AS operation
"""

EXPIRED: Final = """
MATCH (o:Operation) WHERE o.finishedAt < $before RETURN o.id AS id ORDER BY o.finishedAt LIMIT $limit
"""

DELETE: Final = "MATCH (o:Operation {id: $id}) WHERE o.finishedAt IS NOT NULL DELETE o"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a runner learns when it says how far it is."""

    cancel_asked: bool
    attempts: int


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to run an operation until a moment (`clock.sequence`)."""

    operation: str
    holder: str
    until: int


class OperationStore:
    """Creates, claims and ends operations."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def create(self, operation: Operation, now: int, *, alone: bool) -> None:
        """Queues an operation. `alone`: raises Conflict while another of its kind is unfinished."""
        stored = {
            "id": operation.id,
            "kind": operation.kind,
            "status": operation.status.value,
            "scope": operation.scope,
            "actor": operation.actor,
            "createdAt": operation.created_at,
            "input": orjson.dumps(operation.input).decode(),
            "dueAt": now,
            "done": 0,
            "errors": 0,
            "furthest": 0,
            "attempts": 0,
        }
        slot = operation.kind if alone else operation.id
        rows = await self._graph.write("operations.create", CREATE, slot=slot, set=stored)
        if rows[0]["id"] != operation.id:
            raise Conflict(f"{operation.kind} is under way already: operation {rows[0]['id']}")

    async def get(self, id_: str) -> Operation | None:
        (found,) = await self.named([id_])
        return found

    async def named(self, ids: Sequence[str]) -> list[Operation | None]:
        """Operations in the order asked, None where there is none."""
        rows = await self._graph.read("operations.get", GET, ids=list(ids))
        found = {one.id: one for row in rows if (one := _first([row]))}
        return [found.get(id_) for id_ in ids]

    async def claim(
        self, holder: str, kinds: Collection[str], *, now: int, until: int, at: str
    ) -> Operation | None:
        """The operation that has been due for longest, from now on run by `holder`; None if none is due.
        `at`: the business time."""
        due = await self._graph.read("operations.due", DUE, now=now, kinds=sorted(kinds))
        for row in due:
            claim: dict[str, Any] = {"id": row["id"], "holder": holder, "now": now, "until": until, "at": at}
            if claimed := _first(await self._graph.write("operations.claim", CLAIM, **claim)):
                return claimed
        return None

    async def hold(self, lease: Lease, progress: Progress) -> Standing | None:
        """Notes how far it is and keeps the lease until its new end. None: it went to another runner."""
        rows = await self._graph.write(
            "operations.hold",
            HOLD,
            id=lease.operation,
            holder=lease.holder,
            until=lease.until,
            done=progress.done,
            total=progress.total,
            errors=progress.errors,
        )
        return Standing(rows[0]["cancelAsked"], rows[0]["attempts"]) if rows else None

    async def end(self, operation: Operation, holder: str) -> bool:
        """Writes how it ended, for good. False: another runner has it, and nothing was written."""
        ended: dict[str, Any] = {
            "status": operation.status.value,
            "finishedAt": operation.finished_at,
            "done": operation.progress.done,
            "total": operation.progress.total,
            "errors": operation.progress.errors,
            "result": None if operation.result is None else orjson.dumps(operation.result).decode(),
            "error": operation.error,
            **_stored_file(operation.file),
        }
        rows = await self._graph.write("operations.end", END, id=operation.id, holder=holder, set=ended)
        return bool(rows)

    async def release(self, id_: str, holder: str, *, due: int, counted: bool) -> None:
        """Gives it back, to be claimed by anybody at `due`. `counted`: as an attempt that failed."""
        release: dict[str, Any] = {"id": id_, "holder": holder, "due": due, "uncounted": int(not counted)}
        await self._graph.write("operations.release", RELEASE, **release)

    async def cancel(self, id_: str, *, now: int, at: str) -> Operation | None:
        """Cancels one that was never begun; asks the runner of one that was. The operation as it is then."""
        return _first(await self._graph.write("operations.cancel", CANCEL, id=id_, now=now, at=at))

    async def expired(self, before: str, limit: int) -> list[str]:
        """The ids of operations that ended before a time (RFC 3339), the oldest first."""
        rows = await self._graph.read("operations.expired", EXPIRED, before=before, limit=limit)
        return [row["id"] for row in rows]

    async def delete(self, id_: str) -> None:
        """Forgets an operation that has ended."""
        await self._graph.write("operations.delete", DELETE, id=id_)


def _stored_file(file: ResultFile | None) -> dict[str, Any]:
    if file is None:
        return {}
    return {
        "fileName": file.name,
        "fileType": file.media_type,
        "fileChunks": file.chunks,
        "fileRun": file.run,
    }


def _first(rows: list[Row]) -> Operation | None:
    return _operation(rows[0]["operation"]) if rows else None


def _operation(stored: Row) -> Operation:
    return Operation(
        id=stored["id"],
        kind=stored["kind"],
        status=OperationStatus(stored["status"]),
        scope=stored["scope"],
        created_at=stored["createdAt"],
        input=orjson.loads(stored["input"]),
        progress=Progress(stored["done"], stored.get("total"), stored["errors"]),
        started_at=stored.get("startedAt"),
        finished_at=stored.get("finishedAt"),
        result=orjson.loads(stored["result"]) if "result" in stored else None,
        error=stored.get("error"),
        file=_file(stored),
        attempts=stored["attempts"],
        cancel_asked=stored.get("cancelAsked", False),
        actor=stored.get("actor", ""),
    )


def _file(stored: Row) -> ResultFile | None:
    if "fileRun" not in stored:
        return None
    return ResultFile(stored["fileName"], stored["fileType"], stored["fileChunks"], stored["fileRun"])
