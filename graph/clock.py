"""The sandbox clock's offset in Neo4j, where it outlives everything else."""

from collections.abc import Callable
from typing import Final

from neo4j import AsyncManagedTransaction

from graph.client import Graph

READ: Final = "OPTIONAL MATCH (c:Clock {id: 'clock'}) RETURN coalesce(c.offsetSeconds, 0.0) AS seconds"
LOCK: Final = """
MERGE (c:Clock {id: 'clock'}) SET c.lock = timestamp() RETURN coalesce(c.offsetSeconds, 0.0) AS seconds
"""
WRITE: Final = "MATCH (c:Clock {id: 'clock'}) SET c.offsetSeconds = $seconds"


class ClockStore:
    """Reads and moves the offset, in seconds."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def offset(self) -> float:
        rows = await self._graph.read("clock.read", READ)
        return float(rows[0]["seconds"])

    async def move(self, target: Callable[[float], float]) -> float:
        """Sets the offset to `target` of the current one, one caller at a time; the new offset."""

        async def work(tx: AsyncManagedTransaction) -> float:
            row = await (await tx.run(LOCK)).single(strict=True)
            seconds = target(float(row["seconds"]))
            await (await tx.run(WRITE, seconds=seconds)).consume()
            return seconds

        return await self._graph.transact("clock.move", work)
