"""The log of who entered and left which segment, in Neo4j."""

from collections.abc import Sequence
from typing import Any, Final

from graph.client import Graph
from oneid.domain.segments.membership import Transition, TransitionKind

FIELDS: Final = "t {.id, .segment, .oneId, .kind, .at, .sequence} AS transition"

PAGE: Final = f"""
MATCH (t:SegmentTransition) WHERE t.sequence > $after
RETURN {FIELDS} ORDER BY t.sequence LIMIT $first
"""

OF_SEGMENT: Final = f"""
MATCH (t:SegmentTransition {{segment: $segment}}) WHERE t.sequence > $after AND t.at >= $since
RETURN {FIELDS} ORDER BY t.sequence LIMIT $first
"""

COUNT_OF: Final = """
MATCH (t:SegmentTransition {segment: $segment}) WHERE t.sequence > 0 AND t.at >= $since RETURN count(t) AS count
"""

VISIBLE: Final = """
MATCH (t:SegmentTransition) WHERE t.sequence > $after
MATCH (s:Segment {id: t.segment}) WHERE NOT coalesce(s.hidden, false)
"""

NEWS: Final = f"{VISIBLE} RETURN {FIELDS} ORDER BY t.sequence LIMIT $first"

NEWS_BETWEEN: Final = f"{VISIBLE} AND t.sequence <= $until RETURN count(t) AS count"


FORGET: Final = """
MATCH (t:SegmentTransition {segment: $segment}) WHERE t.sequence > 0
WITH t LIMIT $limit
DELETE t
RETURN count(*) AS count
"""


class Transitions:
    """Reads the log."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def page(self, first: int, after: int = 0) -> list[Transition]:
        """Up to `first` transitions with a sequence above `after`, those of hidden segments too."""
        return transitions(await self._graph.read("transitions.page", PAGE, first=first, after=after))

    async def of(self, segment: str, first: int, after: int = 0, since: int = 0) -> list[Transition]:
        """Those of a segment, at or after `since` (milliseconds by the business clock)."""
        rows = await self._graph.read(
            "transitions.of", OF_SEGMENT, segment=segment, first=first, after=after, since=since
        )
        return transitions(rows)

    async def count(self, segment: str, since: int = 0) -> int:
        """How many a segment has at or after `since` (milliseconds)."""
        rows = await self._graph.read("transitions.count", COUNT_OF, segment=segment, since=since)
        return int(rows[0]["count"])

    async def forget(self, segment: str, limit: int) -> int:
        """Deletes at most `limit` transitions of a segment; how many."""
        rows = await self._graph.write("transitions.forget", FORGET, segment=segment, limit=limit)
        return int(rows[0]["count"])

    async def news(self, first: int, after: int) -> list[Transition]:
        """Up to `first` transitions of segments that people see, with a sequence above `after`."""
        return transitions(await self._graph.read("transitions.news", NEWS, first=first, after=after))

    async def news_between(self, after: int, until: int) -> int:
        """How many of them have a sequence in (after, until]."""
        rows = await self._graph.read("transitions.between", NEWS_BETWEEN, after=after, until=until)
        return int(rows[0]["count"])


def transitions(rows: Sequence[dict[str, Any]]) -> list[Transition]:
    return [transition(row["transition"]) for row in rows]


def transition(row: dict[str, Any]) -> Transition:
    kind = TransitionKind(row["kind"])
    return Transition(row["id"], row["segment"], row["oneId"], kind, row["at"], row["sequence"])
