"""Consents in Neo4j: what counts as a list of texts on each customer, and a node for each change."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import orjson
from neo4j import AsyncManagedTransaction

from graph.attachment import Attached
from graph.client import Graph
from oneid.clock import sequence
from oneid.domain.consents import Consent, ConsentChange, from_stored, to_stored, with_new
from oneid.errors import NotFound

HELD: Final = """
MATCH (n:Customer {oneId: $oneId})
OPTIONAL MATCH (n)-[:MERGED_INTO]->(survivor:Customer)
WITH coalesce(survivor, n) AS c
SET c.lock = $lock
RETURN c.oneId AS oneId, c.consents AS consents, c:Merged AS merged
"""

SET: Final = """
MATCH (c:Customer {oneId: $oneId})
SET c:Dirty, c.consents = $consents, c.version = c.version + 1
CREATE (s:ConsentChange) SET s = $change
"""

CHANGES: Final = """
UNWIND $oneIds AS asked
MATCH (c:Customer {oneId: asked})
UNWIND [asked] + [(former:Merged)-[:MERGED_INTO]->(c) | former.oneId] AS own
MATCH (s:ConsentChange {oneId: own})
RETURN asked, s.told AS told, s.source AS source, s.evidence AS evidence
"""

# The greatest text of a channel and a purpose is what counts (`consents.to_stored`).
# After a split nobody knows who of the two withdrew a consent: it is withdrawn for both. What was granted counts for
# whom it was granted under the ONE-ID of. What was told with it stays there, too: it may be about the other person.
CONSENTS: Final = Attached(
    name="consents",
    merge="""
UNWIND $rows AS row
MATCH (loser:Customer {oneId: row.from}) WHERE loser.consents IS NOT NULL
MATCH (c:Customer {oneId: row.into})
WITH c, collect(DISTINCT loser) AS losers
WITH c, losers, reduce(told = coalesce(c.consents, []), one IN losers | told + one.consents) AS told
WITH c, losers, COLLECT {
  UNWIND told AS one
  WITH split(one, '|')[0..2] AS pair, max(one) AS last
  RETURN last ORDER BY last
} AS kept
SET c.consents = kept
FOREACH (loser IN losers | REMOVE loser.consents)
""",
    split="""
UNWIND $rows AS row
MATCH (source:Customer {oneId: row.from}) WHERE source.consents IS NOT NULL
WITH row, [told IN source.consents WHERE split(told, '|')[3] = 'WITHDRAWN'] AS withdrawn
UNWIND [row.from, row.to] AS part
MATCH (c:Customer {oneId: part})
WITH c, withdrawn, COLLECT {
  UNWIND [c.oneId] + [(former:Merged)-[:MERGED_INTO]->(c) | former.oneId] AS own
  MATCH (s:ConsentChange {oneId: own})
  RETURN s.told
} AS said
WITH c, [told IN withdrawn WHERE NOT told IN said] AS missing, COLLECT {
  UNWIND said + withdrawn AS one
  WITH split(one, '|')[0..2] AS pair, max(one) AS last
  RETURN last ORDER BY last
} AS kept
SET c.consents = kept
WITH c, missing
UNWIND missing AS told
MATCH (s:ConsentChange {told: told})
WITH c, told, head(collect(s.source)) AS source
MERGE (s:ConsentChange {oneId: c.oneId, told: told})
SET s.source = source
""",
    erase="""
UNWIND $oneIds AS oneId
OPTIONAL MATCH (s:ConsentChange {oneId: oneId})
DELETE s
""",
    export="""
UNWIND $oneIds AS oneId
MATCH (s:ConsentChange {oneId: oneId})
WITH s, split(s.told, '|') AS told
RETURN {channel: told[0], purpose: told[1], state: told[3], at: told[2], source: s.source,
        evidence: s.evidence} AS data
ORDER BY told[2], s.told
""",
    json=("evidence",),
)
"""Of two customers that merge the newest consent counts; of the same time the withdrawal."""

Change: TypeAlias = Callable[[tuple[Consent, ...]], ConsentChange | None]
"""From what counts to what is to be set, None for nothing."""


class Consents:
    """Reads and sets consents."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def set(self, one_id: str, change: Change) -> str:
        """Sets what `change` makes of a customer's consents and returns the customer's own ONE-ID. Concurrent
        changes follow one another. Raises NotFound, and what `change` raises; nothing is written then."""

        async def work(tx: AsyncManagedTransaction) -> str:
            current, held = await hold(tx, one_id)
            new = change(held)
            if new is not None:
                told = [to_stored(one) for one in with_new(held, new.consent)]
                row = change_row(current, new)
                await (await tx.run(SET, oneId=current, consents=sorted(told), change=row)).consume()
            return current

        return await self._graph.transact("consents.set", work)

    async def changes(self, one_ids: Sequence[str]) -> dict[str, list[ConsentChange]]:
        """All that was ever set, by the current ONE-IDs asked for; those without any are absent."""
        found: dict[str, list[ConsentChange]] = {}
        for row in await self._graph.read("consents.changes", CHANGES, oneIds=list(one_ids)):
            found.setdefault(row["asked"], []).append(change_of(row))
        return found


async def hold(tx: AsyncManagedTransaction, one_id: str) -> tuple[str, tuple[Consent, ...]]:
    """The customer that a ONE-ID stands for, locked, with its consents. Raises NotFound."""
    row = await (await tx.run(HELD, oneId=one_id, lock=sequence())).single()
    if row is None:
        raise NotFound("there is no such customer", field=("customer",))
    if row["merged"]:  # while this waited for the lock
        return await hold(tx, one_id)
    return row["oneId"], tuple(map(from_stored, row["consents"] or ()))


def change_row(one_id: str, change: ConsentChange) -> dict[str, Any]:
    evidence = None if change.evidence is None else orjson.dumps(change.evidence).decode()
    told = to_stored(change.consent)
    return {"oneId": one_id, "told": told, "source": change.source, "evidence": evidence}


def change_of(row: dict[str, Any]) -> ConsentChange:
    evidence = None if row["evidence"] is None else orjson.loads(row["evidence"])
    return ConsentChange(from_stored(row["told"]), row["source"], evidence)
