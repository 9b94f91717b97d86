"""Retention policies in Neo4j, a node each."""

from typing import Any, Final

import orjson
from neo4j import AsyncManagedTransaction

from graph.client import Graph
from oneid.domain.retention import RetentionPolicy

SAVE: Final = """
MERGE (p:RetentionPolicy {key: $row.key})
SET p += $row
"""

ALL: Final = "MATCH (p:RetentionPolicy) RETURN properties(p) AS p ORDER BY p.key"

DELETE: Final = "MATCH (p:RetentionPolicy {key: $key}) DELETE p RETURN count(*) AS count"

RAN: Final = "MATCH (p:RetentionPolicy {key: $key}) SET p.lastRunAt = $at"


class RetentionPolicies:
    """Reads and deletes policies; `Definitions` writes them."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def all(self) -> list[RetentionPolicy]:
        """Every policy, in order of their keys."""
        return [policy_of(row["p"]) for row in await self._graph.read("retention.all", ALL)]

    async def delete(self, key: str) -> bool:
        """Deletes a policy; False if there is none."""
        return bool((await self._graph.write("retention.delete", DELETE, key=key))[0]["count"])

    async def ran(self, key: str, at: str) -> None:
        """Notes when a daily run was begun (RFC 3339)."""
        await self._graph.write("retention.ran", RAN, key=key, at=at)


async def write(tx: AsyncManagedTransaction, policy: RetentionPolicy) -> None:
    """Writes a policy in place of the one of its key, whose last run it keeps, under the lock of `Definitions`."""
    row: dict[str, Any] = {
        "key": policy.key,
        "name": policy.name,
        "rule": orjson.dumps(policy.rule).decode(),
        "suppress": policy.suppress,
        "daily": policy.daily,
        "most": policy.most,
        "version": policy.version,
        "updatedAt": policy.updated_at,
    }
    await (await tx.run(SAVE, row=row)).consume()


def policy_of(row: dict[str, Any]) -> RetentionPolicy:
    return RetentionPolicy(
        row["key"],
        row["name"],
        orjson.loads(row["rule"]),
        row["suppress"],
        row["daily"],
        row["most"],
        row["version"],
        row["updatedAt"],
        row.get("lastRunAt"),
    )
