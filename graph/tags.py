"""Tags in Neo4j: definitions as nodes; what customers were given as a list on each."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import orjson
from neo4j import AsyncManagedTransaction
from pydantic import TypeAdapter

from graph.attachment import Attached
from graph.client import Graph
from oneid.clock import sequence
from oneid.domain.tags.assignments import Assignment, from_stored, to_stored
from oneid.domain.tags.scorers import Scorer
from oneid.domain.tags.tree import Tag, TagMethod, TagTree

SCORER: Final = TypeAdapter(Scorer)

VERSION: Final = """
OPTIONAL MATCH (n:TagCatalog {id: 'current'}) RETURN coalesce(n.version, 0) AS version
"""

# The version is a time, not a count: after a restore the same one never stands for something else.
CHANGED: Final = """
MERGE (n:TagCatalog {id: 'current'})
SET n.version = timestamp() * 1000000 + toInteger(rand() * 1000000)
"""

ALL: Final = "MATCH (t:Tag) RETURN properties(t) AS t"

SAVE: Final = """
UNWIND $rows AS row
MERGE (t:Tag {id: row.id})
SET t = row
"""

DELETE: Final = "UNWIND $ids AS id MATCH (t:Tag {id: id}) DELETE t"

HELD: Final = """
UNWIND $oneIds AS asked
MATCH (n:Customer {oneId: asked})
OPTIONAL MATCH (n)-[:MERGED_INTO]->(survivor:Customer)
WITH DISTINCT coalesce(survivor, n) AS c
ORDER BY c.oneId
SET c.lock = $lock
RETURN c.oneId AS oneId, c.tags AS tags
"""

WRITE: Final = """
UNWIND $rows AS row
MATCH (c:Customer {oneId: row[0]})
SET c:Dirty, c.tags = row[1], c.version = c.version + 1
"""

TAGS: Final = Attached(
    name="tags",
    merge="""
UNWIND $rows AS row
MATCH (loser:Customer {oneId: row.from})
MATCH (c:Customer {oneId: row.into})
SET c.tags = coalesce(c.tags, []) + [one IN coalesce(loser.tags, []) WHERE NOT one IN coalesce(c.tags, [])]
REMOVE loser.tags
""",
    split="UNWIND $rows AS row MATCH (c:Customer {oneId: row.from}) RETURN count(c)",
    erase="UNWIND $oneIds AS oneId MATCH (c:Customer {oneId: oneId}) REMOVE c.tags",
    export="""
UNWIND $oneIds AS oneId
MATCH (c:Customer {oneId: oneId}) UNWIND c.tags AS given
OPTIONAL MATCH (t:Tag {number: toInteger(split(substring(given, 1), ',')[0])})
RETURN {tag: t.path, given: given} AS data ORDER BY t.path, given
""",
    json=("given",),
)
"""Who joins another customer brings its tags; a part that is split off leaves them."""


class Tags:
    """Reads the tree; reads and changes what customers were given."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._tree = TagTree(version=-1)

    async def tree(self) -> TagTree:
        """All tags as they are now."""
        version: int = (await self._graph.read("tags.version", VERSION))[0]["version"]
        if version != self._tree.version:
            # Read after the version: what is newer than it is read again the next time.
            rows = await self._graph.read("tags.all", ALL)
            self._tree = TagTree(version, tuple(tag_of(row["t"]) for row in rows))
        return self._tree

    async def reassign(
        self, one_ids: Sequence[str], change: Callable[[tuple[Assignment, ...]], tuple[Assignment, ...]]
    ) -> int:
        """Applies `change` to what each customer was given; returns for how many that changed anything."""

        async def work(tx: AsyncManagedTransaction) -> int:
            held = [row.data() async for row in await tx.run(HELD, oneIds=list(one_ids), lock=sequence())]
            rows = list[list[Any]]()
            for row in held:
                before = from_stored(row["tags"])
                after = tuple(sorted(change(before)))
                if after != tuple(sorted(before)):
                    rows.append([row["oneId"], to_stored(after)])
            await (await tx.run(WRITE, rows=rows)).consume()
            return len(rows)

        return await self._graph.transact("tags.reassign", work)


async def write(tx: AsyncManagedTransaction, saved: Sequence[Tag], gone: Sequence[str]) -> None:
    """Writes tags and deletes others, under the lock of `Definitions`."""
    if saved or gone:
        await (await tx.run(CHANGED)).consume()
        await (await tx.run(SAVE, rows=[row_of(tag) for tag in saved])).consume()
        await (await tx.run(DELETE, ids=list(gone))).consume()


def row_of(tag: Tag) -> dict[str, Any]:
    return {
        "id": tag.id,
        "number": tag.number,
        "path": tag.path,
        "method": str(tag.method),
        "createdAt": tag.created_at,
        "rule": orjson.dumps(tag.rule).decode() if tag.rule else None,
        "scorer": SCORER.dump_json(tag.scorer).decode() if tag.scorer else None,
        "version": tag.version,
        "changedAt": tag.changed_at,
    }


def tag_of(row: Mapping[str, Any]) -> Tag:
    return Tag(
        row["id"],
        row["number"],
        row["path"],
        TagMethod(row["method"]),
        row["createdAt"],
        orjson.loads(row["rule"]) if row.get("rule") else None,
        SCORER.validate_json(row["scorer"]) if row.get("scorer") else None,
        row.get("version", 1),
        row.get("changedAt"),
    )
