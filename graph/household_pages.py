"""Reads of households: pages of them, of their members, and those of customers."""

from collections.abc import Sequence
from typing import Any, Final

from graph.client import Graph
from graph.customers import RECORD, record_of
from oneid.domain.customers import CustomerRecord
from oneid.domain.households import Household
from oneid.domain.identifiers import Identifier

PAGE: Final = """
MATCH (h:Household) WHERE h.id > $after
RETURN h {.id, .key, .createdAt} AS household ORDER BY h.id LIMIT $first
"""

COUNT: Final = "MATCH (h:Household) RETURN count(h) AS count"

BY_ID: Final = """
UNWIND $ids AS id MATCH (h:Household {id: id}) RETURN h {.id, .key, .createdAt} AS household
"""

OF_CUSTOMERS: Final = """
UNWIND $oneIds AS asked
MATCH (:Customer {oneId: asked})-[:MEMBER_OF]->(h:Household)
WITH DISTINCT asked, h
RETURN asked, h {.id, .key, .createdAt} AS household ORDER BY h.id
"""

MEMBERS: Final = f"""
UNWIND $ids AS asked
CALL (asked) {{
  MATCH (:Household {{id: asked}})<-[:MEMBER_OF]-(c:Customer) WHERE c.oneId > $after
  RETURN DISTINCT c ORDER BY c.oneId LIMIT $first
}}
{RECORD}
"""

MEMBER_COUNTS: Final = """
UNWIND $ids AS asked
MATCH (:Household {id: asked})<-[:MEMBER_OF]-(c:Customer)
RETURN asked, count(DISTINCT c) AS count
"""


class HouseholdPages:
    """Households in the order in which they were first seen, members in the order of their ONE-IDs."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def page(self, first: int, after: str = "") -> list[Household]:
        """Up to `first` households whose id is greater than `after`."""
        rows = await self._graph.read("households.page", PAGE, first=first, after=after)
        return [_household(row["household"]) for row in rows]

    async def count(self) -> int:
        rows = await self._graph.read("households.count", COUNT)
        return int(rows[0]["count"])

    async def by_ids(self, ids: Sequence[str]) -> list[Household | None]:
        """Households in the order asked, None where there is none."""
        rows = await self._graph.read("households.by_id", BY_ID, ids=list(ids))
        found = {row["household"]["id"]: _household(row["household"]) for row in rows}
        return [found.get(id_) for id_ in ids]

    async def of_customers(self, one_ids: Sequence[str]) -> list[list[Household]]:
        """For each customer, by its current ONE-ID, the households it is a member of."""
        rows = await self._graph.read("households.of_customers", OF_CUSTOMERS, oneIds=list(one_ids))
        found: dict[str, list[Household]] = {one_id: [] for one_id in one_ids}
        for row in rows:
            found[row["asked"]].append(_household(row["household"]))
        return [found[one_id] for one_id in one_ids]

    async def members(self, ids: Sequence[str], first: int, after: str) -> list[list[CustomerRecord]]:
        """For each household up to `first` members whose ONE-ID is greater than `after`."""
        rows = await self._graph.read("households.members", MEMBERS, ids=list(ids), first=first, after=after)
        found: dict[str, list[CustomerRecord]] = {id_: [] for id_ in ids}
        for row in rows:
            found[row["asked"]].append(record_of(row))
        return [sorted(found[id_], key=lambda record: record.one_id) for id_ in ids]

    async def member_counts(self, ids: Sequence[str]) -> list[int]:
        """How many members each household has."""
        rows = await self._graph.read("households.member_counts", MEMBER_COUNTS, ids=list(ids))
        found = {row["asked"]: int(row["count"]) for row in rows}
        return [found.get(id_, 0) for id_ in ids]


def _household(row: dict[str, Any]) -> Household:
    return Household(row["id"], Identifier.from_key(row["key"]), row["createdAt"])
