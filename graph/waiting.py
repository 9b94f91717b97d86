"""How much waits to be done, and since when: what somebody should look at if it grows."""

from dataclasses import dataclass
from typing import Final

from graph.client import Graph

ERASURES: Final = """
MATCH (e:Erasure) WHERE e.dueAt IS NOT NULL RETURN count(e) AS count, min(e.erasedAt) AS oldest
"""

OPERATIONS: Final = """
MATCH (o:Operation) WHERE o.dueAt <= $now RETURN count(o) AS count, min(o.dueAt) AS oldest
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """`erasures` that are not complete, the oldest accepted at `oldest_erasure` (RFC 3339); `operations` that nobody
    runs, the first since `oldest_operation` (`clock.sequence`)."""

    erasures: int
    oldest_erasure: str | None
    operations: int
    oldest_operation: int | None


async def waiting(graph: Graph, now: int) -> Waiting:
    """At `now` (`clock.sequence`). Raises Retriable."""
    (erasures,) = await graph.read("waiting.erasures", ERASURES)
    (operations,) = await graph.read("waiting.operations", OPERATIONS, now=now)
    return Waiting(erasures["count"], erasures["oldest"], operations["count"], operations["oldest"])
