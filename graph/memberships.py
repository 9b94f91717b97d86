"""Who is in which segment, in Neo4j: a list on each customer, and a node for each entering and leaving.

A list carries the number of times that it was written, and is written only by whoever saw that number, and while
the segments are those that were judged by: whatever runs at once, a change is told once.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from graph.attachment import Attached
from graph.client import Graph
from graph.lifecycles import Lifecycles, change_row
from graph.segments import Segments
from oneid.domain.lifecycles import Position, StageChange, to_stored
from oneid.domain.segments.membership import Live, Membership, Transition, compared_date

KEEP: Final = """
OPTIONAL MATCH (n:SegmentCatalog {id: 'current'})
WITH coalesce(n.version, 0) AS version WHERE version = $version
UNWIND $rows AS row
MATCH (c:Customer {oneId: row.oneId})
SET c.lock = $lock
WITH c, row WHERE coalesce(c.segmentsSeq, 0) = row.seen AND NOT c:Merged
SET c.segments = row.segments, c.segmentsSeq = row.seen + 1, c.wakeAt = row.wakeAt
FOREACH (told IN row.transitions | CREATE (t:SegmentTransition) SET t = told)
FOREACH (stages IN row.stages | SET c:Dirty, c.stages = stages, c.version = c.version + 1)
FOREACH (told IN row.changes | CREATE (s:StageChange) SET s = told)
RETURN collect(c.oneId) AS kept
"""

WAKE: Final = """
MATCH (c:Customer) WHERE c.wakeAt <= $now AND NOT c:Dirty AND NOT c:Merged
WITH c ORDER BY c.wakeAt LIMIT $limit
SET c:Dirty
RETURN count(c) AS count
"""

DEFER: Final = """
UNWIND $oneIds AS oneId
MATCH (c:Customer {oneId: oneId}) WHERE NOT c:Merged
SET c:Unevaluated, c.evaluateSeq = $sequence, c.unjudged = true
REMOVE c.evaluateNames
"""

STATES: Final = """
UNWIND $oneIds AS oneId
MATCH (c:Customer {oneId: oneId})
RETURN c.oneId AS oneId, c.version AS version, coalesce(c.segmentsSeq, 0) AS seen
"""

# Under the lock that saving it takes: whoever builds it anew finds who is in by the older rule.
JOIN: Final = """
MATCH (s:Segment {id: $segment})
SET s.lock = $lock
WITH s WHERE s.building = $building
CALL () {
  UNWIND $rows AS row
  MATCH (c:Customer {oneId: row[0]})
  SET c.lock = $lock
  WITH c, row WHERE c.version = row[1] AND coalesce(c.segmentsSeq, 0) = row[2] AND NOT c:Merged
  SET c.segments = [other IN coalesce(c.segments, []) WHERE other <> $segment] + $segment,
      c.segmentsSeq = row[2] + 1
  RETURN collect(c.oneId) AS kept
}
RETURN kept
"""

# With a new version, so that no projection which judged before takes the mark off.
MARK: Final = """
UNWIND $oneIds AS oneId
MATCH (c:Customer {oneId: oneId}) WHERE NOT c:Merged
SET c:Dirty, c.version = c.version + 1
"""

MEMBERS: Final = """
MATCH (c:Customer) WHERE c.oneId > $after
WITH c ORDER BY c.oneId LIMIT $limit
RETURN collect(CASE WHEN $segment IN c.segments THEN c.oneId END) AS members, max(c.oneId) AS last
"""

MEMBERSHIPS: Final = Attached(
    name="segment_transitions",
    merge="""
UNWIND $rows AS row
MATCH (loser:Customer {oneId: row.from})
MATCH (c:Customer {oneId: row.into})
SET c.segments = coalesce(c.segments, []) +
                 [one IN coalesce(loser.segments, []) WHERE NOT one IN coalesce(c.segments, [])],
    c.segmentsSeq = coalesce(c.segmentsSeq, 0) + 1
REMOVE loser.segments, loser.wakeAt
WITH c WHERE EXISTS { MATCH (:Condition) }
SET c:Unevaluated, c.evaluateSeq = timestamp() * 1000000 + toInteger(rand() * 1000000), c.unjudged = true
REMOVE c.evaluateNames
""",
    split="""
UNWIND $rows AS row
MATCH (source:Customer {oneId: row.from})
MATCH (c:Customer {oneId: row.to})
SET c.segments = source.segments, c.segmentsSeq = coalesce(c.segmentsSeq, 0) + 1,
    c.conditions = source.conditions, c.computed = source.computed
""",
    erase="""
UNWIND $oneIds AS oneId
OPTIONAL MATCH (t:SegmentTransition {oneId: oneId})
DELETE t
""",
    export="""
UNWIND $oneIds AS oneId
MATCH (t:SegmentTransition {oneId: oneId})
OPTIONAL MATCH (s:Segment {id: t.segment})
RETURN {segment: t.segment, name: s.name, change: t.kind, at: toString(datetime({epochMillis: t.at}))} AS data
ORDER BY t.sequence
UNION ALL
UNWIND $oneIds AS oneId
MATCH (c:Customer {oneId: oneId}) UNWIND c.segments AS segment
OPTIONAL MATCH (s:Segment {id: segment})
RETURN {segment: segment, name: s.name, change: 'IS_IN', at: null} AS data ORDER BY segment
""",
)
"""A customer goes on where those it was merged from were, and is judged once all their events were evaluated; a
part that is split off begins where it was."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a customer: `seen` is the number of the list that it was judged by; `stages`: where it is in
    its lifecycles if that changed, and by which `changes`."""

    one_id: str
    seen: int
    segments: Collection[str]
    wake_at: int | None
    transitions: Sequence[Transition]
    stages: Sequence[Position] | None = None
    changes: Sequence[StageChange] = ()

    def row(self) -> dict[str, Any]:
        """The row of KEEP."""
        told = [{**asdict(one), "kind": str(one.kind)} for one in self.transitions]
        named = {"oneId": self.one_id, "seen": self.seen, "wakeAt": self.wake_at}
        stages = [] if self.stages is None else [to_stored(self.stages)]
        changes = [change_row(change) for change in self.changes]
        return {
            **named,
            "segments": sorted(self.segments),
            "transitions": [renamed(row) for row in told],
            "stages": stages,
            "changes": changes,
        }


class Memberships:
    """Reads and writes the lists."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._segments = Segments(graph)
        self._lifecycles = Lifecycles(graph)
        self._live = Live(version=-1)

    async def live(self) -> Live:
        """The segments that are rules, as they are now."""
        version = await self._segments.catalog_version()
        if version != self._live.version:
            # Read after the version: what is newer than it is read again the next time.
            segments = await self._segments.dynamic()
            dates = sorted({date for segment in segments for date in segment.dates}, key=repr)
            self._live = Live(
                version,
                frozenset(segment.id for segment in segments),
                frozenset(s.id for s in segments if s.building and not s.announced),
                tuple(compared_date(*date) for date in dates),
                tuple(sorted({lag for segment in segments for lag in segment.lags})),
                tuple(await self._lifecycles.all()),
            )
        return self._live

    async def keep(self, judged: Sequence[Judged], live: Live, lock: int) -> set[str]:
        """Writes what was judged and returns whose was written: not where somebody else judged, or a segment
        changed, meanwhile."""
        rows = [one.row() for one in sorted(judged, key=lambda one: one.one_id)]
        found = await self._graph.write("memberships.keep", KEEP, rows=rows, version=live.version, lock=lock)
        return set(found[0]["kept"]) if found else set()

    async def wake(self, now: int, limit: int) -> int:
        """Marks customers for whom time (milliseconds) has changed something, at most `limit`; how many."""
        return int((await self._graph.write("memberships.wake", WAKE, now=now, limit=limit))[0]["count"])

    async def defer(self, one_ids: Collection[str], sequence: int) -> None:
        """Has customers evaluated, and judged again afterwards."""
        await self._graph.write("memberships.defer", DEFER, oneIds=sorted(one_ids), sequence=sequence)

    async def states(self, one_ids: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Version and number of the list of customers."""
        rows = await self._graph.read("memberships.states", STATES, oneIds=list(one_ids))
        return {row["oneId"]: (row["version"], row["seen"]) for row in rows}

    async def join(
        self, segment: str, building: int, states: dict[str, tuple[int, int]], lock: int
    ) -> set[str] | None:
        """Puts customers into a segment where they are still as in `states`; returns whom. None where `building` is
        not the number of the work on the segment any more."""
        rows = [[one_id, *states[one_id]] for one_id in sorted(states)]
        told = {"segment": segment, "building": building, "rows": rows, "lock": lock}
        found = await self._graph.write("memberships.join", JOIN, **told)
        return set(found[0]["kept"]) if found else None

    async def mark(self, one_ids: Collection[str]) -> None:
        """Has customers judged again."""
        await self._graph.write("memberships.mark", MARK, oneIds=sorted(one_ids))

    async def members(self, segment: str, after: str, limit: int) -> tuple[list[str], str | None]:
        """Who was judged to be in a segment among the next customers after a ONE-ID; the last one looked at,
        None at the end."""
        rows = await self._graph.read("memberships.of", MEMBERS, segment=segment, after=after, limit=limit)
        return rows[0]["members"], rows[0]["last"]


def membership_of(row: dict[str, Any]) -> Membership:
    return Membership(frozenset(row.get("segments") or ()), row.get("segmentsSeq") or 0, row.get("wakeAt"))


def renamed(row: dict[str, Any]) -> dict[str, Any]:
    row["oneId"] = row.pop("one_id")
    return row
