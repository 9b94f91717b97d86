"""Made-up customers, written many at once; how far a run has come is kept beside them, in the same transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from graph.client import Graph
from oneid.domain.attributes import to_stored
from oneid.domain.customers import CustomerRecord
from oneid.domain.messages import format_time, parse_time
from oneid.domain.seeding import SOURCE

BEGIN: Final = """
MERGE (s:Seed {run: $run})
SET s.first = coalesce(s.first, $first), s.until = coalesce(s.until, $until), s.done = coalesce(s.done, 0)
RETURN s.first AS first, s.until AS until, s.done AS done
"""

# Where there are rules, these people have to be evaluated and judged as everybody else.
WRITE: Final = """
MATCH (s:Seed {run: $run}) WHERE s.done < $done
SET s.done = $done
WITH EXISTS { MATCH (:Condition) } OR EXISTS { MATCH (:Segment) } AS ruled
UNWIND $rows AS row
CREATE (c:Customer {oneId: row.oneId, seq: row.seq, version: 1, createdAt: row.at, updatedAt: row.at,
                    merges: 0, attributes: row.attributes})
FOREACH (_ IN CASE WHEN ruled THEN [1] ELSE [] END | SET c:Dirty:Unevaluated, c.evaluateSeq = row.seq)
CREATE (:Decision {id: row.id, seq: row.seq, kind: 'CREATED', at: row.at, messageId: row.id, ruleVersion: 1,
                   oneId: row.oneId, mergedOneIds: [], kept: [i IN row.identifiers | i[0]], dropped: [],
                   manual: false})
WITH c, row UNWIND row.identifiers AS i
CREATE (:Identifier {key: i[0], type: i[1], value: i[2], firstSeenAt: row.at, lastSeenAt: row.at, verified: false,
                     source: $source, linkedSeq: row.seq + i[3], firstOneId: row.oneId})-[:IDENTIFIES]->(c)
"""


@dataclass(frozen=True, slots=True)
class Begun:
    """A run: the sequence of its first person, the moment that everything in it lies before, and how many people are
    written."""

    first: int
    until: datetime
    done: int


async def begin(graph: Graph, run: str, first: int, until: datetime) -> Begun:
    """The run of this name as it was begun, or is begun by this."""
    (row,) = await graph.write("seeds.begin", BEGIN, run=run, first=first, until=format_time(until))
    return Begun(row["first"], parse_time(row["until"]), row["done"])


async def write(graph: Graph, run: str, done: int, people: Sequence[CustomerRecord]) -> None:
    """Writes people, which are then `done`. Raises what the graph raises if an identifier is somebody's already;
    nothing is written then."""
    rows = [seed_row(run, done - len(people) + place, record) for place, record in enumerate(people)]
    await graph.write("seeds.write", WRITE, run=run, done=done, rows=rows, source=SOURCE)


def seed_row(run: str, number: int, record: CustomerRecord) -> dict[str, Any]:
    keys = [linked.identifier for linked in record.identifiers]
    return {
        "oneId": record.one_id,
        "seq": record.sequence,
        "at": record.created_at,
        "attributes": to_stored(record.attributes),
        "id": f"{run}-{number}-0",
        "identifiers": [[i.key, i.type, i.value, place] for place, i in enumerate(keys)],
    }
