"""The identity graph in Neo4j: reads what a micro-batch touches, locked, and writes what it changed.

Locks are taken in one order: identifiers by key, then customers by ONE-ID. Transactions whose customers cross
may still deadlock; Neo4j ends one of them, and the client runs it again.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import orjson
from neo4j import AsyncManagedTransaction

from graph import writes
from graph.decisions import decision_row
from oneid.domain.attributes import from_stored, to_stored
from oneid.domain.decisions import Decision
from oneid.domain.identifiers import Identifier
from oneid.domain.workspace import CustomerNode, IdentifierNode, Workspace

LOCK_IDENTIFIERS: Final = """
UNWIND $keys AS key
MERGE (i:Identifier {key: key})
SET i.lock = $lock
WITH i
OPTIONAL MATCH (i)-[:IDENTIFIES]->(c:Customer)
RETURN i {.key, .firstSeenAt, .lastSeenAt, .verified, .source, .linkedSeq, .quarantined} AS node,
       c.oneId AS owner
"""

LOCK_CUSTOMERS: Final = """
UNWIND $ids AS id
MATCH (c:Customer {oneId: id})
SET c.lock = $lock
WITH c
OPTIONAL MATCH (c)<-[:IDENTIFIES]-(i:Identifier)
RETURN c {.oneId, .seq, .version, .createdAt, .updatedAt, .merges, .attributes} AS customer,
       collect(i {.key, .firstSeenAt, .lastSeenAt, .verified, .source, .linkedSeq, .quarantined}) AS nodes
"""


SURVIVORS: Final = """
UNWIND $ids AS id
MATCH (c:Customer {oneId: id})
OPTIONAL MATCH (c)-[:MERGED_INTO]->(survivor:Customer)
RETURN id AS asked, coalesce(survivor, c).oneId AS oneId
"""


UPSERTED: Final = "MATCH (c:Customer {upsert: $id}) RETURN c.oneId AS oneId"

NOTE_UPSERT: Final = "MATCH (c:Customer {oneId: $oneId}) SET c.upsert = $id"


async def upserted(tx: AsyncManagedTransaction, message_id: str) -> str | None:
    """The customer that this upsert wrote, if an earlier attempt committed and its answer was lost."""
    row = await (await tx.run(UPSERTED, id=message_id)).single()
    return row["oneId"] if row else None


async def note_upsert(tx: AsyncManagedTransaction, one_id: str, message_id: str) -> None:
    await (await tx.run(NOTE_UPSERT, oneId=one_id, id=message_id)).consume()


async def load(
    tx: AsyncManagedTransaction, keys: Iterable[str], sequence: int, new_one_id: Callable[[], str]
) -> Workspace:
    """Locks and reads these identifiers, their owners, and all identifiers of those owners."""
    space = Workspace(sequence, new_one_id)
    rows = await (await tx.run(LOCK_IDENTIFIERS, keys=sorted(set(keys)), lock=sequence)).data()
    for row in rows:
        add_identifier(space, row["node"], row["owner"])
    await load_customers(tx, space, {row["owner"] for row in rows if row["owner"]}, sequence)
    return space


async def survivors(tx: AsyncManagedTransaction, one_ids: Iterable[str]) -> dict[str, str]:
    """The current ONE-ID by the ONE-ID asked for, old ones included; unknown ones are absent."""
    rows = await (await tx.run(SURVIVORS, ids=sorted(set(one_ids)))).data()
    return {row["asked"]: row["oneId"] for row in rows}


async def load_customers(
    tx: AsyncManagedTransaction, space: Workspace, one_ids: Iterable[str], sequence: int
) -> None:
    """Locks and reads these customers with all their identifiers into the workspace."""
    result = await tx.run(LOCK_CUSTOMERS, ids=sorted(one_ids), lock=sequence)
    for row in await result.data():
        add_customer(space, row["customer"], row["nodes"])


def add_identifier(space: Workspace, node: dict[str, Any], owner: str | None) -> None:
    identifier = Identifier.from_key(node["key"])
    space.identifiers[node["key"]] = IdentifierNode(
        identifier,
        owner,
        owner,
        node["firstSeenAt"] or "",
        node["lastSeenAt"] or "",
        bool(node["verified"]),
        node["source"],
        node["linkedSeq"] or 0,
        bool(node["quarantined"]),
    )


def add_customer(space: Workspace, row: dict[str, Any], nodes: list[dict[str, Any]]) -> None:
    for node in nodes:
        if node["key"] not in space.identifiers:
            add_identifier(space, node, row["oneId"])
    space.customers[row["oneId"]] = CustomerNode(
        row["oneId"],
        row["seq"],
        row["version"],
        row["createdAt"],
        row["updatedAt"],
        row["merges"] or 0,
        {node["key"] for node in nodes},
        from_stored(orjson.loads(row["attributes"] or "{}")),
    )


async def save(tx: AsyncManagedTransaction, space: Workspace, decisions: Sequence[Decision]) -> None:
    """Writes what changed. Each customer that changed gets the next version and is marked for projection."""
    for customer in space.customers.values():
        if customer.created or customer.changed:
            customer.version += 1
    customers, nodes = list(space.customers.values()), list(space.identifiers.values())
    created = [c for c in customers if c.created]
    await run(tx, writes.CREATE_CUSTOMERS, [customer_row(c) for c in created])
    await run(
        tx, writes.UPDATE_CUSTOMERS, [customer_row(c) for c in customers if c.changed and not c.created]
    )
    moved = [n for n in nodes if n.owner != n.stored_owner]
    await run(tx, writes.UNLINK, [{"key": n.identifier.key} for n in moved if n.stored_owner])
    await run(tx, writes.SET_IDENTIFIERS, [identifier_row(n) for n in nodes if n.changed])
    await run(tx, writes.LINK, [{"key": n.identifier.key, "oneId": n.owner} for n in moved if n.owner])
    merged = [c for c in customers if c.merged_into]
    await run(tx, writes.MERGE_AWAY, [merge_row(space, c) for c in merged])
    unowned = [n for n in nodes if not n.owner and not n.stored_owner and not n.changed]
    await run(tx, writes.DELETE_UNOWNED, [{"key": n.identifier.key} for n in unowned])
    await run(tx, writes.ADD_DECISIONS, [decision_row(decision) for decision in decisions])


async def run(tx: AsyncManagedTransaction, query: writes.Query, rows: list[dict[str, Any]]) -> None:
    if rows:
        await (await tx.run(query, rows=rows)).consume()


def customer_row(customer: CustomerNode) -> dict[str, Any]:
    return {
        "oneId": customer.one_id,
        "set": {
            "oneId": customer.one_id,
            "seq": customer.sequence,
            "version": customer.version,
            "createdAt": customer.created_at,
            "updatedAt": customer.updated_at,
            "merges": customer.merges,
            "attributes": orjson.dumps(to_stored(customer.attributes)).decode(),
        },
    }


def identifier_row(node: IdentifierNode) -> dict[str, Any]:
    return {
        "key": node.identifier.key,
        "set": {
            "type": node.identifier.type,
            "value": node.identifier.value,
            "firstSeenAt": node.first_seen_at or None,
            "lastSeenAt": node.last_seen_at or None,
            "verified": node.verified,
            "source": node.source,
            "linkedSeq": node.linked_sequence,
            "quarantined": node.quarantined or None,
        },
    }


def merge_row(space: Workspace, customer: CustomerNode) -> dict[str, Any]:
    return {
        "from": customer.one_id,
        "into": space.current(customer.one_id),
        "at": customer.updated_at,
        "stored": not customer.created,
    }
