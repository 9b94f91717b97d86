"""Erasures that are not over: what is left to be done, and what the graph says of others about the person."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from graph.client import Graph
from oneid.domain.erasures import Pending
from oneid.domain.identifiers import Identifier
from oneid.domain.redaction import SHORTEST

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
REMOVE e.dueAt, e.oneIds, e.version, e.redacted, e.looked
"""

#: Evidence about others that names the person. What came later is about whoever uses the identifier now.
#: In slices: all decisions are read, which takes longer than one transaction may.
SCRUB_DECISIONS: Final = """
MATCH (d:Decision) WHERE d.seq > $after
WITH d ORDER BY d.seq LIMIT 10000
FOREACH (_ IN CASE WHEN d.at <= $at AND (any(key IN d.kept + d.dropped WHERE key IN $keys)
                   OR any(side IN d.sides WHERE substring(side, size(split(side, ' ')[0]) + 1) IN $keys)
                   OR any(oneId IN d.mergedOneIds WHERE oneId IN $oneIds)) THEN [1] ELSE [] END |
  SET d.kept = [key IN d.kept WHERE NOT key IN $keys],
      d.dropped = [key IN d.dropped WHERE NOT key IN $keys],
      d.sides = [side IN d.sides WHERE NOT substring(side, size(split(side, ' ')[0]) + 1) IN $keys],
      d.mergedOneIds = [oneId IN d.mergedOneIds WHERE NOT oneId IN $oneIds],
      d.id = CASE WHEN d.id = d.content THEN randomUUID() ELSE d.id END,
      d.content = null)
RETURN max(d.seq) AS last
"""

#: Exports of the person, finished or not, and results of other operations that show the person.
DELETE_OPERATIONS: Final = """
MATCH (o:Operation) WHERE any(text IN $oneIds WHERE o.input CONTAINS text)
OPTIONAL MATCH (c:OperationChunk {operation: o.id})
DETACH DELETE o, c
"""

#: An export that was under way when its operation was deleted.
DELETE_ORPHANS: Final = """
MATCH (c:OperationChunk) WHERE NOT EXISTS { MATCH (o:Operation) WHERE o.id = c.operation } DELETE c
"""

SCRUB_OPERATIONS: Final = """
MATCH (o:Operation) WHERE any(text IN $texts WHERE o.result CONTAINS text)
REMOVE o.result
"""

#: Values that others' identifiers were seen with.
SCRUB_ANCHORS: Final = """
MATCH (i:Identifier) WHERE i.key IN $among AND any(value IN i.anchors WHERE value IN $values)
SET i.anchors = [value IN i.anchors WHERE NOT value IN $values]
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

    async def scrub_anchors(self, erasure: Pending, among: Collection[str]) -> None:
        """Takes the person out of what these identifiers of others were seen with."""
        values = [Identifier.from_key(key).value for key in erasure.keys]
        await self._graph.write("erasures.scrub_anchors", SCRUB_ANCHORS, among=sorted(among), values=values)

    async def scrub_decisions(self, erasure: Pending) -> None:
        """Takes the person out of the evidence about others."""
        person = {"keys": list(erasure.keys), "oneIds": list(erasure.one_ids), "at": erasure.erased_at}
        after: int | None = 0
        while after is not None:
            rows = await self._graph.write("erasures.scrub_decisions", SCRUB_DECISIONS, after=after, **person)
            after = rows[0]["last"]

    async def drop_results(self, erasure: Pending) -> None:
        """Deletes what operations left about the person."""
        one_ids, values = list(erasure.one_ids), (Identifier.from_key(key).value for key in erasure.keys)
        await self._graph.write("erasures.delete_operations", DELETE_OPERATIONS, oneIds=one_ids)
        await self._graph.write("erasures.delete_orphans", DELETE_ORPHANS)
        texts = [*one_ids, *(value for value in values if len(value) >= SHORTEST)]
        await self._graph.write("erasures.scrub_operations", SCRUB_OPERATIONS, texts=texts)


def _pending(stored: dict[str, Any]) -> Pending:
    return Pending(
        id=stored["id"],
        erased_at=stored["erasedAt"],
        version=stored["version"],
        one_ids=tuple(stored["oneIds"]),
        keys=tuple(stored.get("keys", ())),
        marks=tuple(stored.get("marks", ())),
        redacted=tuple(stored.get("redacted", ())),
        looked=stored.get("looked", False),
    )
