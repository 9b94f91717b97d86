"""What a change of the catalog leaves to do for every customer, in Neo4j, until it is done."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from neo4j import AsyncManagedTransaction

from graph.client import Graph
from oneid.clock import sequence

EVERYBODY: Final = ""
"""Instead of an attribute's key: all customers are to be projected."""

NOTE: Final = """
MERGE (m:Marking {key: $key})
SET m.sequence = $sequence, m.names = $names
"""

ALL: Final = (
    "MATCH (m:Marking) RETURN m.key AS key, m.names AS names, m.sequence AS sequence ORDER BY m.sequence"
)

DONE: Final = "MATCH (m:Marking {key: $key}) WHERE m.sequence = $sequence DELETE m"


@dataclass(frozen=True, slots=True)
class Marking:
    """Customers to project again: those that hold the attribute `key`, or EVERYBODY. `names`: of events, whose
    customers are to be evaluated again. `sequence`: tells it from a later one of the same key."""

    key: str
    names: Sequence[str]
    sequence: int


async def note(tx: AsyncManagedTransaction, key: str, names: Sequence[str] = ()) -> None:
    """Leaves it to be done, in the transaction of the change that makes it necessary."""
    await (await tx.run(NOTE, key=key, names=sorted(names), sequence=sequence())).consume()


class Markings:
    """Reads what is to be done and notes what was done."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def all(self) -> list[Marking]:
        """What is to be done, the oldest first."""
        return [Marking(**row) for row in await self._graph.read("markings.all", ALL)]

    async def done(self, marking: Marking) -> None:
        """Forgets it, unless it was noted again."""
        await self._graph.write("markings.done", DONE, key=marking.key, sequence=marking.sequence)
