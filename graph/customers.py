"""Reads of customers: whole records by ONE-ID or by identifier, many in one query.

A former ONE-ID finds the customer it was merged into: MERGED_INTO is always one hop.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from graph.client import Graph
from oneid.domain import consents, lifecycles
from oneid.domain.attributes import computed_of, from_stored, with_computed
from oneid.domain.customers import CustomerRecord, LinkedIdentifier
from oneid.domain.identifiers import Identifier
from oneid.domain.segments import conditions
from oneid.domain.tags import assignments

RECORD: Final = """
RETURN asked, c.oneId AS oneId, c.version AS version, c.seq AS seq, c.createdAt AS createdAt,
       c.updatedAt AS updatedAt, c.attributes AS attributes, c.computed AS computed,
       [(i:Identifier)-[:IDENTIFIES]->(c) |
        [i.linkedSeq, i.key, i.firstSeenAt, i.lastSeenAt, i.verified, i.source]] AS identifiers,
       [(m:Merged)-[:MERGED_INTO]->(c) | [m.seq, m.oneId]] AS former
"""

BY_ONE_ID: Final = f"""
UNWIND $asked AS asked
MATCH (n:Customer {{oneId: asked}})
OPTIONAL MATCH (n)-[:MERGED_INTO]->(survivor:Customer)
WITH asked, coalesce(survivor, n) AS c
{RECORD}
"""

BY_IDENTIFIER: Final = f"""
UNWIND $asked AS asked
MATCH (:Identifier {{key: asked}})-[:IDENTIFIES]->(c:Customer)
{RECORD}
"""

MOVING: Final = """
MATCH (former:Rehome)-[:MERGED_INTO]->(c:Customer)
USING SCAN former:Rehome
RETURN former.oneId AS former, c.oneId AS oneId
"""

OWNERS: Final = """
UNWIND $keys AS key
MATCH (:Identifier {key: key})-[:IDENTIFIES]->(c:Customer)
RETURN key, c.oneId AS oneId
"""


class Customers:
    """Whole customers, current ones only."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def by_one_ids(self, one_ids: Sequence[str]) -> dict[str, CustomerRecord]:
        """Customers by the ONE-ID asked for, which may be a former one."""
        rows = await self._graph.read("customers.by_one_id", BY_ONE_ID, asked=list(one_ids))
        return {row["asked"]: record_of(row) for row in rows}

    async def by_identifiers(self, identifiers: Sequence[Identifier]) -> dict[Identifier, CustomerRecord]:
        """Owners by identifier; identifiers that nobody owns are absent."""
        keys = [identifier.key for identifier in identifiers]
        rows = await self._graph.read("customers.by_identifier", BY_IDENTIFIER, asked=keys)
        return {Identifier.from_key(row["asked"]): record_of(row) for row in rows}

    async def owners(self, keys: Collection[str]) -> dict[str, str]:
        """The ONE-ID by identifier key; those that nobody owns are absent."""
        rows = await self._graph.read("customers.owners", OWNERS, keys=sorted(keys))
        return {row["key"]: row["oneId"] for row in rows}

    async def moving(self) -> dict[str, str]:
        """Former ONE-IDs whose events are still being re-homed, to the customer's own."""
        rows = await self._graph.read("customers.moving", MOVING)
        return {row["former"]: row["oneId"] for row in rows}


def record_of(row: dict[str, Any]) -> CustomerRecord:
    """A row of RECORD as a customer: identifiers oldest link first, former ONE-IDs oldest first. What only the
    index needs may be left out of the row."""
    return CustomerRecord(
        one_id=row["oneId"],
        version=row["version"],
        sequence=row["seq"],
        created_at=row["createdAt"],
        updated_at=row["updatedAt"],
        identifiers=tuple(linked(values) for values in in_order(row["identifiers"])),
        attributes=with_computed(from_stored(row["attributes"]), computed_of(row.get("computed"))),
        former_one_ids=tuple(one_id for _, one_id in in_order(row["former"])),
        held=conditions.from_stored(row.get("conditions")),
        lists=tuple(sorted(row.get("lists") or ())),
        stages=lifecycles.from_stored(row.get("stages")),
        tags=assignments.from_stored(row.get("tags")),
        consents=tuple(map(consents.from_stored, row.get("consents") or ())),
    )


def in_order(rows: Iterable[list[Any]]) -> list[list[Any]]:
    """By sequence, then by key, so that the order never depends on the store."""
    return sorted(rows, key=lambda row: (row[0] or 0, row[1]))


def linked(values: list[Any]) -> LinkedIdentifier:
    _, key, first_seen_at, last_seen_at, verified, source = values
    return LinkedIdentifier(Identifier.from_key(key), first_seen_at, last_seen_at, bool(verified), source)
