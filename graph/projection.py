"""What the index does not show yet: customers marked :Dirty, and merged ones whose events are marked :Rehome.

A mark is taken off only by whoever saw the version that is still current: the REMOVE takes the node's lock, and
the version is compared under it. A change in between keeps its mark.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from graph.client import Graph, Row
from graph.customers import record_of
from graph.marked import Marked
from graph.memberships import membership_of
from oneid.domain.attributes import Past, computed_of, past_of
from oneid.domain.customers import CustomerRecord
from oneid.domain.lifecycles import Position, brought
from oneid.domain.segments.membership import Membership

# The version is read before the rest: what is read later can only be newer, and then the mark stays.
# All customers come as one record: records cost the driver ten times as much as what is in them.
WHOLE: Final = """
WITH c, c.version AS version
RETURN collect({
  oneId: c.oneId, version: version, seq: c.seq, createdAt: c.createdAt, updatedAt: c.updatedAt,
  attributes: c.attributes, conditions: c.conditions, computed: c.computed,
  lists: c.lists, tags: c.tags, stages: c.stages, consents: c.consents,
  segments: c.segments, segmentsSeq: c.segmentsSeq, wakeAt: c.wakeAt, unjudged: c.unjudged,
  evaluateAt: c.evaluateAt, newsSince: c.newsSince,
  dirty: c:Dirty, merged: c:Merged,
  identifiers: [(i:Identifier)-[:IDENTIFIES]->(c) |
                [i.linkedSeq, i.key, i.firstSeenAt, i.lastSeenAt, i.verified, i.source]],
  former: [(m:Merged)-[:MERGED_INTO]->(c) | [m.seq, m.oneId]]
}) AS customers
"""

DIRTY: Final = f"MATCH (c:Dirty) WITH c SKIP $skip LIMIT $limit {WHOLE}"

# Evaluation is about to change the others.
SETTLED: Final = f"""
MATCH (c:Dirty) WHERE NOT c:Unevaluated OR c.evaluateSeq <= $before
WITH c SKIP $skip LIMIT $limit
{WHOLE}
"""

# With a customer come those merged into it and the one it was merged into: their documents change together.
DIRTY_AMONG: Final = f"""
UNWIND $one_ids AS one_id
MATCH (asked:Customer {{oneId: one_id}})
OPTIONAL MATCH (asked)-[:MERGED_INTO]->(survivor:Customer)
WITH DISTINCT coalesce(survivor, asked) AS c
WITH [c] + [(former:Merged)-[:MERGED_INTO]->(c) | former] AS group
UNWIND group AS c
WITH c WHERE c:Dirty
{WHOLE}
"""

AMONG: Final = f"UNWIND $one_ids AS one_id MATCH (c:Customer {{oneId: one_id}}) {WHOLE}"

RANGE: Final = f"""
MATCH (c:Customer) WHERE c.oneId > $after
WITH c ORDER BY c.oneId LIMIT $limit
{WHOLE}
"""

CLEAN: Final = """
UNWIND $seen AS row
MATCH (c:Customer {oneId: row[0]})
REMOVE c:Dirty
FOREACH (_ IN CASE WHEN c.version = row[1] AND NOT c:Unevaluated THEN [1] ELSE [] END | REMOVE c.newsSince)
WITH c, row WHERE c.version <> row[1]
SET c:Dirty
"""

# A document that was deleted or written by hand has a version of its own, which the next one must not be under.
REPAIR: Final = """
UNWIND $found AS row
MATCH (c:Customer {oneId: row[0]})
SET c:Dirty
SET c.version = CASE WHEN row[1] > c.version THEN row[1] ELSE c.version END + 1
"""

BACKLOG: Final = "MATCH (c:Dirty) RETURN count(c) AS count, min(c.updatedAt) AS oldest"

# The hint keeps it to the marked ones, a few, where there are a million merges.
# What lies under a ONE-ID whose events are still being shared out is what it had then: nothing comes in or leaves.
MOVES: Final = """
MATCH (former:Rehome)-[:MERGED_INTO]->(c:Customer)
USING SCAN former:Rehome
WITH former, c, coalesce(former.rehomedTo = c.oneId, false) AS again
WHERE (NOT again OR former.rehomeAfter <= $now)
  AND NOT EXISTS { (former)<-[:SHARES_OUT]-() } AND NOT EXISTS { (c)<-[:SHARES_OUT]-() }
RETURN former.oneId AS former, c.oneId AS target, again
LIMIT $limit
"""

MOVED: Final = """
UNWIND $rows AS row
MATCH (former:Customer {oneId: row.former})
REMOVE former:Rehome
WITH former, row
MATCH (former)-[:MERGED_INTO]->(c:Customer)
SET c:Unevaluated, c.evaluateSeq = $again_at
REMOVE c.evaluateNames
WITH former, row, c
WHERE NOT row.again OR c.oneId <> row.target
SET former:Rehome, former.rehomedTo = row.target, former.rehomeAfter = $again_at
"""

UNMARKED: Final = """
UNWIND $one_ids AS one_id
MATCH (c:Customer {oneId: one_id}) WHERE c:Merged AND NOT c:Rehome
RETURN c.oneId AS oneId
"""

MARK_MOVES: Final = """
UNWIND $one_ids AS one_id
MATCH (c:Customer {oneId: one_id}) WHERE c:Merged
SET c:Rehome
"""


@dataclass(frozen=True, slots=True)
class Projected:
    """A customer as the index must show it; `merged`: it must not show it at all. `membership`: the segments that
    it was judged to be in; `unjudged`: it is not to be judged before it is evaluated; `evaluate_at`: when time
    changes a computed attribute next (milliseconds); `past`: what these attributes were since it was judged;
    `brought`: the steps in lifecycles that it made by merging, from a stage or none; `news_since`: when the first
    happened (milliseconds) of the events that it was not judged by yet."""

    record: CustomerRecord
    merged: bool
    dirty: bool
    membership: Membership
    unjudged: bool
    evaluate_at: int | None = None
    past: Past = field(default_factory=dict[str, Sequence[tuple[int, Any]]])
    brought: Sequence[tuple[str | None, Position]] = ()
    news_since: int | None = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much the index does not show yet, and since when (RFC 3339) the oldest change waits."""

    count: int
    oldest: str | None


@dataclass(frozen=True, slots=True)
class Move:
    """Events of a former ONE-ID on their way to its customer. `again`: moved before, looked at once more."""

    former: str
    target: str
    again: bool


class Projections:
    """Reads and clears the marks."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._dirty = Marked(graph, "Dirty")

    async def dirty(self, limit: int) -> list[Projected]:
        """Marked customers, at most `limit`, in no order."""
        return _projected(await self._dirty.read("projection.dirty", DIRTY, limit))

    async def settled(self, limit: int, before: int) -> list[Projected]:
        """Marked customers, at most `limit`, in no order: without those of whom evaluation was told after the
        sequence `before` and that it has not come to yet."""
        return _projected(await self._dirty.read("projection.settled", SETTLED, limit, before=before))

    async def dirty_among(self, one_ids: Sequence[str]) -> list[Projected]:
        """Those marked among these customers, whatever ONE-ID they are named by."""
        rows = await self._graph.read("projection.dirty_among", DIRTY_AMONG, one_ids=list(one_ids))
        return _projected(rows[0])

    async def among(self, one_ids: Sequence[str]) -> list[Projected]:
        """These customers, marked or not, former ones as such."""
        rows = await self._graph.read("projection.among", AMONG, one_ids=list(one_ids))
        return _projected(rows[0])

    async def range(self, after: str, limit: int) -> list[Projected]:
        """Customers in order of ONE-ID, marked or not, former ones too."""
        rows = await self._graph.read("projection.range", RANGE, after=after, limit=limit)
        return _projected(rows[0])

    async def clean(self, seen: Mapping[str, int]) -> None:
        """Takes the mark off the customers that still have the version seen."""
        rows = [[one_id, seen[one_id]] for one_id in sorted(seen)]
        await self._graph.write("projection.clean", CLEAN, seen=rows)

    async def repair(self, found: Mapping[str, int]) -> None:
        """Marks customers whose document is wrong, with a version above the graph's and above the one `found`
        in the index (0: no document)."""
        rows = [[one_id, found[one_id]] for one_id in sorted(found)]
        await self._graph.write("projection.repair", REPAIR, found=rows)

    async def backlog(self) -> Backlog:
        rows = await self._graph.read("projection.backlog", BACKLOG)
        return Backlog(rows[0]["count"], rows[0]["oldest"])

    async def moves(self, now: int, limit: int) -> list[Move]:
        """Moves that are due at `now` (`clock.sequence`). Those from and to customers that were split wait until the
        events of the parts have gone, at the second look (`graph.divisions`)."""
        rows = await self._graph.read("projection.moves", MOVES, now=now, limit=limit)
        return [Move(**row) for row in rows]

    async def moved(self, moves: Sequence[Move], again_at: int) -> None:
        """Notes moves as done: the first time to be looked at again at `again_at`, the second time for good,
        unless the customer has been merged away meanwhile."""
        rows = [
            {"former": move.former, "target": move.target, "again": move.again}
            for move in sorted(moves, key=lambda move: move.former)
        ]
        await self._graph.write("projection.moved", MOVED, rows=rows, again_at=again_at)

    async def unmarked(self, one_ids: Collection[str]) -> list[str]:
        """Those of the former ONE-IDs whose events are not about to move."""
        if not one_ids:
            return []
        rows = await self._graph.read("projection.unmarked", UNMARKED, one_ids=sorted(one_ids))
        return [row["oneId"] for row in rows]

    async def mark_moves(self, one_ids: Sequence[str]) -> None:
        """Marks former ONE-IDs whose events have to move."""
        await self._graph.write("projection.mark_moves", MARK_MOVES, one_ids=sorted(one_ids))


def _projected(told: Row) -> list[Projected]:
    return [
        Projected(
            record_of(row),
            row["merged"],
            row["dirty"],
            membership_of(row),
            bool(row["unjudged"]),
            row["evaluateAt"],
            past_of(computed_of(row["computed"])),
            brought(row["stages"]),
            row["newsSince"],
        )
        for row in told["customers"]
    ]
