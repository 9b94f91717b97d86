"""The identity rules in Neo4j: one node, read by version, changed under its lock."""

from collections.abc import Callable
from typing import Final

from neo4j import AsyncManagedTransaction
from pydantic import TypeAdapter

from graph.client import Graph
from oneid.clock import monotonic
from oneid.domain.rules import IdentityRules

STORED: Final = TypeAdapter(IdentityRules)

READ: Final = "OPTIONAL MATCH (r:IdentityRules {id: 'current'}) RETURN r.rules AS rules"

LOCK: Final = """
MERGE (r:IdentityRules {id: 'current'}) SET r.lock = timestamp() RETURN r.rules AS rules
"""

WRITE: Final = "MATCH (r:IdentityRules {id: 'current'}) SET r.version = $version, r.rules = $rules"


async def read_rules(tx: AsyncManagedTransaction) -> IdentityRules:
    """The current rules, the defaults if none were ever set."""
    row = await (await tx.run(READ)).single(strict=True)
    return parse(row["rules"])


def parse(rules: str | None) -> IdentityRules:
    return STORED.validate_json(rules) if rules else IdentityRules()


class RulesStore:
    """Reads and changes the rules."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._known: tuple[float, IdentityRules] | None = None

    async def current(self) -> IdentityRules:
        rows = await self._graph.read("rules.read", READ)
        return self._know(parse(rows[0]["rules"]))

    async def recent(self, seconds: float) -> IdentityRules:
        """The rules as they were at most so many seconds ago; a change made through this store shows at once."""
        known = self._known
        return known[1] if known and monotonic() - known[0] <= seconds else await self.current()

    async def change(self, change: Callable[[IdentityRules], IdentityRules]) -> IdentityRules:
        """Applies `change` to the current rules; concurrent changes follow one another."""

        async def work(tx: AsyncManagedTransaction) -> IdentityRules:
            row = await (await tx.run(LOCK)).single(strict=True)
            rules = change(parse(row["rules"]))
            stored = STORED.dump_json(rules).decode()
            await (await tx.run(WRITE, version=rules.version, rules=stored)).consume()
            return rules

        return self._know(await self._graph.transact("rules.change", work))

    def _know(self, rules: IdentityRules) -> IdentityRules:
        """An answer that was under way while they changed does not take them back."""
        if self._known is None or rules.version >= self._known[1].version:
            self._known = monotonic(), rules
        return rules
