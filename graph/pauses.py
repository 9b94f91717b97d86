"""Pauses: while identities are rebuilt, no consumer resolves. Events are accepted meanwhile, and wait in the log.

A pause ends by itself if whoever took it dies.
"""

from typing import Final

from neo4j import AsyncManagedTransaction

from graph.client import Graph
from oneid.errors import Retriable

#: Not while an entry is applied in part: its consumer has to rebuild customers first, and to resolve the rest.
PAUSE: Final = """
MATCH (p:Partition)
SET p.lock = $until
WITH collect(p) AS all
WITH all, any(p IN all WHERE any(id IN coalesce(p.applied, []) WHERE id CONTAINS '/')) AS midway
FOREACH (p IN CASE WHEN midway THEN [] ELSE all END | SET p.pausedBy = $holder, p.pausedUntil = $until)
WITH all, midway
UNWIND all AS p
RETURN p.id AS id, p.applied AS applied, midway
"""

STANDS: Final = """
MATCH (p:Partition)
SET p.lock = $now
RETURN count(p) AS partitions, count(CASE WHEN p.pausedBy = $holder AND p.pausedUntil > $now THEN 1 END) AS paused
"""

RESUME: Final = "MATCH (p:Partition {pausedBy: $holder}) REMOVE p.pausedBy, p.pausedUntil"


async def pause(graph: Graph, holder: str, until: int) -> dict[int, list[str]]:
    """No consumer resolves before `until` (`clock.sequence`): the entries that each partition applied last.
    Raises Retriable while one of them is applied in part."""
    rows = await graph.write("partitions.pause", PAUSE, holder=holder, until=until)
    if any(row["midway"] for row in rows):
        raise Retriable("a batch is applied in part")
    return {row["id"]: list(row["applied"] or ()) for row in rows}


async def resume(graph: Graph, holder: str) -> None:
    """Consumers resolve again."""
    await graph.write("partitions.resume", RESUME, holder=holder)


async def stands(tx: AsyncManagedTransaction, holder: str, now: int) -> bool:
    """Whether every partition is still paused by `holder`; it stays so until the transaction ends."""
    row = await (await tx.run(STANDS, holder=holder, now=now)).single(strict=True)
    return bool(row["partitions"] == row["paused"])
