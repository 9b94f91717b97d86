"""Lifecycles in Neo4j: definitions as nodes, positions as a list on each customer, and a node for each step."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from neo4j import AsyncManagedTransaction
from pydantic import TypeAdapter

from graph.attachment import Attached
from graph.client import Graph
from graph.segments import CHANGED
from oneid.clock import sequence
from oneid.domain.lifecycles import Lifecycle, Position, Stage, StageChange, brought, from_stored, to_stored
from oneid.errors import NotFound

STORED: Final = TypeAdapter(tuple[Stage, ...])

PAGE: Final = 5_000

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
WITH c UNWIND $changes AS change
CREATE (s:StageChange) SET s = change
"""

# A person who was merged away is counted as who that became. Time zones begin at whole quarters of an hour.
FLOWS: Final = """
MATCH (s:StageChange {lifecycle: $lifecycle}) WHERE s.at < $until
  AND NOT EXISTS { MATCH (m:Customer {oneId: s.oneId}) WHERE m:Merged }
RETURN toInteger(s.at / 900000) AS quarter, s.source AS source, s.target AS target, count(*) AS count
"""

# Page by page in the order of the index: what is held at once doesn't grow with the history.
MATRIX: Final = """
MATCH (s:StageChange {lifecycle: $lifecycle}) WHERE s.oneId > $after
WITH DISTINCT s.oneId AS oneId ORDER BY oneId LIMIT $limit
CALL (oneId) {
  MATCH (s:StageChange {lifecycle: $lifecycle, oneId: oneId}) WHERE s.at < $until
  WITH [s.at, s.sequence, s.target] AS told, s.at < $since AS before
  RETURN max(CASE WHEN before THEN told END)[2] AS source, max(told)[2] AS target
}
WITH oneId, CASE WHEN NOT EXISTS { MATCH (m:Customer {oneId: oneId}) WHERE m:Merged } THEN source END AS source,
     target
WITH source, target, count(*) AS count, max(oneId) AS last
RETURN source, target, count, last
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
SET c.stages = coalesce(c.stages, []) + [one IN brought WHERE NOT one IN coalesce(c.stages, [])],
    loser.ownStages = coalesce(loser.stages, loser.ownStages)
REMOVE loser.stages
""",
    split="""
UNWIND $rows AS row
MATCH (c:Customer {oneId: row.to}) WHERE c.ownStages IS NOT NULL
SET c.stages = c.ownStages
REMOVE c.ownStages
""",
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
"""Of two customers that merge the one further on tells where they are: what another one brought is marked as such,
until it is told. A part that is split off goes on where it was as a customer of its own, or begins anew."""


Move = Callable[
    [str, tuple[Position, ...], Sequence[tuple[str | None, Position]]],
    tuple[tuple[Position, ...], Sequence[StageChange]],
]
"""From a customer's ONE-ID, where it is, and where it came by merging, to where it is then, and what is told of it."""


class Lifecycles:
    """Reads and writes lifecycles."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def all(self) -> list[Lifecycle]:
        """Every lifecycle, in order of their keys."""
        return [lifecycle_of(row["l"]) for row in await self._graph.read("lifecycles.all", ALL)]

    async def move(self, one_id: str, change: Move) -> StageChange:
        """Puts a customer somewhere, by what `change` makes of where it is; the last thing that it tells. Raises
        NotFound, and what `change` raises; nothing is written then."""

        async def work(tx: AsyncManagedTransaction) -> StageChange:
            row = await (await tx.run(HELD, oneId=one_id, lock=sequence())).single()
            if row is None:
                raise NotFound("there is no such customer", field=("customer",))
            positions, told = change(row["oneId"], from_stored(row["stages"]), brought(row["stages"]))
            written = {"stages": to_stored(positions), "changes": list(map(change_row, told))}
            await (await tx.run(MOVE, {"oneId": row["oneId"], **written})).consume()
            return told[-1]

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
        found, after = Counter[tuple[str, str]](), ""
        while rows := await self._matrix(id_, since, until, after):
            for row in rows:
                if row["source"] is not None:
                    found[row["source"], row["target"]] += row["count"]
            after = max(row["last"] for row in rows)
        return [{"source": s, "target": t, "count": count} for (s, t), count in found.items()]

    async def _matrix(self, id_: str, since: int, until: int, after: str) -> list[dict[str, Any]]:
        told = {"lifecycle": id_, "since": since, "until": until, "after": after, "limit": PAGE}
        return await self._graph.read("lifecycles.matrix", MATRIX, **told)


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
