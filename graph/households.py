"""Households in Neo4j: (:Customer)-[:MEMBER_OF {via, since, lastSeenAt}]->(:Household).

A customer has one membership for each identifier that was seen with the household, so that a part which is split
off takes along what its own identifiers stood for. `via` is empty once the identifier's later owner was erased.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from neo4j import AsyncManagedTransaction

from graph.attachment import Attached
from graph.client import Graph
from oneid.clock import sequence
from oneid.domain.households import Membership, Sighting
from oneid.domain.identifiers import Identifier
from oneid.domain.ids import one_id

SEE: Final = """
UNWIND $rows AS row
MATCH (c:Customer {oneId: row.oneId})
MERGE (h:Household {key: row.key})
ON CREATE SET h.id = row.id, h.createdAt = row.receivedAt
MERGE (c)-[m:MEMBER_OF {via: row.via}]->(h)
ON CREATE SET m.since = row.at, m.lastSeenAt = row.at
ON MATCH SET m.since = CASE WHEN row.at < m.since THEN row.at ELSE m.since END,
             m.lastSeenAt = CASE WHEN row.at > m.lastSeenAt THEN row.at ELSE m.lastSeenAt END
"""

MERGE: Final = """
UNWIND $rows AS row
MATCH (:Customer {oneId: row.from})-[old:MEMBER_OF]->(h:Household)
MATCH (into:Customer {oneId: row.into})
MERGE (into)-[m:MEMBER_OF {via: old.via}]->(h)
ON CREATE SET m.since = old.since, m.lastSeenAt = old.lastSeenAt
ON MATCH SET m.since = CASE WHEN old.since < m.since THEN old.since ELSE m.since END,
             m.lastSeenAt = CASE WHEN old.lastSeenAt > m.lastSeenAt THEN old.lastSeenAt ELSE m.lastSeenAt END
DELETE old
"""

SPLIT: Final = """
UNWIND $rows AS row
MATCH (:Customer {oneId: row.from})-[old:MEMBER_OF]->(h:Household) WHERE old.via IN row.keys
MATCH (to:Customer {oneId: row.to})
MERGE (to)-[m:MEMBER_OF {via: old.via}]->(h)
ON CREATE SET m.since = old.since, m.lastSeenAt = old.lastSeenAt
DELETE old
"""

ERASE: Final = """
UNWIND $oneIds AS oneId
MATCH (:Customer {oneId: oneId})-[m:MEMBER_OF]->(h:Household)
DELETE m
WITH DISTINCT h
WHERE NOT EXISTS { (h)<-[:MEMBER_OF]-() }
DELETE h
"""

EXPORT: Final = """
UNWIND $oneIds AS oneId
MATCH (:Customer {oneId: oneId})-[m:MEMBER_OF]->(h:Household)
RETURN {household: h.key, via: m.via, since: m.since, lastSeenAt: m.lastSeenAt} AS data
ORDER BY h.key, m.via
"""

ALL: Final = """
MATCH (h:Household) WHERE h.id > $after
WITH h ORDER BY h.id LIMIT $limit
RETURN max(h.id) AS last,
       collect([(h)<-[m:MEMBER_OF]-(c:Customer) | [h.key, m.via, c.oneId, m.since, m.lastSeenAt]]) AS members
"""

FORGET: Final = """
UNWIND $rows AS row
MATCH (h:Household {key: row[0]})<-[m:MEMBER_OF {via: row[1]}]-(:Customer {oneId: row[2]})
DELETE m
WITH DISTINCT h
WHERE NOT EXISTS { (h)<-[:MEMBER_OF]-() }
DELETE h
"""

PAGE: Final = 1_000

#: A membership outlives its identifier's leaving. Who has got the identifier since then keeps it.
FORGET_KEYS: Final = """
UNWIND $keys AS key
MATCH (c:Customer)-[m:MEMBER_OF {via: key}]->(:Household)
WHERE NOT EXISTS { (:Identifier {key: key})-[:IDENTIFIES]->(c) }
SET m.via = ''
"""

HOUSEHOLDS: Final = Attached("households", MERGE, SPLIT, ERASE, EXPORT, forget=FORGET_KEYS)


async def see(tx: AsyncManagedTransaction, sightings: Sequence[Sighting]) -> None:
    """Makes the customers members of the households that their events named. Seeing them again changes nothing
    but the times."""
    if sightings:
        rows = [_row(sighting) for sighting in sorted(sightings, key=lambda s: s.household.key)]
        await (await tx.run(SEE, rows=rows)).consume()


async def every(graph: Graph) -> AsyncIterator[list[Membership]]:
    """Every membership, some households at a time."""
    after = ""
    while True:
        (row,) = await graph.read("households.every", ALL, after=after, limit=PAGE)
        if row["last"] is None:
            return
        found = (member for of_household in row["members"] for member in of_household)
        yield [Membership((key, via, member), since, last) for key, via, member, since, last in found]
        after = row["last"]


async def restore(tx: AsyncManagedTransaction, members: Sequence[Membership]) -> None:
    """Makes memberships, or widens the times of those that there are."""
    await see(tx, [_seen(member, member.since) for member in members])
    await see(tx, [_seen(member, member.last_seen_at) for member in members])


async def forget(tx: AsyncManagedTransaction, members: Sequence[Membership]) -> None:
    """Ends memberships; a household that nobody is left in goes."""
    if members:
        await (await tx.run(FORGET, rows=[list(member.place) for member in members])).consume()


def _seen(member: Membership, at: str) -> Sighting:
    household, via, one_id = member.place
    return Sighting(Identifier.from_key(household), one_id, via, at, member.received_at)


def _row(sighting: Sighting) -> dict[str, Any]:
    return {
        "id": one_id(sequence()),
        "key": sighting.household.key,
        "oneId": sighting.one_id,
        "via": sighting.via,
        "at": sighting.at,
        "receivedAt": sighting.received_at,
    }
