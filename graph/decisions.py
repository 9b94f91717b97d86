"""The log of identity decisions in Neo4j."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

from graph.client import Graph, Row
from oneid.domain.decisions import Decision, DecisionKind
from oneid.domain.identifiers import Identifier

FIELDS: Final = """d {.id, .seq, .kind, .at, .messageId, .ruleVersion, .oneId, .mergedOneIds, .kept,
                     .dropped, .manual, .reason, .splitOneId, .sticky, .direct, .sides, .content} AS decision"""

OF_CUSTOMERS: Final = f"""
MATCH (d:Decision) WHERE (d.oneId IN $oneIds OR d.splitOneId IN $oneIds) AND d.seq > $after
  AND ($kinds IS NULL OR d.kind IN $kinds) AND ($since IS NULL OR d.at >= $since)
RETURN {FIELDS} ORDER BY d.seq LIMIT $first
"""

OF_MESSAGE: Final = f"""
MATCH (d:Decision {{messageId: $messageId}}) WHERE d.seq > $after
  AND ($kinds IS NULL OR d.kind IN $kinds) AND ($since IS NULL OR d.at >= $since)
  AND ($oneIds IS NULL OR d.oneId IN $oneIds OR d.splitOneId IN $oneIds)
RETURN {FIELDS} ORDER BY d.seq LIMIT $first
"""

ALL: Final = f"""
MATCH (d:Decision) WHERE d.seq > $after
  AND ($kinds IS NULL OR d.kind IN $kinds) AND ($since IS NULL OR d.at >= $since)
RETURN {FIELDS} ORDER BY d.seq LIMIT $first
"""


PAGE: Final = 5_000


class DecisionLog:
    """Reads decisions in processing order."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def page(
        self,
        first: int,
        after: int = 0,
        *,
        one_ids: list[str] | None = None,
        message_id: str | None = None,
        kinds: list[DecisionKind] | None = None,
        since: str | None = None,
    ) -> list[Decision]:
        """Up to `first` decisions with a sequence above `after`, for these ONE-IDs (give the former ones too),
        this message, these kinds, at or after `since`."""
        of_some = OF_CUSTOMERS if one_ids is not None else ALL
        query = of_some if message_id is None else OF_MESSAGE
        rows = await self._graph.read(
            "decisions.page",
            query,
            first=first,
            after=after,
            oneIds=one_ids,
            messageId=message_id,
            kinds=[str(kind) for kind in kinds] if kinds else None,
            since=since,
        )
        return [decision_of(row["decision"]) for row in rows]

    async def all_of(self, one_ids: list[str]) -> list[Decision]:
        """All decisions for these ONE-IDs, a page at a time."""
        found = list[Decision]()
        while page := await self.page(PAGE, found[-1].sequence if found else 0, one_ids=one_ids):
            found += page
            if len(page) < PAGE:
                break
        return found


def decision_row(decision: Decision) -> dict[str, Any]:
    return {
        "id": decision.id,
        "set": {
            "seq": decision.sequence,
            "kind": str(decision.kind),
            "at": decision.at,
            "messageId": decision.message_id,
            "ruleVersion": decision.rule_version,
            "oneId": decision.one_id,
            "mergedOneIds": list(decision.merged_one_ids),
            "kept": [identifier.key for identifier in decision.kept],
            "dropped": [identifier.key for identifier in decision.dropped],
            "manual": decision.manual,
            "reason": decision.reason,
            "splitOneId": decision.other_one_id,
            "sticky": decision.sticky or None,
            "direct": decision.direct,
            "sides": [f"{n} {i.key}" for n, side in enumerate(decision.sides) for i in side] or None,
            "held": [identifier.key for side in decision.sides for identifier in side] or None,
            "content": decision.content,
        },
    }


def decision_of(row: Row) -> Decision:
    return Decision(
        id=row["id"],
        sequence=row["seq"],
        kind=DecisionKind(row["kind"]),
        at=row["at"],
        message_id=row["messageId"],
        rule_version=row["ruleVersion"],
        one_id=row["oneId"],
        merged_one_ids=tuple(row["mergedOneIds"]),
        kept=tuple(Identifier.from_key(key) for key in row["kept"]),
        dropped=tuple(Identifier.from_key(key) for key in row["dropped"]),
        manual=row["manual"],
        reason=row["reason"],
        other_one_id=row["splitOneId"],
        sticky=bool(row["sticky"]),
        direct=_direct(row),
        sides=_sides(row["sides"] or ()),
        content=row["content"],
    )


def _direct(row: Row) -> bool:
    """Decisions from before there was a mark are known by the messageId that direct writes are given."""
    known: bool | None = row["direct"]
    return (row["messageId"] or "").startswith("upsert-") if known is None else known


def _sides(stored: Iterable[str]) -> tuple[tuple[Identifier, ...], ...]:
    """From "number key" texts. Identifiers of erased people are gone from them, and whole sides may be."""
    sides = defaultdict[str, list[Identifier]](list)
    for text in stored:
        number, _, key = text.partition(" ")
        sides[number].append(Identifier.from_key(key))
    return tuple(map(tuple, sides.values()))
