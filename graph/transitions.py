"""The log of who entered and left which segment, in Neo4j."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from graph.client import Graph
from oneid.domain.segments.membership import Transition, TransitionKind

FIELDS: Final = "t {.id, .segment, .oneId, .kind, .at, .sequence} AS transition"

PAGE: Final = f"""
MATCH (t:SegmentTransition) WHERE t.sequence > $after
RETURN {FIELDS} ORDER BY t.sequence LIMIT $first
"""

OF_SEGMENTS: Final = f"""
UNWIND $segments AS segment
CALL (segment) {{
  MATCH (t:SegmentTransition {{segment: segment}}) WHERE t.sequence > $after AND t.at >= $since
  RETURN t ORDER BY t.sequence LIMIT $first
}}
RETURN {FIELDS} ORDER BY t.sequence
"""

COUNTS_OF: Final = """
UNWIND $segments AS segment
MATCH (t:SegmentTransition {segment: segment}) WHERE t.sequence > 0 AND t.at >= $since
RETURN segment, count(t) AS count
"""

SEEN: Final = "MATCH (s:Segment {id: t.segment}) WHERE NOT coalesce(s.hidden, false)"

VISIBLE: Final = f"""
MATCH (t:SegmentTransition) USING INDEX t:SegmentTransition(sequence) WHERE t.sequence > $after
{SEEN}
"""

NEWS_AMONG: Final = (
    f"MATCH (t:SegmentTransition) WHERE t.id IN $ids {SEEN} RETURN {FIELDS} ORDER BY t.sequence"
)

NEWS: Final = f"{VISIBLE} RETURN {FIELDS} ORDER BY t.sequence LIMIT $first"

NEWS_BETWEEN: Final = f"{VISIBLE} AND t.sequence <= $until RETURN count(t) AS count"

# As one record: records cost the driver ten times as much as what is in them, and these may be a hundred thousand.
NEWS_IDS: Final = f"{VISIBLE} AND t.sequence <= $until RETURN collect([t.sequence, t.id]) AS ids"

# Who was merged into a customer entered under its own ONE-ID. As one record: records cost the driver much.
ENTERED: Final = """
UNWIND $rows AS row
UNWIND row.oneIds AS oneId
MATCH (t:SegmentTransition {oneId: oneId}) WHERE t.segment IN row.segments
WITH row.oneId AS oneId, t.segment AS segment, collect(t) AS told
WITH oneId, segment, told, [t IN told WHERE t.kind = 'LEFT' | t.sequence] AS gone
UNWIND [t IN told WHERE all(one IN gone WHERE one < t.sequence)] AS t
WITH oneId, segment, min(t.at) AS at
RETURN collect([oneId, segment, at]) AS found
"""

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

    async def of(
        self, segments: Sequence[str], first: int, after: int = 0, since: int = 0
    ) -> list[list[Transition]]:
        """For each segment up to `first` with a sequence above `after`, at or after `since` (milliseconds by the
        business clock)."""
        rows = await self._graph.read(
            "transitions.of", OF_SEGMENTS, segments=list(segments), first=first, after=after, since=since
        )
        found = transitions(rows)
        return [[one for one in found if one.segment == segment] for segment in segments]

    async def counts(self, segments: Sequence[str], since: int = 0) -> list[int]:
        """How many each segment has at or after `since` (milliseconds)."""
        rows = await self._graph.read("transitions.counts", COUNTS_OF, segments=list(segments), since=since)
        found = {row["segment"]: int(row["count"]) for row in rows}
        return [found.get(segment, 0) for segment in segments]

    async def entered(
        self, asked: Mapping[str, tuple[Sequence[str], Sequence[str]]]
    ) -> dict[tuple[str, str], int]:
        """Since when (milliseconds) customers are in segments, by ONE-ID and segment, where that was told. `asked`: by
        ONE-ID all of the customer's, and the segments."""
        rows = [
            {"oneId": one_id, "oneIds": list(one_ids), "segments": list(segments)}
            for one_id, (one_ids, segments) in asked.items()
        ]
        found = await self._graph.read("transitions.entered", ENTERED, rows=rows)
        return {(one_id, segment): at for one_id, segment, at in found[0]["found"]}

    async def forget(self, segment: str, limit: int) -> int:
        """Deletes at most `limit` transitions of a segment; how many."""
        rows = await self._graph.write("transitions.forget", FORGET, segment=segment, limit=limit)
        return int(rows[0]["count"])

    async def news(self, first: int, after: int) -> list[Transition]:
        """Up to `first` transitions of segments that people see, with a sequence above `after`."""
        return transitions(await self._graph.read("transitions.news", NEWS, first=first, after=after))

    async def news_among(self, ids: Sequence[str]) -> list[Transition]:
        """Those of them with these ids."""
        return transitions(await self._graph.read("transitions.among", NEWS_AMONG, ids=list(ids)))

    async def news_between(self, after: int, until: int) -> int:
        """How many of them have a sequence in (after, until]."""
        rows = await self._graph.read("transitions.between", NEWS_BETWEEN, after=after, until=until)
        return int(rows[0]["count"])

    async def news_ids(self, after: int, until: int) -> list[tuple[int, str]]:
        """The sequence and id of each of them with a sequence in (after, until], in no order."""
        rows = await self._graph.read("transitions.ids", NEWS_IDS, after=after, until=until)
        return [(sequence, id_) for sequence, id_ in rows[0]["ids"]]


def transitions(rows: Sequence[dict[str, Any]]) -> list[Transition]:
    return [transition(row["transition"]) for row in rows]


def transition(row: dict[str, Any]) -> Transition:
    kind = TransitionKind(row["kind"])
    return Transition(row["id"], row["segment"], row["oneId"], kind, row["at"], row["sequence"])
