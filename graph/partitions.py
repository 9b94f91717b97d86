"""Who resolves a partition of the log, and which entries are applied: exactly once, whatever crashes.

A consumer that takes a partition over writes its name to the partition's node. Each batch first locks that
node: a consumer that was superseded while it slept finds another name there and writes nothing. The ids of the
last batches are kept beside it, in the transaction that applied them: entries that were applied but not
acknowledged when a consumer died are recognised and not applied again. Of an entry that is applied in part, while
customers are rebuilt before the rest of it, the messages that are applied are kept there instead (`mark`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from neo4j import AsyncManagedTransaction

from graph.client import Graph
from oneid.errors import Conflict, Retriable

TAKE: Final = "MERGE (p:Partition {id: $id}) SET p.holder = $holder"

HOLDER: Final = "MATCH (p:Partition {id: $id}) RETURN p.holder AS holder"

#: By label, not by index: a statement that writes locks the index entry of what is not there yet until its transaction
#: ends, and partitions would wait for each other until somebody changes the rules and somebody is erased.
FENCE: Final = """
MATCH (p:Partition {id: $id}) SET p.lock = $lock
WITH p OPTIONAL MATCH (r:IdentityRules {id: 'current'}) USING SCAN r:IdentityRules
OPTIONAL MATCH (book:Tombstones {id: 'current'}) USING SCAN book:Tombstones
RETURN p.holder AS holder, p.applied AS applied, p.pausedUntil AS pausedUntil,
       p.appliedSince AS since, r.version AS ruleVersion, book.version AS tombstoneVersion
"""

APPLIED: Final = "MATCH (p:Partition {id: $id}) SET p.applied = $applied, p.appliedSince = $since"

#: Locked, so that a batch whose events have got their places in the order is waited for.
UNSETTLED: Final = """
MATCH (p:Partition) SET p.lock = $lock
RETURN p.id AS id, p.applied AS applied, p.appliedSince AS since
"""


class Superseded(Conflict):
    """Another consumer has taken this partition over."""


@dataclass(frozen=True, slots=True)
class Fence:
    """The entries applied last, messages of one that is applied in part, and the versions of the identity rules and
    of the tombstones. `since` (`clock.sequence`): the first of them was applied then or later."""

    applied: frozenset[str]
    since: int
    rule_version: int
    tombstone_version: int


def mark(entry: str, place: int) -> str:
    """What stands for one message of an entry. `pauses` knows it by its slash."""
    return f"{entry}/{place}"


def entry_of(mark: str) -> str:
    """The entry that a mark belongs to, be it of the whole entry or of one message."""
    return mark.partition("/")[0]


async def take(graph: Graph, partition: int, holder: str) -> None:
    """From now on only `holder` applies batches of this partition."""
    await graph.write("partition.take", TAKE, id=partition, holder=holder)


async def check(graph: Graph, partition: int, holder: str) -> None:
    """Raises Superseded where another one has the partition: before writing to a store that knows no fence."""
    rows = await graph.read("partition.check", HOLDER, id=partition)
    if not rows or rows[0]["holder"] != holder:
        raise Superseded(f"partition {partition} has another consumer")


async def enter(tx: AsyncManagedTransaction, partition: int, holder: str, lock: int) -> Fence:
    """Locks the partition for this transaction; `lock` is the time (`clock.sequence`).

    Raises Superseded; Retriable while identities are being rebuilt."""
    row = await (await tx.run(FENCE, id=partition, lock=lock)).single()
    if row is None or row["holder"] != holder:
        raise Superseded(f"partition {partition} has another consumer")
    if (row["pausedUntil"] or 0) > lock:
        raise Retriable("identities are being rebuilt")
    return Fence(
        frozenset(row["applied"] or ()),
        row["since"] or 0,
        row["ruleVersion"] or 1,
        row["tombstoneVersion"] or 0,
    )


async def note_applied(tx: AsyncManagedTransaction, partition: int, ids: Sequence[str], since: int) -> None:
    """Keeps what is applied and may not be finished; `since` as in `Fence`."""
    await (await tx.run(APPLIED, id=partition, applied=list(ids), since=since)).consume()


async def applied_last(graph: Graph, lock: int) -> dict[int, tuple[list[str], int]]:
    """Of each partition what was applied last, and since when; whatever is applied later gets a later place than
    `lock` (`clock.sequence`) in the order of events. Raises Retriable."""
    rows = await graph.write("partitions.applied_last", UNSETTLED, lock=lock)
    return {row["id"]: (list(row["applied"] or ()), row["since"] or 0) for row in rows}
