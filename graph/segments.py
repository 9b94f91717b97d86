"""Segments in Neo4j: definitions as nodes, fixed members as a list on each customer."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final, LiteralString

import orjson
from neo4j import AsyncManagedTransaction

from graph.attachment import Attached
from graph.client import Graph
from oneid.clock import sequence
from oneid.domain.segments.definitions import Segment, SegmentKind
from oneid.domain.segments.membership import TransitionKind
from oneid.errors import Conflict, VersionConflict

# The version is a time, not a count: after a restore the same one never stands for something else.
CHANGED: Final = """
MERGE (n:SegmentCatalog {id: 'current'})
SET n.version = timestamp() * 1000000 + toInteger(rand() * 1000000)
"""

# The version is read under the lock that the MERGE and the SET take.
SAVE: Final = f"""
{CHANGED}
MERGE (s:Segment {{key: $row.key}})
SET s.lock = timestamp()
WITH s, coalesce(s.version, 0) AS version
FOREACH (_ IN CASE WHEN version = $row.version - 1 THEN [1] ELSE [] END | SET s += $row)
RETURN s.id AS id, version
"""

BUILD: Final = f"""
{CHANGED}
WITH n UNWIND $rows AS row
MATCH (s:Segment {{id: row.id}}) WHERE s.version = row.version
SET s += row
RETURN s.id AS id
"""

BUILT: Final = f"""
{CHANGED}
WITH n UNWIND $rows AS row
MATCH (s:Segment {{id: row[0]}}) WHERE s.building = row[1]
SET s.building = 0, s.announced = false
"""

FOLLOW: Final = """
UNWIND $rows AS row
MATCH (s:Segment {id: row[0]})
SET s.building = $building, s.announced = row[1]
"""

DROP: Final = f"""
{CHANGED}
WITH n UNWIND $ids AS id
MATCH (s:Segment {{id: id}})
SET s:DroppedSegment
REMOVE s:Segment
"""

DROPPED: Final = "MATCH (s:DroppedSegment) RETURN s.id AS id ORDER BY id LIMIT 100"

FORGET: Final = "MATCH (s:DroppedSegment {id: $id}) DELETE s"

CATALOG: Final = "OPTIONAL MATCH (n:SegmentCatalog {id: 'current'}) RETURN coalesce(n.version, 0) AS version"

DYNAMIC: Final = "MATCH (s:Segment {kind: 'DYNAMIC'}) RETURN properties(s) AS s ORDER BY s.id"

READ: Final = "MATCH (s:Segment) WHERE s.id IN $names OR s.key IN $names RETURN properties(s) AS s"

PAGE: Final = """
MATCH (s:Segment) WHERE s.key > $after AND NOT coalesce(s.hidden, false)
RETURN properties(s) AS s ORDER BY s.key LIMIT $limit
"""

COUNT: Final = "MATCH (s:Segment) WHERE NOT coalesce(s.hidden, false) RETURN count(s) AS count"

MEMBER: Final = """
UNWIND $rows AS row
MATCH (n:Customer {oneId: row})
OPTIONAL MATCH (n)-[:MERGED_INTO]->(survivor:Customer)
WITH DISTINCT coalesce(survivor, n) AS c
ORDER BY c.oneId
SET c.lock = $lock
WITH c, [list IN coalesce(c.lists, []) WHERE list <> $id] AS others
"""

TELL: Final = """
WITH collect(c.oneId) AS changed
FOREACH (n IN CASE WHEN $at IS NULL THEN [] ELSE range(0, size(changed) - 1) END |
  CREATE (:SegmentTransition {
    id: $id + ':' + changed[n] + ':' + toString($lock), segment: $id, oneId: changed[n], kind: $kind, at: $at,
    sequence: $lock + n
  }))
RETURN size(changed) AS count
"""

ADD: Final = f"""
{MEMBER} WHERE size(others) = size(coalesce(c.lists, []))
SET c:Dirty, c.lists = others + $id, c.version = c.version + 1
{TELL}
"""

REMOVE: Final = f"""
{MEMBER} WHERE size(others) < size(c.lists)
SET c:Dirty, c.lists = others, c.version = c.version + 1
{TELL}
"""

LISTS: Final = Attached(
    name="segments",
    merge="""
UNWIND $rows AS row
MATCH (loser:Customer {oneId: row.from})
MATCH (c:Customer {oneId: row.into})
SET c.lists = coalesce(c.lists, []) + [list IN coalesce(loser.lists, []) WHERE NOT list IN coalesce(c.lists, [])]
REMOVE loser.lists
""",
    split="UNWIND $rows AS row MATCH (c:Customer {oneId: row.from}) RETURN count(c)",
    erase="UNWIND $oneIds AS oneId MATCH (c:Customer {oneId: oneId}) REMOVE c.lists, c.conditions, c.computed",
    export="""
UNWIND $oneIds AS oneId
MATCH (c:Customer {oneId: oneId}) UNWIND c.lists AS list
OPTIONAL MATCH (s:Segment {id: list})
RETURN {segment: coalesce(s.key, list), name: s.name} AS data ORDER BY list
""",
)
"""Who joins another customer brings its lists; a part that is split off leaves them."""


class Segments:
    """Reads and writes segments."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._version = -1
        self._dynamic: Sequence[Segment] = ()

    async def save(self, segment: Segment) -> None:
        """Writes the next version of a segment, the first if it is new. Raises Conflict where the key is
        another segment's, VersionConflict where somebody else was quicker; nothing is written then."""
        await self._graph.transact("segments.save", lambda tx: save(tx, segment))

    async def build(self, segments: Sequence[Segment]) -> set[str]:
        """Notes that who is in these segments is to be found out, and what they need now; returns the ids of those
        that were not changed meanwhile."""
        rows = [
            {
                "id": s.id,
                "version": s.version,
                "building": s.building,
                "announced": s.announced,
                "conditions": list(s.conditions),
                "dates": texts(s.dates),
                "lags": texts(s.lags),
            }
            for s in segments
        ]
        return {row["id"] for row in await self._graph.write("segments.build", BUILD, rows=rows)}

    async def built(self, segments: Sequence[Segment]) -> None:
        """Notes that who is in these segments is known, unless they were changed meanwhile."""
        rows = [[segment.id, segment.building] for segment in segments]
        await self._graph.write("segments.built", BUILT, rows=rows)

    async def dropped(self) -> list[str]:
        """The ids of deleted segments of which something may still be kept, the first hundred."""
        return [row["id"] for row in await self._graph.read("segments.dropped", DROPPED)]

    async def forget(self, id_: str) -> None:
        """Notes that nothing of a deleted segment is kept any more."""
        await self._graph.write("segments.forget", FORGET, id=id_)

    async def catalog_version(self) -> int:
        """Another one whenever a segment, or what rules name, is made, changed, built or deleted."""
        version: int = (await self._graph.read("segments.catalog", CATALOG))[0]["version"]
        return version

    async def dynamic(self) -> Sequence[Segment]:
        """All segments that are rules, the hidden ones too. They are read again only where one has changed."""
        version = await self.catalog_version()
        if version != self._version:
            # Read after the version: what is newer than it is read again the next time.
            rows = await self._graph.read("segments.dynamic", DYNAMIC)
            self._dynamic, self._version = [segment_of(row["s"]) for row in rows], version
        return self._dynamic

    async def named(self, names: Sequence[str]) -> list[Segment]:
        """Segments by id or by key, those that exist."""
        rows = await self._graph.read("segments.read", READ, names=list(names))
        return [segment_of(row["s"]) for row in rows]

    async def page(self, limit: int, after: str = "") -> list[Segment]:
        """Segments in order of their keys, those after a key."""
        rows = await self._graph.read("segments.page", PAGE, limit=limit, after=after)
        return [segment_of(row["s"]) for row in rows]

    async def count(self) -> int:
        count: int = (await self._graph.read("segments.count", COUNT))[0]["count"]
        return count

    async def add(self, id_: str, one_ids: Sequence[str], sequence: int, at: int | None = None) -> int:
        """Puts customers on the list of a segment and returns how many were not on it. `at`: when they enter
        (milliseconds), None: nobody is told that they do."""
        return await self._change(ADD, TransitionKind.ENTERED, id_, one_ids, sequence, at)

    async def remove(self, id_: str, one_ids: Sequence[str], sequence: int, at: int | None = None) -> int:
        """Takes customers off the list of a segment and returns how many were on it. `at`: as `add` has it."""
        return await self._change(REMOVE, TransitionKind.LEFT, id_, one_ids, sequence, at)

    async def _change(
        self,
        query: LiteralString,
        kind: TransitionKind,
        id_: str,
        one_ids: Sequence[str],
        lock: int,
        at: int | None,
    ) -> int:
        told = {"id": id_, "rows": sorted(one_ids), "lock": lock, "kind": str(kind), "at": at}
        return int((await self._graph.write("segments.members", query, **told))[0]["count"])


async def save(tx: AsyncManagedTransaction, segment: Segment) -> None:
    """Writes the next version of a segment (`Segments.save`)."""
    rule = orjson.dumps(segment.rule).decode() if segment.rule else None
    row = {**asdict(segment), "rule": rule, "dates": texts(segment.dates), "lags": texts(segment.lags)}
    found = await (await tx.run(SAVE, row=row)).single(strict=True)
    if found["id"] != segment.id:
        raise Conflict(f"there is a segment {segment.key} already", field=("key",))
    if found["version"] not in (segment.version - 1, segment.version):
        raise VersionConflict(f"the segment is at version {found['version']}", field=("expectedVersion",))


async def write(tx: AsyncManagedTransaction, saved: Sequence[Segment], gone: Sequence[str]) -> None:
    """Writes segments and deletes others, those that there are, under the lock of `Definitions`. What was kept for
    those that are deleted is still to be forgotten."""
    for segment in saved:
        await save(tx, segment)
    if gone:
        await (await tx.run(DROP, ids=list(gone))).consume()


async def write_followers(tx: AsyncManagedTransaction, segments: Sequence[Segment]) -> None:
    """Notes that who is in segments is to be found out, though their rules stay, under the lock of `Definitions`."""
    rows = [[one.id, one.announced] for one in segments]
    await (await tx.run(FOLLOW, rows=rows, building=sequence())).consume()


def texts(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    """Rows as a property can hold them: a JSON text each."""
    return [orjson.dumps(row).decode() for row in rows]


def segment_of(row: dict[str, Any]) -> Segment:
    return Segment(
        id=row["id"],
        key=row["key"],
        name=row["name"],
        kind=SegmentKind(row["kind"]),
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        rule=orjson.loads(row["rule"]) if row.get("rule") else None,
        conditions=tuple(row["conditions"]),
        hidden=bool(row.get("hidden")),
        building=row.get("building") or 0,
        announced=bool(row.get("announced")),
        dates=tuple(tuple(orjson.loads(date)) for date in row.get("dates") or ()),
        lags=tuple((number, days) for number, days in map(orjson.loads, row.get("lags") or ())),
    )
