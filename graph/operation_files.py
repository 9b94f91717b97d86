"""Results too large for an answer, in pieces, in the graph: API and worker need not share a disk.

A piece is keyed by the run that wrote it: a runner that lost its lease can't spoil what its successor writes.
"""

from collections.abc import AsyncIterator
from typing import Final

from graph.client import Graph
from oneid.domain.operations import ResultFile
from oneid.errors import NotFound

PUT: Final = "MERGE (c:OperationChunk {id: $id}) SET c.operation = $operation, c.run = $run, c.data = $data"

READ: Final = "MATCH (c:OperationChunk {id: $id}) RETURN c.data AS data"

# In slices: a file may be larger than one transaction can hold.
DELETE: Final = """
MATCH (c:OperationChunk {operation: $operation}) WHERE $keep IS NULL OR c.run <> $keep
WITH c LIMIT 20 DELETE c RETURN count(c) AS deleted
"""


class OperationFiles:
    """Writes and reads the pieces, each of a few hundred kilobytes."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def put(self, operation: str, run: str, number: int, data: bytes) -> None:
        """Stores one piece, numbered from 0."""
        await self._graph.write(
            "operations.put_chunk", PUT, id=f"{run}:{number}", operation=operation, run=run, data=data
        )

    async def read(self, file: ResultFile) -> AsyncIterator[bytes]:
        """The file, piece by piece. Raises NotFound where it was deleted meanwhile."""
        for number in range(file.chunks):
            rows = await self._graph.read("operations.read_chunk", READ, id=f"{file.run}:{number}")
            if not rows:
                raise NotFound("the file was deleted")
            yield rows[0]["data"]

    async def delete(self, operation: str, *, keep: str | None = None) -> None:
        """Deletes what runs of this operation wrote, all of it or but for one run."""
        while (await self._delete(operation, keep))[0]["deleted"]:
            continue

    async def _delete(self, operation: str, keep: str | None) -> list[dict[str, int]]:
        return await self._graph.write("operations.delete_chunks", DELETE, operation=operation, keep=keep)
