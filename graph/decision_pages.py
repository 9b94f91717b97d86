"""Pages of decisions for many customers in one query."""

from collections.abc import Sequence
from typing import Final

from graph.client import Graph
from graph.decisions import FIELDS, decision_of
from oneid.domain.decisions import Decision, DecisionKind

PAGES: Final = f"""
UNWIND range(0, size($groups) - 1) AS position
WITH position, $groups[position] AS oneIds
CALL (oneIds) {{
  MATCH (d:Decision) WHERE (d.oneId IN oneIds OR d.splitOneId IN oneIds) AND d.seq > $after
  RETURN {FIELDS} ORDER BY d.seq LIMIT $first
}}
RETURN position, collect(decision) AS decisions
"""

COUNTS: Final = """
UNWIND range(0, size($groups) - 1) AS position
WITH position, $groups[position] AS oneIds
CALL (oneIds) { MATCH (d:Decision) WHERE d.oneId IN oneIds OR d.splitOneId IN oneIds RETURN count(d) AS count }
RETURN position, count
"""

COUNT: Final = """
MATCH (d:Decision) WHERE d.seq > 0
  AND ($oneIds IS NULL OR d.oneId IN $oneIds OR d.splitOneId IN $oneIds)
  AND ($messageId IS NULL OR d.messageId = $messageId)
  AND ($kinds IS NULL OR d.kind IN $kinds) AND ($since IS NULL OR d.at >= $since)
RETURN count(d) AS count
"""


class DecisionPages:
    """Decisions of groups of ONE-IDs: a customer's own and its former ones."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def of(self, groups: Sequence[Sequence[str]], first: int, after: int) -> list[list[Decision]]:
        """For each group up to `first` decisions with a sequence above `after`, in processing order."""
        rows = await self._graph.read(
            "decisions.pages", PAGES, groups=[list(group) for group in groups], first=first, after=after
        )
        found = {row["position"]: [decision_of(d) for d in row["decisions"]] for row in rows}
        return [found.get(position, []) for position in range(len(groups))]

    async def counts(self, groups: Sequence[Sequence[str]]) -> list[int]:
        """How many decisions each group has."""
        rows = await self._graph.read("decisions.counts", COUNTS, groups=[list(group) for group in groups])
        found = {row["position"]: int(row["count"]) for row in rows}
        return [found.get(position, 0) for position in range(len(groups))]

    async def count(
        self,
        *,
        one_ids: Sequence[str] | None = None,
        message_id: str | None = None,
        kinds: Sequence[DecisionKind] | None = None,
        since: str | None = None,
    ) -> int:
        """How many decisions match all that is given."""
        rows = await self._graph.read(
            "decisions.count",
            COUNT,
            oneIds=list(one_ids) if one_ids is not None else None,
            messageId=message_id,
            kinds=[str(kind) for kind in kinds] if kinds else None,
            since=since,
        )
        return int(rows[0]["count"])
