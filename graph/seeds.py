"""Made-up customers, written many at once; how far a run has come is kept beside them, in the same transaction."""

from collections.abc import Sequence
from typing import Any, Final

from graph.client import Graph
from oneid.domain.attributes import to_stored
from oneid.domain.messages import format_time
from oneid.domain.seeding import SOURCE, SeedPerson

WRITE: Final = """
MERGE (s:Seed {run: $run})
SET s.done = $done
WITH s
UNWIND $rows AS row
CREATE (c:Customer:Dirty {oneId: row.oneId, seq: row.seq, version: 1, createdAt: row.at, updatedAt: row.at,
                          merges: 0, attributes: row.attributes})
CREATE (:Decision {id: row.id, seq: row.seq, kind: 'CREATED', at: row.at, messageId: row.id, ruleVersion: 1,
                   oneId: row.oneId, mergedOneIds: [], kept: [i IN row.identifiers | i[0]], dropped: [],
                   manual: false})
WITH c, row UNWIND row.identifiers AS i
CREATE (:Identifier {key: i[0], type: i[1], value: i[2], firstSeenAt: row.at, lastSeenAt: row.at, verified: false,
                     source: $source, linkedSeq: row.seq + i[3], firstOneId: row.oneId})-[:IDENTIFIES]->(c)
"""

DONE: Final = "MATCH (s:Seed {run: $run}) RETURN s.done AS done"


async def done(graph: Graph, run: str) -> int:
    """How many people of this run are written."""
    rows = await graph.read("seeds.done", DONE, run=run)
    return int(rows[0]["done"]) if rows else 0


async def write(graph: Graph, run: str, people: Sequence[tuple[str, int, SeedPerson]]) -> None:
    """Writes people with their ONE-IDs and sequences. Raises InvalidInput-like errors of the graph if an
    identifier is somebody's already; nothing is written then."""
    rows = [seed_row(run, one_id, sequence, person) for one_id, sequence, person in people]
    await graph.write("seeds.write", WRITE, run=run, done=people[-1][2].number + 1, rows=rows, source=SOURCE)


def seed_row(run: str, one_id: str, sequence: int, person: SeedPerson) -> dict[str, Any]:
    return {
        "oneId": one_id,
        "seq": sequence,
        "at": format_time(person.created_at),
        "attributes": to_stored(person.attributes),
        "id": f"{run}-{person.number}-0",
        "identifiers": [[i.key, i.type, i.value, place] for place, i in enumerate(person.identifiers)],
    }
