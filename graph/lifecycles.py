"""Lifecycles in Neo4j: definitions as nodes, positions as a list on each customer, and a node for each step."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from neo4j import AsyncManagedTransaction
from pydantic import TypeAdapter

from graph.attachment import Attached
from graph.client import Graph
from graph.segments import CHANGED
from oneid.clock import sequence
from oneid.domain.lifecycles import Lifecycle, Position, Stage, StageChange, from_stored, to_stored
from oneid.errors import NotFound

STORED: Final = TypeAdapter(tuple[Stage, ...])

ALL: Final = "MATCH (l:Lifecycle) RETURN properties(l) AS l ORDER BY l.key"

SAVE: Final = f"""
{CHANGED}
MERGE (l:Lifecycle {{key: $row.key}})
SET l = $row
"""

HELD: Final = """
MATCH (n:Customer {oneId: $oneId})
OPTIONAL MATCH (n)-[:MERGED_INTO]->(survivor:Customer)
WITH coalesce(survivor, n) AS c
SET c.lock = $lock
RETURN c.oneId AS oneId, c.stages AS stages
"""

MOVE: Final = """
MATCH (c:Customer {oneId: $oneId})
SET c:Dirty, c.stages = $stages, c.version = c.version + 1
CREATE (s:StageChange) SET s = $change
"""

# A person who was merged away is counted as who that became. Time zones begin at whole quarters of an hour.
FLOWS: Final = """
MATCH (s:StageChange {lifecycle: $lifecycle}) WHERE s.at < $until
  AND NOT EXISTS { MATCH (:Merged {oneId: s.oneId}) }
RETURN toInteger(s.at / 900000) AS quarter, s.source AS source, s.target AS target, count(*) AS count
"""

MATRIX: Final = """
MATCH (s:StageChange {lifecycle: $lifecycle}) WHERE s.at < $until
  AND NOT EXISTS { MATCH (:Merged {oneId: s.oneId}) }
WITH s ORDER BY s.at, s.sequence
WITH s.oneId AS oneId, collect(s) AS steps
WITH last([step IN steps WHERE step.at < $since | step.target]) AS source, last(steps).target AS target
WHERE source IS NOT NULL
RETURN source, target, count(*) AS count
"""

HISTORIES: Final = """
UNWIND range(0, size($asked) - 1) AS place
UNWIND $asked[place] AS oneId
MATCH (s:StageChange {oneId: oneId})
WITH place, s ORDER BY s.at DESC, s.sequence DESC
RETURN place, [one IN collect(s)[..$limit] | properties(one)] AS changes
"""

STAGES: Final = Attached(
    name="stages",
    merge="""
UNWIND $rows AS row
MATCH (loser:Customer {oneId: row.from})
MATCH (c:Customer {oneId: row.into})
WITH loser, c, [one IN coalesce(loser.stages, []) |
                CASE WHEN one STARTS WITH '+' THEN one ELSE '+' + one END] AS brought
SET c.stages = coalesce(c.stages, []) + [one IN brought WHERE NOT one IN coalesce(c.stages, [])]
REMOVE loser.stages
""",
    split="UNWIND $rows AS row MATCH (c:Customer {oneId: row.from}) RETURN count(c)",
    erase="""
UNWIND $oneIds AS oneId
OPTIONAL MATCH (s:StageChange {oneId: oneId})
DELETE s
""",
    export="""
UNWIND $oneIds AS oneId
MATCH (s:StageChange {oneId: oneId})
OPTIONAL MATCH (l:Lifecycle {id: s.lifecycle})
RETURN {lifecycle: coalesce(l.key, s.lifecycle), from: s.source, to: s.target, manual: s.manual, reason: s.reason,
        at: toString(datetime({epochMillis: s.at})), position: null} AS data ORDER BY s.sequence
UNION ALL
UNWIND $oneIds AS oneId
MATCH (c:Customer {oneId: oneId}) UNWIND c.stages AS stage
RETURN {position: CASE WHEN stage STARTS WITH '+' THEN substring(stage, 1) ELSE stage END} AS data ORDER BY stage
""",
    json=("position",),
)
"""Of two customers that merge the one further on tells where they are; a part that is split off begins anew."""


class Lifecycles:
    """Reads and writes lifecycles."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def all(self) -> list[Lifecycle]:
        """Every lifecycle, in order of their keys."""
        return [lifecycle_of(row["l"]) for row in await self._graph.read("lifecycles.all", ALL)]

    async def move(
        self,
        one_id: str,
        change: Callable[[str, tuple[Position, ...]], tuple[tuple[Position, ...], StageChange]],
    ) -> StageChange:
        """Puts a customer somewhere, by what `change` makes of where it is. Raises NotFound, and what `change`
        raises; nothing is written then."""

        async def work(tx: AsyncManagedTransaction) -> StageChange:
            row = await (await tx.run(HELD, oneId=one_id, lock=sequence())).single()
            if row is None:
                raise NotFound("there is no such customer", field=("customer",))
            positions, told = change(row["oneId"], from_stored(row["stages"]))
            written = {"stages": to_stored(positions), "change": change_row(told)}
            await (await tx.run(MOVE, {"oneId": row["oneId"], **written})).consume()
            return told

        return await self._graph.transact("lifecycles.move", work)

    async def histories(self, asked: Sequence[Sequence[str]], limit: int) -> list[list[StageChange]]:
        """For each person, by all of its ONE-IDs, the newest steps in all lifecycles, the newest first."""
        ids = [list(one_ids) for one_ids in asked]
        rows = await self._graph.read("lifecycles.histories", HISTORIES, asked=ids, limit=limit)
        found = {row["place"]: list(map(change_of, row["changes"])) for row in rows}
        return [found.get(place, []) for place in range(len(asked))]

    async def flows(self, id_: str, until: int) -> list[dict[str, Any]]:
        """How many went from where to where before an instant (milliseconds), by quarter of an hour since 1970."""
        return await self._graph.read("lifecycles.flows", FLOWS, lifecycle=id_, until=until)

    async def matrix(self, id_: str, since: int, until: int) -> list[dict[str, Any]]:
        """How many were where before one instant and are where before another one."""
        return await self._graph.read("lifecycles.matrix", MATRIX, lifecycle=id_, since=since, until=until)


async def write(tx: AsyncManagedTransaction, lifecycle: Lifecycle) -> None:
    """Writes a lifecycle in place of the one of its key, under the lock of `Definitions`."""
    row = {
        "id": lifecycle.id,
        "key": lifecycle.key,
        "name": lifecycle.name,
        "version": lifecycle.version,
        "updatedAt": lifecycle.updated_at,
        "stages": STORED.dump_json(lifecycle.stages).decode(),
    }
    await (await tx.run(SAVE, row=row)).consume()


def lifecycle_of(row: Mapping[str, Any]) -> Lifecycle:
    stages = STORED.validate_json(row["stages"])
    return Lifecycle(row["id"], row["key"], row["name"], row["version"], stages, row["updatedAt"])


def change_row(change: StageChange) -> dict[str, Any]:
    return {
        "id": change.id,
        "lifecycle": change.lifecycle,
        "oneId": change.one_id,
        "source": change.source,
        "target": change.target,
        "at": change.at,
        "sequence": change.sequence,
        "manual": change.manual,
        "reason": change.reason,
    }


def change_of(row: Mapping[str, Any]) -> StageChange:
    return StageChange(
        row["id"],
        row["lifecycle"],
        row["oneId"],
        row.get("source"),
        row["target"],
        row["at"],
        row["sequence"],
        row["manual"],
        row.get("reason"),
    )
