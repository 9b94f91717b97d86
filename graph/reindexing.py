"""The note of a reindexing under way, on its operation: which index is in the making, and how far it is filled.

While any operation has the label, whoever writes profiles writes them to that index, too. The label is there
before the index and goes after it: a crash at any moment loses no write to it.
"""

from dataclasses import dataclass
from typing import Final

from graph.client import Graph

OPEN: Final = """
MATCH (o:Operation {id: $operation})
SET o:Reindexing, o.index = coalesce(o.index, $index), o.indexAfter = coalesce(o.indexAfter, ''),
    o.indexed = coalesce(o.indexed, 0)
RETURN o.index AS index, o.indexAfter AS after, o.indexed AS copied
"""

GET: Final = """
MATCH (o:Reindexing {id: $operation}) RETURN o.index AS index, o.indexAfter AS after, o.indexed AS copied
"""

ADVANCE: Final = """
MATCH (o:Reindexing {id: $operation}) SET o.indexAfter = $after, o.indexed = $copied
"""

CLOSE: Final = "MATCH (o:Reindexing) REMOVE o:Reindexing, o.index, o.indexAfter, o.indexed"

ANY: Final = "MATCH (o:Reindexing) RETURN count(o) > 0 AS any"

VERSIONS: Final = """
MATCH (c:Customer) WHERE c.oneId > $after
WITH c ORDER BY c.oneId LIMIT $limit
RETURN collect([c.oneId, c.version, c:Dirty, c:Merged]) AS versions
"""

CUSTOMERS: Final = "MATCH (c:Customer) RETURN count(c) AS count"


@dataclass(frozen=True, slots=True)
class Note:
    """`after`: the last ONE-ID that the index in the making holds of the walk; `copied`: how many it has done."""

    index: str
    after: str
    copied: int


@dataclass(frozen=True, slots=True)
class Version:
    """What a customer's document must show: `merged`: there must be none; `dirty`: it is on its way."""

    one_id: str
    version: int
    dirty: bool
    merged: bool


class Reindexing:
    """Reads and writes the note, and what a finished index is compared with."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def any(self) -> bool:
        """Whether an index is in the making."""
        return bool((await self._graph.read("reindexing.any", ANY))[0]["any"])

    async def get(self, operation: str) -> Note | None:
        """The operation's note, None before it has opened one."""
        rows = await self._graph.read("reindexing.get", GET, operation=operation)
        return Note(**rows[0]) if rows else None

    async def open(self, operation: str, index: str) -> Note:
        """Opens a note about this index; one that the operation has opened already stays."""
        rows = await self._graph.write("reindexing.open", OPEN, operation=operation, index=index)
        return Note(**rows[0])

    async def advance(self, operation: str, after: str, copied: int) -> None:
        """Notes that all customers up to `after` are in the index."""
        await self._graph.write(
            "reindexing.advance", ADVANCE, operation=operation, after=after, copied=copied
        )

    async def close(self) -> None:
        """Takes the note off, and whatever former operations have left behind."""
        await self._graph.write("reindexing.close", CLOSE)

    async def versions(self, after: str, limit: int) -> list[Version]:
        """Customers in order of ONE-ID, former ones too."""
        rows = await self._graph.read("reindexing.versions", VERSIONS, after=after, limit=limit)
        return [Version(*values) for values in rows[0]["versions"]]

    async def customers(self) -> int:
        """How many there are, former ones included."""
        rows = await self._graph.read("reindexing.customers", CUSTOMERS)
        count: int = rows[0]["count"]
        return count
