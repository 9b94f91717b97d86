"""Parts that left customers, and whose events have still to follow them in the index."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from graph.client import Graph

# A part may be merged away before its events have moved: they go where it went.
DUE: Final = """
MATCH (d:Division) WHERE d.moveAfter <= $now AND ($to IS NULL OR d.to IN $to)
WITH d LIMIT $limit
OPTIONAL MATCH (c:Customer {oneId: d.to})
OPTIONAL MATCH (c)-[:MERGED_INTO]->(survivor:Customer)
RETURN d.id AS id, d.from AS sources, coalesce(survivor, c).oneId AS target, d.keys AS keys, d.stay AS stay,
       d.until AS until, d.moveAfter > 0 AS again, d.to IS NOT NULL AND c IS NULL AS gone
"""

DONE: Final = """
UNWIND $rows AS row
MATCH (d:Division {id: row.id})
SET d.moveAfter = $again_at
FOREACH (_ IN CASE WHEN row.last THEN [1] ELSE [] END | DETACH DELETE d)
WITH row UNWIND row.parts AS one_id
MATCH (n:Customer {oneId: one_id})
OPTIONAL MATCH (n)-[:MERGED_INTO]->(survivor:Customer)
WITH DISTINCT coalesce(survivor, n) AS c
SET c:Unevaluated, c.evaluateSeq = $again_at
REMOVE c.evaluateNames
"""


@dataclass(frozen=True, slots=True)
class EventMove:
    """Events of `sources` that name one of `keys` and none of `stay` belong to `target` (None: to nobody).
    `until`: only those processed until then (None: all). `again`: moved before, looked at once more. `gone`: there is
    no such customer any more."""

    id: str
    sources: tuple[str, ...]
    target: str | None
    keys: tuple[str, ...]
    stay: tuple[str, ...]
    until: int | None
    again: bool
    gone: bool


class Divisions:
    """Reads and ends the marks, which identity writes when it shares a customer out."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def due(self, now: int, limit: int, targets: Sequence[str] | None = None) -> list[EventMove]:
        """Moves that are due at `now` (`clock.sequence`), of these parts or of any."""
        to = list(targets) if targets is not None else None
        rows = await self._graph.read("divisions.due", DUE, now=now, limit=limit, to=to)
        return [
            EventMove(
                row["id"],
                tuple(row["sources"]),
                row["target"],
                tuple(row["keys"]),
                tuple(row["stay"]),
                row["until"],
                row["again"],
                row["gone"],
            )
            for row in rows
        ]

    async def done(self, moves: Sequence[EventMove], again_at: int) -> None:
        """Notes moves as done: the first time to be looked at again at `again_at`, the second time for good.
        Who lost or got events is marked for evaluation."""
        rows = [
            {
                "id": move.id,
                "last": move.again or move.gone,
                "parts": [*move.sources, *([move.target] if move.target else [])],
            }
            for move in moves
        ]
        await self._graph.write("divisions.done", DONE, rows=rows, again_at=again_at)
