"""Signs of over-merging in the identity graph.

A customer's identifiers are counted without reading them: the graph keeps the degree of a node that has many, and
the largest are kept while customers are scanned. Shared values are counted from the demotions alone, which the
kind's index finds: a value that is kept apart again and again in the same way leaves one entry a customer.
"""

from typing import Final

from graph.client import Graph
from graph.customers import Customers
from oneid.domain.health import IdentityHealth, LargeCustomer, SharedValue
from oneid.domain.identifiers import Identifier

LARGEST: Final = """
MATCH (c:Customer)
WITH c, COUNT { (c)<-[:IDENTIFIES]-() } AS identifiers
WHERE identifiers > 1
WITH c, identifiers ORDER BY identifiers DESC, c.oneId LIMIT $limit
RETURN c.oneId AS oneId, identifiers, coalesce(c.merges, 0) AS merges
"""

SHARED: Final = """
MATCH (d:Decision {kind: 'DEMOTED'}) WHERE d.reason = 'LIMIT'
UNWIND d.dropped AS key
WITH key, count(*) AS demotions, collect(DISTINCT d.oneId) AS oneIds
ORDER BY demotions DESC, key LIMIT $limit
UNWIND oneIds AS oneId
OPTIONAL MATCH (c:Customer {oneId: oneId})
OPTIONAL MATCH (c)-[:MERGED_INTO]->(survivor:Customer)
WITH key, demotions, collect(DISTINCT coalesce(survivor.oneId, oneId)) AS kept_out
OPTIONAL MATCH (:Identifier {key: key})-[:IDENTIFIES]->(owner:Customer)
WITH key, demotions, kept_out, owner.oneId AS owner
RETURN key, demotions, size([o IN kept_out WHERE o <> coalesce(owner, '')]) +
       CASE WHEN owner IS NULL THEN 0 ELSE 1 END AS customers
ORDER BY demotions DESC, key
"""


class HealthReader:
    """Reads the signs, in time proportional to the customers and to the demotions."""

    def __init__(self, graph: Graph, customers: Customers) -> None:
        self._graph = graph
        self._customers = customers

    async def read(self, first: int) -> IdentityHealth:
        """Up to `first` customers with more than one identifier, and up to `first` shared values."""
        return IdentityHealth(await self._largest(first), await self._shared(first))

    async def _largest(self, first: int) -> list[LargeCustomer]:
        rows = await self._graph.read("health.largest", LARGEST, limit=first)
        found = await self._customers.by_one_ids([row["oneId"] for row in rows])
        return [
            LargeCustomer(found[row["oneId"]], row["identifiers"], row["merges"])
            for row in rows
            if row["oneId"] in found
        ]

    async def _shared(self, first: int) -> list[SharedValue]:
        rows = await self._graph.read("health.shared", SHARED, limit=first)
        return [
            SharedValue(Identifier.from_key(row["key"]), row["demotions"], row["customers"]) for row in rows
        ]
