"""Customers that a value had joined which names nobody any more: marked until they are rebuilt without it."""

from typing import Final

from neo4j import AsyncManagedTransaction

from graph.client import Graph
from graph.writes import SHARE_OUT

MARKED: Final = "MATCH (c:Rebuild) RETURN c.oneId AS oneId ORDER BY oneId LIMIT $limit"

END: Final = "MATCH (c:Customer:Rebuild {oneId: $oneId}) REMOVE c:Rebuild RETURN c.oneId AS oneId"

GENERIC: Final = "MATCH (i:Identifier) WHERE i.key IN $keys AND i.generic RETURN collect(i.key) AS keys"

#: Events that name nothing but generic values belong to nobody. Later ones may name what the customer got since.
UNATTRIBUTE: Final = f"""
MATCH (c:Customer {{oneId: $oneId}})
WITH [(former:Merged)-[:MERGED_INTO]->(c) | former.oneId] AS formers
CREATE (d:Division {{id: randomUUID(), from: [$oneId] + formers, keys: $keys, stay: $stay, until: $until,
                    moveAfter: 0}})
{SHARE_OUT}
"""


async def marked(graph: Graph, limit: int) -> list[str]:
    """ONE-IDs of customers to rebuild."""
    return [row["oneId"] for row in await graph.read("rebuilds.marked", MARKED, limit=limit)]


async def end(tx: AsyncManagedTransaction, one_id: str) -> bool:
    """Takes the mark off; whether there was one."""
    return await (await tx.run(END, oneId=one_id)).single() is not None


async def generic(tx: AsyncManagedTransaction, keys: frozenset[str]) -> frozenset[str]:
    """Those of the keys whose values name nobody."""
    row = await (await tx.run(GENERIC, keys=sorted(keys))).single(strict=True)
    return frozenset(row["keys"])


async def unattribute(
    tx: AsyncManagedTransaction, one_id: str, keys: frozenset[str], stay: frozenset[str], until: int
) -> None:
    """Events of this customer, processed until then, that name one of `keys` and none of `stay` are to become
    nobody's."""
    marked = await tx.run(UNATTRIBUTE, oneId=one_id, keys=sorted(keys), stay=sorted(stay), until=until)
    await marked.consume()
