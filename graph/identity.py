"""The identity graph in Neo4j: reads what a micro-batch touches, locked, and writes what it changed.

Locks are taken in one order: identifiers by key, then customers by ONE-ID. Transactions whose customers cross
may still deadlock; Neo4j ends one of them, and the client runs it again. What is not there can't be locked: of two
transactions that make the same identifier the constraint refuses the later one, which begins again and finds it.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from neo4j import AsyncManagedTransaction
from neo4j.exceptions import ConstraintError

from graph import writes
from graph.attached import ATTACHED
from graph.client import Overtaken, Row
from graph.decisions import FIELDS, decision_of, decision_row
from oneid.clock import sequence
from oneid.domain.attributes import to_stored
from oneid.domain.decisions import Decision
from oneid.domain.identifiers import Identifier
from oneid.domain.regrouping import Former
from oneid.domain.workspace import CustomerNode, Division, IdentifierNode, Workspace

Values = list[Any]
"""The fields of a node in the order of the query: one list costs the driver a tenth of a record."""

#: To take off a label that no node has takes the node's lock and writes nothing.
LOCK_IDENTIFIERS: Final = """
UNWIND $keys AS key
MATCH (i:Identifier {key: key})
REMOVE i:Locked
WITH i
OPTIONAL MATCH (i)-[:IDENTIFIES]->(c:Customer)
RETURN collect([c.oneId, i.key, i.firstSeenAt, i.lastSeenAt, i.verified, i.source, i.linkedSeq,
                i.quarantined, i.firstOneId, i.sides, i.anchors, i.generic]) AS nodes
"""

LOCK_CUSTOMERS: Final = """
UNWIND $ids AS id
MATCH (c:Customer {oneId: id})
REMOVE c:Locked
WITH c
RETURN collect([
  [c.oneId, c.seq, c.version, c.createdAt, c.updatedAt, c.merges, c.attributes],
  [(c)<-[:IDENTIFIES]-(i:Identifier) |
   [c.oneId, i.key, i.firstSeenAt, i.lastSeenAt, i.verified, i.source, i.linkedSeq,
    i.quarantined, i.firstOneId, i.sides, i.anchors, i.generic]]
]) AS customers
"""


SURVIVORS: Final = """
UNWIND $ids AS id
MATCH (c:Customer {oneId: id})
OPTIONAL MATCH (c)-[:MERGED_INTO]->(survivor:Customer)
RETURN id AS asked, coalesce(survivor, c).oneId AS oneId
"""


FORMERS: Final = """
UNWIND $ids AS id
MATCH (former:Customer:Merged)-[:MERGED_INTO]->(c:Customer {oneId: id})
RETURN collect([former.oneId, c.oneId, former.seq, former.version, former.createdAt,
                coalesce(former.merges, 0)]) AS formers
"""

UPSERTED: Final = "MATCH (c:Customer {upsert: $id}) RETURN c.oneId AS oneId"

DECIDED: Final = f"MATCH (d:Decision {{id: $id}}) RETURN {FIELDS}"

NOTE_UPSERT: Final = "MATCH (c:Customer {oneId: $oneId}) SET c.upsert = $id"


async def upserted(tx: AsyncManagedTransaction, message_id: str) -> str | None:
    """The customer that this upsert wrote, if an earlier attempt committed and its answer was lost."""
    row = await (await tx.run(UPSERTED, id=message_id)).single()
    return row["oneId"] if row else None


async def note_upsert(tx: AsyncManagedTransaction, one_id: str, message_id: str) -> None:
    await (await tx.run(NOTE_UPSERT, oneId=one_id, id=message_id)).consume()


async def decided(tx: AsyncManagedTransaction, decision_id: str) -> Decision | None:
    """The decision of this id, if an earlier attempt committed and its answer was lost."""
    row = await (await tx.run(DECIDED, id=decision_id)).single()
    return decision_of(row["decision"]) if row else None


async def load(tx: AsyncManagedTransaction, keys: Iterable[str], space: Workspace) -> None:
    """Locks and reads these identifiers, their owners, and all identifiers of those owners; of what the graph does
    not have there are new nodes. Raises Overtaken if an owner was erased while this waited for its lock."""
    asked = sorted(set(keys))
    result = await tx.run(LOCK_IDENTIFIERS, keys=asked)
    nodes: list[Values] = (await result.single(strict=True))["nodes"]
    for key in asked:
        space.identifiers[key] = IdentifierNode(Identifier.from_key(key))
    for values in nodes:
        add_identifier(space, values)
    owners = {values[0] for values in nodes if values[0]}
    await load_customers(tx, owners, space)
    if not owners <= space.customers.keys():
        raise Overtaken


async def survivors(tx: AsyncManagedTransaction, one_ids: Iterable[str]) -> dict[str, str]:
    """The current ONE-ID by the ONE-ID asked for, old ones included; unknown ones are absent."""
    rows = await (await tx.run(SURVIVORS, ids=sorted(set(one_ids)))).data()
    return {row["asked"]: row["oneId"] for row in rows}


async def formers(tx: AsyncManagedTransaction, one_ids: Iterable[str]) -> list[Former]:
    """The ONE-IDs that redirect to these customers."""
    row = await (await tx.run(FORMERS, ids=sorted(one_ids))).single(strict=True)
    return [Former(*values) for values in row["formers"]]


async def load_customers(tx: AsyncManagedTransaction, one_ids: Iterable[str], space: Workspace) -> None:
    """Locks and reads these customers, those that there are, with all their identifiers into the workspace."""
    result = await tx.run(LOCK_CUSTOMERS, ids=sorted(one_ids))
    for customer, nodes in (await result.single(strict=True))["customers"]:
        if customer[0] is not None:
            add_customer(space, customer, nodes)
    space.start(sequence())


def add_identifier(space: Workspace, values: Values) -> None:
    owner, key, first_seen_at, last_seen_at, verified, source, linked_sequence, quarantined, *more = values
    first_one_id, sides, anchors, generic = more
    space.identifiers[key] = IdentifierNode(
        Identifier.from_key(key),
        owner,
        owner,
        first_seen_at or "",
        last_seen_at or "",
        bool(verified),
        source,
        linked_sequence or 0,
        bool(quarantined),
        first_one_id,
        tuple(sides or ()),
        tuple(anchors or ()),
        bool(generic),
        stored=True,
    )


def add_customer(space: Workspace, values: Values, nodes: list[Values]) -> None:
    one_id, created_sequence, version, created_at, updated_at, merges, stored = values
    for node in nodes:
        if node[1] not in space.identifiers:
            add_identifier(space, node)
    keys = {node[1] for node in nodes}
    space.customers[one_id] = CustomerNode(
        one_id, created_sequence, version, created_at, updated_at, merges or 0, keys, stored
    )


async def save(tx: AsyncManagedTransaction, space: Workspace, decisions: Sequence[Decision]) -> None:
    """Writes what changed. Each customer that changed gets the next version and is marked for projection. Raises
    Overtaken if another transaction made one of the identifiers meanwhile."""
    customers, nodes = list(space.customers.values()), list(space.identifiers.values())
    for customer in customers:
        if customer.created or customer.touched or customer.changed:
            customer.version += 1
    await run(tx, writes.RESTORE, [c.one_id for c in customers if c.restored])
    await save_new(tx, customers, [n for n in nodes if not n.stored])
    await save_customers(tx, [c for c in customers if not c.created])
    await save_identifiers(tx, [n for n in nodes if n.stored])
    await save_merges(tx, space, customers)
    await save_divisions(tx, space)
    await run(tx, writes.MARK_REBUILD, [c.one_id for c in customers if c.rebuild and not c.merged_into])
    await save_decisions(tx, decisions)


async def save_decisions(tx: AsyncManagedTransaction, decisions: Sequence[Decision]) -> None:
    """What changed something first: it may be what a later message of the batch would only tell again."""
    again = [decision_row(decision) for decision in decisions if decision.id == decision.content]
    await run(tx, writes.ADD_DECISIONS, [decision_row(d) for d in decisions if d.id != d.content])
    await run(tx, writes.ADD_DECISIONS_ONCE, again)


async def save_new(
    tx: AsyncManagedTransaction, customers: list[CustomerNode], nodes: list[IdentifierNode]
) -> None:
    """Customers that are new with their new identifiers, then the new identifiers of others and of nobody."""
    of_new: dict[str | None, list[Row]] = {c.one_id: [] for c in customers if c.created}
    others = list[Row]()
    for node in nodes:
        if node.owner in of_new:
            of_new[node.owner].append(present(identifier_values(node)))
        elif node.owner or node.changed:
            others.append({"owner": node.owner, "set": present(identifier_values(node))})
    rows = [{"set": customer_values(c), "identifiers": of_new[c.one_id]} for c in customers if c.created]
    try:
        await run(tx, writes.CREATE_CUSTOMERS, rows)
        await run(tx, writes.CREATE_IDENTIFIERS, others)
    except ConstraintError as error:
        raise Overtaken from error


async def save_merges(tx: AsyncManagedTransaction, space: Workspace, customers: list[CustomerNode]) -> None:
    merges = [merge_row(space, c) for c in customers if c.merged_into]
    await run(tx, writes.MERGE_AWAY, merges)
    for attached in ATTACHED:
        await run(tx, attached.merge, merges)


async def save_divisions(tx: AsyncManagedTransaction, space: Workspace) -> None:
    """Parts that left customers: what hangs on them, and a mark for their events, follow."""
    rows = [division_row(space, division) for division in space.divisions]
    followed = {d.target for d in space.divisions if d.events_follow}
    marked = [row for row in rows if row["to"] in followed]
    await run(tx, writes.REDIRECT, [list(pair) for pair in space.redirects.items()])
    await run(tx, writes.ADD_DIVISIONS, marked)
    await run(tx, writes.ADD_RETURNS, [row for row in marked if row["back"]])
    for attached in ATTACHED:
        await run(tx, attached.split, rows)


def division_row(space: Workspace, division: Division) -> Row:
    """`back`: ONE-IDs that lead to the part again, under which events of the other parts may lie; `strays`: those
    that lead to other parts of the same customer."""
    lead = {d.target: leading_to(space, d.target) for d in space.divisions if d.source == division.source}
    return {
        "from": division.source,
        "to": division.target,
        "keys": sorted(division.keys),
        "stay": sorted(division.stay),
        "back": lead.pop(division.target),
        "strays": sorted(one_id for one_ids in lead.values() for one_id in one_ids),
        "until": space.next_sequence(),
    }


def leading_to(space: Workspace, part: str) -> list[str]:
    """The former ONE-IDs that a part has got back: its own, or those that redirect to it from now on."""
    redirected = [former for former, target in space.redirects.items() if target == part]
    return [part, *redirected] if redirected or space.customers[part].restored else []


async def save_customers(tx: AsyncManagedTransaction, customers: list[CustomerNode]) -> None:
    changed = [{"oneId": c.one_id, "set": customer_values(c)} for c in customers if c.changed]
    await run(tx, writes.UPDATE_CUSTOMERS, changed)
    touched = [[c.one_id, c.version, c.updated_at] for c in customers if c.touched and not c.changed]
    await run(tx, writes.TOUCH_CUSTOMERS, touched)


async def save_identifiers(tx: AsyncManagedTransaction, nodes: list[IdentifierNode]) -> None:
    moved = [n for n in nodes if n.owner != n.stored_owner]
    await run(tx, writes.UNLINK, [n.identifier.key for n in moved if n.stored_owner])
    changed = [{"key": n.identifier.key, "set": identifier_values(n)} for n in nodes if n.changed]
    await run(tx, writes.SET_IDENTIFIERS, changed)
    seen = [[n.identifier.key, n.last_seen_at] for n in nodes if n.seen and not n.changed]
    await run(tx, writes.SEE_IDENTIFIERS, seen)
    await run(tx, writes.LINK, [[n.identifier.key, n.owner] for n in moved if n.owner])


async def run(tx: AsyncManagedTransaction, query: writes.Query, rows: list[Any]) -> None:
    if rows:
        await (await tx.run(query, rows=rows)).consume()


def customer_values(customer: CustomerNode) -> Row:
    return {
        "oneId": customer.one_id,
        "seq": customer.sequence,
        "version": customer.version,
        "createdAt": customer.created_at,
        "updatedAt": customer.updated_at,
        "merges": customer.merges,
        "attributes": to_stored(customer.attributes),
    }


def identifier_values(node: IdentifierNode) -> Row:
    return {
        "key": node.identifier.key,
        "type": node.identifier.type,
        "value": node.identifier.value,
        "firstSeenAt": node.first_seen_at or None,
        "lastSeenAt": node.last_seen_at or None,
        "verified": node.verified,
        "source": node.source,
        "linkedSeq": node.linked_sequence,
        "quarantined": node.quarantined or None,
        "firstOneId": node.first_one_id,
        "sides": list(node.sides) or None,
        "anchors": list(node.anchors) or None,
        "generic": node.generic or None,
    }


def present(values: Row) -> Row:
    """What there is to set on a new node: half of an identifier's fields are seldom used."""
    return {name: value for name, value in values.items() if value is not None}


def merge_row(space: Workspace, customer: CustomerNode) -> Row:
    return {
        "from": customer.one_id,
        "into": space.current(customer.one_id),
        "at": customer.updated_at,
        "stored": not customer.created,
    }
