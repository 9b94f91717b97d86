"""The decisions that tell what became of customers, in processing order."""

from collections.abc import Sequence
from typing import Final

from graph.client import Graph, Row
from graph.decisions import FIELDS, decision_of
from oneid.domain.changes import DECISIONS
from oneid.domain.decisions import Decision

KINDS: Final = [str(kind) for kind in DECISIONS]

# The hints: nearly all decisions are of these kinds, and an index of kinds would be read from its beginning.
LATER: Final = """
MATCH (d:Decision) USING INDEX d:Decision(seq) WHERE d.seq > $after AND d.kind IN $kinds
"""

# Until an erasure is complete its receipt knows whom it was about; after that nobody does.
TOLD: Final = f"""
OPTIONAL MATCH (e:Erasure {{id: CASE d.kind WHEN 'ERASED' THEN d.oneId END}}) WHERE e.dueAt IS NOT NULL
RETURN {FIELDS}, coalesce(e.oneIds, []) AS erased ORDER BY d.seq
"""

PAGE: Final = f"{LATER} WITH d ORDER BY d.seq LIMIT $first {TOLD}"

AMONG: Final = f"""
MATCH (d:Decision) USING INDEX d:Decision(id) WHERE d.id IN $ids AND d.kind IN $kinds
{TOLD}
"""

BETWEEN: Final = f"{LATER} AND d.seq <= $until RETURN count(d) AS count"

# As one record: records cost the driver ten times as much as what is in them, and these may be a hundred thousand.
IDS: Final = f"{LATER} AND d.seq <= $until RETURN collect([d.seq, d.id]) AS ids"


class ChangePages:
    """Reads them."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def page(self, first: int, after: int) -> list[tuple[Decision, list[str]]]:
        """Up to `first` with a sequence above `after`; of an erasure with the ONE-IDs while they are known."""
        return told(await self._graph.read("changes.page", PAGE, first=first, after=after, kinds=KINDS))

    async def among(self, ids: Sequence[str]) -> list[tuple[Decision, list[str]]]:
        """Those with these ids."""
        return told(await self._graph.read("changes.among", AMONG, ids=list(ids), kinds=KINDS))

    async def between(self, after: int, until: int) -> int:
        """How many have a sequence in (after, until]."""
        rows = await self._graph.read("changes.between", BETWEEN, after=after, until=until, kinds=KINDS)
        return int(rows[0]["count"])

    async def ids(self, after: int, until: int) -> list[tuple[int, str]]:
        """The sequence and id of each with a sequence in (after, until], in no order."""
        rows = await self._graph.read("changes.ids", IDS, after=after, until=until, kinds=KINDS)
        return [(sequence, id_) for sequence, id_ in rows[0]["ids"]]


def told(rows: Sequence[Row]) -> list[tuple[Decision, list[str]]]:
    return [(decision_of(row["decision"]), row["erased"]) for row in rows]
