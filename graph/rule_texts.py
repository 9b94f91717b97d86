"""Whatever holds rules that somebody wrote: segments, tags, lifecycles, models, policies, computed attributes, what
operations were asked for, and the conditions that were made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from neo4j import AsyncManagedTransaction

from graph.client import Graph

READ: Final = """
MATCH (n:Segment|Tag|Lifecycle|ScoreModel|RetentionPolicy|AttributeCatalog|Operation)
UNWIND $properties AS property
WITH n, property WHERE n[property] IS NOT NULL
RETURN elementId(n) AS node, property, n[property] AS text
"""

CONDITIONS: Final = "MATCH (k:Condition) RETURN k.id AS id, k.rule AS rule"

#: The catalogs first, in whose order others lock: who has read them reads them again.
CATALOGS: Final = """
OPTIONAL MATCH (s:SegmentCatalog {id: 'current'})
SET s.version = s.version + 1
WITH count(*) AS found
OPTIONAL MATCH (t:TagCatalog {id: 'current'})
SET t.version = t.version + 1
"""

WRITE: Final = """
UNWIND $rows AS row
MATCH (n) WHERE elementId(n) = row.node
SET n.lock = timestamp()
WITH n, row WHERE n[row.property] = row.before
SET n[row.property] = row.after
SET n.version = n.version + 1
"""

JSON: Final = ("rule", "stages", "scorer", "scorers", "computations", "spec", "input")
TEXTS: Final = ("name",)


@dataclass(frozen=True, slots=True)
class RuleText:
    """One property of a node: JSON, or a plain `name`."""

    node: str
    name: str
    text: str

    @property
    def json(self) -> bool:
        return self.name in JSON


class RuleTexts:
    """Reads and rewrites them."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def all(self) -> list[RuleText]:
        """Every one of them."""
        rows = await self._graph.read("rule_texts.all", READ, properties=[*JSON, *TEXTS])
        return [RuleText(row["node"], row["property"], row["text"]) for row in rows]

    async def conditions(self) -> dict[str, str]:
        """The rules of the conditions that are materialised, as JSON, by id."""
        return {row["id"]: row["rule"] for row in await self._graph.read("rule_texts.rules", CONDITIONS)}

    async def rewrite(self, changes: Sequence[tuple[RuleText, str]]) -> None:
        """Writes texts in place of those that were read; one that has changed since then stays."""
        rows: list[dict[str, Any]] = [
            {"node": old.node, "property": old.name, "before": old.text, "after": new}
            for old, new in sorted(changes, key=lambda change: change[0].node)
        ]

        async def work(tx: AsyncManagedTransaction) -> None:
            await (await tx.run(CATALOGS)).consume()
            await (await tx.run(WRITE, rows=rows)).consume()

        await self._graph.transact("rule_texts.rewrite", work)
