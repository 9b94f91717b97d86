"""Erasures that are not over, and what is left to be done."""

from collections.abc import Sequence
from typing import Any, Final

from graph.client import Graph
from oneid.domain.erasures import Pending

DUE: Final = """
MATCH (e:Erasure) WHERE e.dueAt <= $now AND ($id IS NULL OR e.id = $id)
RETURN e {.*} AS erasure ORDER BY e.dueAt LIMIT $limit
"""

NOTE_MARKS: Final = "MATCH (e:Erasure {id: $id}) WHERE e.dueAt IS NOT NULL SET e.marks = $marks"

LATER: Final = """
MATCH (e:Erasure {id: $id}) WHERE e.dueAt IS NOT NULL AND e.looked IS NULL
SET e.dueAt = $due, e.redacted = $redacted
"""

LOOKED: Final = """
MATCH (e:Erasure {id: $id}) WHERE e.dueAt IS NOT NULL AND e.looked IS NULL
SET e.looked = true, e.redacted = $redacted, e.dueAt = $due
REMOVE e.keys, e.marks
"""

DONE: Final = """
MATCH (e:Erasure {id: $id}) WHERE e.dueAt IS NOT NULL
SET e.completedAt = $at
REMOVE e.dueAt, e.seq, e.oneIds, e.version, e.redacted, e.looked
"""


class ErasureWork:
    """Reads and moves on what is left to be done. A step that is noted twice changes nothing."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def due(self, now: int, limit: int, id_: str | None = None) -> list[Pending]:
        """Erasures with work that is due at `now` (`clock.sequence`), or this one of them."""
        rows = await self._graph.read("erasures.due", DUE, now=now, limit=limit, id=id_)
        return [_pending(row["erasure"]) for row in rows]

    async def note_marks(self, erasure: Pending, marks: Sequence[str]) -> None:
        await self._graph.write("erasures.marks", NOTE_MARKS, id=erasure.id, marks=list(marks))

    async def later(self, erasure: Pending, due: int, redacted: Sequence[str]) -> None:
        """To be looked at again at `due`."""
        await self._graph.write(
            "erasures.later", LATER, id=erasure.id, due=due, redacted=sorted(set(redacted))
        )

    async def looked(self, erasure: Pending, redacted: Sequence[str], due: int) -> None:
        """Forgets the identifiers; the last look is due at `due`."""
        await self._graph.write(
            "erasures.looked", LOOKED, id=erasure.id, redacted=sorted(set(redacted)), due=due
        )

    async def done(self, erasure: Pending, at: str) -> None:
        """Nothing but the receipt stays."""
        await self._graph.write("erasures.done", DONE, id=erasure.id, at=at)


def _pending(stored: dict[str, Any]) -> Pending:
    return Pending(
        id=stored["id"],
        erased_at=stored["erasedAt"],
        sequence=stored["seq"],
        version=stored["version"],
        one_ids=tuple(stored["oneIds"]),
        keys=tuple(stored.get("keys", ())),
        marks=tuple(stored.get("marks", ())),
        redacted=tuple(stored.get("redacted", ())),
        looked=stored.get("looked", False),
    )
