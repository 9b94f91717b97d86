"""The identity rules in Neo4j: one node, read by version, changed under its lock."""

from collections.abc import Callable
from typing import Final

from neo4j import AsyncManagedTransaction
from pydantic import TypeAdapter

from graph.client import Graph
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

    async def current(self) -> IdentityRules:
        rows = await self._graph.read("rules.read", READ)
        return parse(rows[0]["rules"])

    async def change(self, change: Callable[[IdentityRules], IdentityRules]) -> IdentityRules:
        """Applies `change` to the current rules; concurrent changes follow one another."""

        async def work(tx: AsyncManagedTransaction) -> IdentityRules:
            row = await (await tx.run(LOCK)).single(strict=True)
            rules = change(parse(row["rules"]))
            stored = STORED.dump_json(rules).decode()
            await (await tx.run(WRITE, version=rules.version, rules=stored)).consume()
            return rules

        return await self._graph.transact("rules.change", work)
