"""What operations left about somebody who was erased: operations about the person, and files that may show anybody.

Each statement takes the lock of an operation before it reads what it decides by.
"""

from collections.abc import Collection
from typing import Final

from graph.client import Graph
from oneid.clock import sequence
from oneid.domain.erasures import Pending
from oneid.domain.identifiers import Identifier
from oneid.domain.redaction import SHORTEST

#: Exports of the person, finished or not.
DELETE_OPERATIONS: Final = """
MATCH (o:Operation) WHERE any(text IN $oneIds WHERE o.input CONTAINS text)
OPTIONAL MATCH (c:OperationChunk {operation: o.id})
DETACH DELETE o, c
"""

#: An export under way may have read the person already: it begins anew, as if for the first time.
DROP_FILES: Final = """
MATCH (o:Operation) WHERE o.kind IN $kinds AND o.startedAt <= $until
SET o.lock = $now
WITH o, o.dueAt IS NOT NULL AS unfinished WHERE o.startedAt <= $until
FOREACH (_ IN CASE WHEN unfinished THEN [1] ELSE [] END |
  SET o.status = 'QUEUED', o.dueAt = $now, o.attempts = 0 REMOVE o.holder, o.startedAt)
FOREACH (_ IN CASE WHEN unfinished THEN [] ELSE [1] END |
  REMOVE o.fileName, o.fileType, o.fileChunks, o.fileRun)
"""

#: Pieces of files that are no more, or were written by a run that lost its operation. In slices, as they are large.
DELETE_ORPHANS: Final = """
MATCH (c:OperationChunk)
WHERE NOT EXISTS { MATCH (o:Operation {id: c.operation}) WHERE o.holder = c.run AND o.dueAt IS NOT NULL
                   OR o.fileRun = c.run }
WITH c LIMIT 20 DELETE c RETURN count(c) AS deleted
"""

SCRUB_OPERATIONS: Final = """
MATCH (o:Operation) WHERE any(text IN $texts WHERE o.result CONTAINS text OR o.error CONTAINS text)
REMOVE o.result, o.error
"""


class ErasureResults:
    """Deletes what operations left. All of it may be done again."""

    def __init__(self, graph: Graph, personal: Collection[str]) -> None:
        """`personal`: the kinds of operations whose files show people."""
        self._graph = graph
        self._personal = sorted(personal)

    async def drop_about(self, erasure: Pending) -> None:
        """Deletes operations about the person, and what others say of the person as their result."""
        one_ids, values = list(erasure.one_ids), (Identifier.from_key(key).value for key in erasure.keys)
        await self._graph.write("erasures.delete_operations", DELETE_OPERATIONS, oneIds=one_ids)
        texts = [*one_ids, *(value for value in values if len(value) >= SHORTEST)]
        await self._graph.write("erasures.scrub_operations", SCRUB_OPERATIONS, texts=texts)

    async def drop_files(self, until: str) -> None:
        """Drops the files of whatever was begun until a time (RFC 3339). What is under way begins anew."""
        await self._graph.write(
            "erasures.drop_files", DROP_FILES, kinds=self._personal, until=until, now=sequence()
        )

    async def sweep(self) -> None:
        """Deletes pieces of files that are nobody's."""
        while (await self._graph.write("erasures.delete_orphans", DELETE_ORPHANS))[0]["deleted"]:
            continue
