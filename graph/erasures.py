"""The transaction that erases a person from the graph.

It locks the tombstones first, so that one erasure follows another, and then every partition of the log: no batch
is being resolved meanwhile, and the next one reads the tombstones that this transaction sets.
"""

from collections.abc import Sequence
from typing import Final

from neo4j import AsyncManagedTransaction

from graph import tombstones
from graph.attached import ATTACHED
from graph.decisions import decision_row
from graph.writes import ADD_DECISIONS, Query
from oneid.clock import sequence
from oneid.domain.decisions import Decision
from oneid.domain.erasures import Person, Receipt
from oneid.domain.identifiers import Identifier

LOCK_LOG: Final = "MATCH (p:Partition) WITH p ORDER BY p.id SET p.lock = $lock"

LOCK_CUSTOMER: Final = """
MATCH (asked:Customer {oneId: $oneId})
OPTIONAL MATCH (asked)-[:MERGED_INTO]->(survivor:Customer)
WITH coalesce(survivor, asked) AS c
SET c.lock = $lock
RETURN c.oneId AS oneId, c:Merged AS merged
"""

LOCK_IDENTIFIERS: Final = """
MATCH (i:Identifier)-[:IDENTIFIES]->(c:Customer {oneId: $oneId})
WITH i ORDER BY i.key
SET i.lock = $lock
"""

PERSON: Final = """
MATCH (c:Customer {oneId: $oneId})
RETURN c.version AS version, [(m:Merged)-[:MERGED_INTO]->(c) | m.oneId] AS former,
       [(i:Identifier)-[:IDENTIFIES]->(c) | i.key] AS keys
"""

#: Identifiers that were taken off the person and that nobody has had since.
LEFT_OVER: Final = """
MATCH (d:Decision) WHERE d.oneId IN $oneIds
UNWIND d.kept + d.dropped AS key
WITH DISTINCT key
MATCH (i:Identifier {key: key})
WHERE NOT EXISTS { (i)-[:IDENTIFIES]->() } AND NOT coalesce(i.quarantined, false)
  AND NOT coalesce(i.generic, false)
RETURN collect(key) AS keys
"""

#: Events that are on their way from one customer to another must have arrived.
MOVING: Final = """
MATCH (d:Division) WHERE d.moveAfter = 0
  AND (d.to IN $oneIds OR any(source IN d.from WHERE source IN $oneIds))
RETURN count(d) AS count
"""

DELETE: Final[tuple[Query, ...]] = (
    "MATCH (d:Division) WHERE d.to IN $oneIds OR any(source IN d.from WHERE source IN $oneIds) DETACH DELETE d",
    "MATCH (d:Decision) WHERE d.splitOneId IN $oneIds AND NOT d.oneId IN $oneIds SET d.splitOneId = null",
    """
    MATCH (d:Decision) WHERE d.oneId IN $oneIds
    UNWIND d.kept + d.dropped AS key
    WITH DISTINCT key ORDER BY key
    MATCH (i:Identifier {key: key}) WHERE i.anchors IS NOT NULL OR i.firstOneId IN $oneIds
    SET i.anchors = [value IN i.anchors WHERE NOT value IN $values],
        i.firstOneId = CASE WHEN i.firstOneId IN $oneIds THEN null ELSE i.firstOneId END
    """,
    """
    MATCH (d:Decision) WHERE d.oneId IN $oneIds AND d.splitOneId IS NOT NULL AND NOT d.splitOneId IN $oneIds
    SET d.oneId = ''
    """,
    "MATCH (d:Decision) WHERE d.oneId IN $oneIds DELETE d",
    "MATCH (i:Identifier) WHERE i.key IN $keys DETACH DELETE i",
    "MATCH (c:Customer) WHERE c.oneId IN $oneIds DETACH DELETE c",
)

CREATE: Final = """
CREATE (e:Erasure) SET e = $set
WITH e UNWIND $hashes AS hash
MERGE (former:ErasedOneId {hash: hash}) SET former.receipt = e.id
"""

DONE: Final = "MATCH (e:Erasure {id: $id}) RETURN e.id AS id"


async def lock(tx: AsyncManagedTransaction) -> None:
    """Waits for the erasures and the batches that are under way, and keeps others waiting."""
    await tombstones.lock(tx)
    await (await tx.run(LOCK_LOG, lock=sequence())).consume()


async def find(tx: AsyncManagedTransaction, one_id: str) -> Person | None:
    """The person that this ONE-ID stands for, a former one too, locked; None if there is none."""
    row = await (await tx.run(LOCK_CUSTOMER, oneId=one_id, lock=sequence())).single()
    if row is None:
        return None
    if row["merged"]:  # while this waited for the lock
        return await find(tx, one_id)
    current: str = row["oneId"]
    await (await tx.run(LOCK_IDENTIFIERS, oneId=current, lock=sequence())).consume()
    held = await (await tx.run(PERSON, oneId=current)).single(strict=True)
    one_ids = (current, *sorted(held["former"]))
    left = await (await tx.run(LEFT_OVER, oneIds=one_ids)).single(strict=True)
    return Person(one_ids, tuple(sorted({*held["keys"], *left["keys"]})), held["version"])


async def moving(tx: AsyncManagedTransaction, person: Person) -> bool:
    """Whether events are still to be moved from or to this person because of a split."""
    row = await (await tx.run(MOVING, oneIds=person.one_ids)).single(strict=True)
    return bool(row["count"])


async def wipe(tx: AsyncManagedTransaction, person: Person) -> None:
    """Deletes all that the graph holds about the person alone."""
    for attached in ATTACHED:
        await (await tx.run(attached.erase, oneIds=person.one_ids)).consume()
    values = [Identifier.from_key(key).value for key in person.keys]
    for statement in DELETE:
        await (await tx.run(statement, oneIds=person.one_ids, keys=person.keys, values=values)).consume()


async def record(
    tx: AsyncManagedTransaction, receipt: Receipt, person: Person, entry: Decision, hashes: Sequence[str]
) -> None:
    """Keeps the receipt with what is still to be done, due at once; the entry of the log of decisions; and the
    hashes of the ONE-IDs, which find both."""
    stored = {
        "id": receipt.id,
        "seq": entry.sequence,
        "erasedAt": receipt.erased_at,
        "suppressed": receipt.suppressed,
        "hashes": list(receipt.hashes),
        "oneIds": list(person.one_ids),
        "keys": list(person.keys),
        "version": person.version,
        "dueAt": sequence(),
    }
    await (await tx.run(CREATE, set=stored, hashes=list(hashes))).consume()
    await (await tx.run(ADD_DECISIONS, rows=[decision_row(entry)])).consume()


async def done(tx: AsyncManagedTransaction, id_: str) -> bool:
    """Whether the erasure with this receipt was done: an earlier attempt may have lost its answer."""
    return await (await tx.run(DONE, id=id_)).single() is not None
