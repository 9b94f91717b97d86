"""What the graph says of others about somebody who was erased, and how it forgets that.

Decisions are found by what they name, through an index that follows the graph: it is waited for first.
"""

from collections.abc import Collection, Sequence
from typing import Final

from neo4j import AsyncManagedTransaction

from graph.attached import ATTACHED
from graph.client import Graph, Overtaken, Row
from oneid.domain.attributes import forgotten, from_stored, to_stored
from oneid.domain.erasures import Pending
from oneid.domain.identifiers import Identifier
from oneid.domain.redaction import Redactor

NAMES_AT_ONCE: Final = 100
"""Lucene takes at most 1,024 clauses."""

PAGE: Final = 1_000

AWAIT: Final = "CALL db.index.fulltext.awaitEventuallyConsistentIndexRefresh()"

#: What came later is about whoever uses the identifier now.
NAMING: Final = """
CALL db.index.fulltext.queryNodes('decision_names', $query) YIELD node AS d
WITH d WHERE d.seq <= $until AND (any(key IN d.kept + d.dropped + coalesce(d.held, []) WHERE key IN $keys)
                                  OR any(oneId IN d.mergedOneIds WHERE oneId IN $oneIds))
RETURN d.id AS id, d.oneId AS oneId, d.splitOneId AS splitOneId, d.manual AS manual, d.reason AS reason
LIMIT $limit
"""

#: An id that was made of the content would let the identifier be guessed.
SCRUB_DECISIONS: Final = """
UNWIND $rows AS row
MATCH (d:Decision {id: row[0]})
SET d.kept = [key IN d.kept WHERE NOT key IN $keys],
    d.dropped = [key IN d.dropped WHERE NOT key IN $keys],
    d.held = [key IN d.held WHERE NOT key IN $keys],
    d.sides = [side IN d.sides WHERE NOT substring(side, size(split(side, ' ')[0]) + 1) IN $keys],
    d.mergedOneIds = [oneId IN d.mergedOneIds WHERE NOT oneId IN $oneIds],
    d.reason = row[1],
    d.id = CASE WHEN d.id = d.content OR d.id STARTS WITH d.oneId + '#' THEN randomUUID() ELSE d.id END,
    d.content = null
"""

HOLD_CUSTOMERS: Final = """
UNWIND $oneIds AS oneId
MATCH (n:Customer {oneId: oneId})
OPTIONAL MATCH (n)-[:MERGED_INTO]->(survivor:Customer)
WITH DISTINCT coalesce(survivor, n) AS c
ORDER BY c.oneId
REMOVE c:Locked
RETURN c.oneId AS oneId, c.attributes AS attributes, c:Merged AS merged
"""

WRITE_CUSTOMERS: Final = """
UNWIND $rows AS row
MATCH (c:Customer {oneId: row[0]})
SET c:Dirty, c.attributes = row[1], c.version = c.version + 1
"""

#: Values that others' identifiers were seen with.
SCRUB_ANCHORS: Final = """
MATCH (i:Identifier) WHERE i.key IN $among AND any(value IN i.anchors WHERE value IN $values)
SET i.anchors = [value IN i.anchors WHERE NOT value IN $values]
"""


class ErasureScrubs:
    """Takes a person out of what is kept about others. All of it may be done again."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def decisions(self, erasure: Pending, redactor: Redactor) -> set[str]:
        """Takes the person out of the evidence about others, and out of the attributes of whom it is about; returns
        the ONE-IDs whose attributes changed."""
        await self._graph.read("erasures.await", AWAIT)
        names, changed = [*erasure.keys, *erasure.one_ids], set[str]()
        for low in range(0, len(names), NAMES_AT_ONCE):
            query = " ".join(map(quoted, names[low : low + NAMES_AT_ONCE]))
            while await self._scrub_decisions(erasure, query, redactor, changed) == PAGE:
                pass
        return changed

    async def _scrub_decisions(
        self, erasure: Pending, query: str, redactor: Redactor, changed: set[str]
    ) -> int:
        person = {"keys": list(erasure.keys), "oneIds": list(erasure.one_ids)}
        asked = {**person, "query": query, "until": erasure.sequence, "limit": PAGE}
        found = await self._graph.read("erasures.naming", NAMING, **asked)
        # The attributes first: after a crash nothing else would lead to them.
        about = {row[name] for row in found for name in ("oneId", "splitOneId")}
        changed |= await self.customers(erasure, about, redactor)
        rows = [[row["id"], _reason(row, redactor)] for row in found]
        await self._graph.write("erasures.scrub_decisions", SCRUB_DECISIONS, rows=rows, **person)
        return len(found)

    async def customers(self, erasure: Pending, one_ids: Collection[str], redactor: Redactor) -> set[str]:
        """Takes the person out of the attributes of others: values, and by which identifier they were written;
        returns the ONE-IDs of those that changed."""
        asked = sorted(one_id for one_id in one_ids if one_id and one_id not in erasure.one_ids)

        async def work(tx: AsyncManagedTransaction) -> set[str]:
            held = await (await tx.run(HOLD_CUSTOMERS, oneIds=asked)).data()
            if any(row["merged"] for row in held):  # while this waited for the lock
                raise Overtaken
            rows = _forgotten(erasure, held, redactor)
            await (await tx.run(WRITE_CUSTOMERS, rows=rows)).consume()
            return {one_id for one_id, _ in rows}

        return await self._graph.transact("erasures.customers", work) if asked else set()

    async def attached(self, erasure: Pending) -> None:
        """Takes the person out of what hangs on others."""
        for attached in ATTACHED:
            if attached.forget:
                await self._graph.write(
                    f"erasures.forget_{attached.name}", attached.forget, keys=list(erasure.keys)
                )

    async def anchors(self, erasure: Pending, among: Collection[str]) -> None:
        """Takes the person out of what these identifiers of others were seen with."""
        values = [Identifier.from_key(key).value for key in erasure.keys]
        await self._graph.write("erasures.scrub_anchors", SCRUB_ANCHORS, among=sorted(among), values=values)


def quoted(name: str) -> str:
    """A name as a query that finds it alone."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _reason(row: Row, redactor: Redactor) -> str | None:
    """What an operator wrote may name the person; the product's own reasons are codes."""
    reason: str | None = row["reason"]
    return redactor.redact({"reason": reason})["reason"] if row["manual"] else reason


def _forgotten(erasure: Pending, held: Sequence[Row], redactor: Redactor) -> list[list[str]]:
    """What has to be written instead, by ONE-ID."""
    rows = list[list[str]]()
    for row in held:
        before = from_stored(row["attributes"])
        after = forgotten(before, erasure.keys, redactor, erasure.sequence)
        if after != before:
            rows.append([row["oneId"], to_stored(after)])
    return rows
