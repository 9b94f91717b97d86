"""The decisions that tell what became of customers, in processing order."""

from typing import Final

from graph.client import Graph
from graph.decisions import FIELDS, decision_of
from oneid.domain.changes import DECISIONS
from oneid.domain.decisions import Decision

KINDS: Final = [str(kind) for kind in DECISIONS]

# Until an erasure is complete its receipt knows whom it was about; after that nobody does.
PAGE: Final = f"""
MATCH (d:Decision) WHERE d.seq > $after AND d.kind IN $kinds
WITH d ORDER BY d.seq LIMIT $first
OPTIONAL MATCH (e:Erasure {{id: CASE d.kind WHEN 'ERASED' THEN d.oneId END}}) WHERE e.dueAt IS NOT NULL
RETURN {FIELDS}, coalesce(e.oneIds, []) AS erased ORDER BY d.seq
"""

BETWEEN: Final = """
MATCH (d:Decision) WHERE d.seq > $after AND d.seq <= $until AND d.kind IN $kinds RETURN count(d) AS count
"""

# As one record: records cost the driver ten times as much as what is in them, and these may be a hundred thousand.
IDS: Final = """
MATCH (d:Decision) WHERE d.seq > $after AND d.seq <= $until AND d.kind IN $kinds RETURN collect([d.seq, d.id]) AS ids
"""


class ChangePages:
    """Reads them."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def page(self, first: int, after: int) -> list[tuple[Decision, list[str]]]:
        """Up to `first` with a sequence above `after`; of an erasure with the ONE-IDs while they are known."""
        rows = await self._graph.read("changes.page", PAGE, first=first, after=after, kinds=KINDS)
        return [(decision_of(row["decision"]), row["erased"]) for row in rows]

    async def between(self, after: int, until: int) -> int:
        """How many have a sequence in (after, until]."""
        rows = await self._graph.read("changes.between", BETWEEN, after=after, until=until, kinds=KINDS)
        return int(rows[0]["count"])

    async def ids(self, after: int, until: int) -> list[tuple[int, str]]:
        """The sequence and id of each with a sequence in (after, until], in no order."""
        rows = await self._graph.read("changes.ids", IDS, after=after, until=until, kinds=KINDS)
        return [(sequence, id_) for sequence, id_ in rows[0]["ids"]]
