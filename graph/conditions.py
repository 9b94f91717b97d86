"""Timed conditions in Neo4j, and whose intervals have to be computed again: customers marked :Unevaluated.

Each mark carries a number of its own, and is taken off only by whoever saw that number: an event that comes while
a customer is being evaluated leaves a mark with another one. What was found is kept all the same, unless somebody
else kept something meanwhile, which may be newer: who has an event every second would never be evaluated else. A
customer that is not to be judged yet waits for all of its events.

The mark also carries the names of the events that it is about, null standing for all: what asks nothing of them
needs no computing. `newsSince` stays until the customer is judged: lifecycles go from there step by step.
"""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import orjson
from neo4j import AsyncManagedTransaction

from graph.client import Graph, Row
from graph.marked import Marked
from oneid.clock import monotonic, sequence
from oneid.domain.attributes import Computed, computed_of
from oneid.domain.catalog import Catalog
from oneid.domain.segments.conditions import (
    Condition,
    ConditionSet,
    Held,
    from_stored,
    names_of,
    timed,
    to_stored,
    written,
)
from oneid.domain.segments.parsing import Parser
from oneid.domain.segments.rules import Timed
from oneid.errors import LimitExceeded, OneIdError
from oneid.logs import place

logger = logging.getLogger(__name__)

MAX_CONDITIONS: Final = 5_000
MAX_NUMBER: Final = 2**20 - 1
TOUCHED_SECONDS: Final = 60.0
"""That a condition was used is noted at most so often by one process."""

VERSION: Final = """
OPTIONAL MATCH (n:ConditionCounter {id: 'current'}) RETURN coalesce(n.version, 0) AS version
"""

ALL: Final = """
MATCH (k:Condition) RETURN k.id AS id, k.number AS number, k.rule AS rule, k.ready AS ready,
       coalesce(k.marked, false) AS marked
"""

LOCK: Final = """
MERGE (n:ConditionCounter {id: 'current'}) SET n.lock = timestamp()
WITH n
OPTIONAL MATCH (k:Condition)
RETURN coalesce(n.last, 0) AS last, collect(k.id) AS ids
"""

# The version is a time, not a count: after a restore the same one never stands for something else.
CHANGED: Final = """
MATCH (n:ConditionCounter {id: 'current'})
OPTIONAL MATCH (k:Condition)
UNWIND coalesce(k.names, [null]) AS name
WITH n, collect(DISTINCT name) AS names
SET n.version = $version, n.names = names
"""

CREATE: Final = """
MATCH (n:ConditionCounter {id: 'current'}) SET n.last = $last
WITH n UNWIND $rows AS row
CREATE (k:Condition) SET k = row
"""

USED: Final = "UNWIND $ids AS id MATCH (k:Condition {id: id}) SET k.usedAt = $at"

# What no segment needs was asked by previews: the ones asked last stay, and those that may still be asked.
FORGET: Final = """
MATCH (k:Condition)
WHERE NOT EXISTS { MATCH (s:Segment) WHERE k.id IN s.conditions }
  AND NOT EXISTS { MATCH (m:ScoreModel) WHERE k.id IN m.conditions }
WITH k ORDER BY k.usedAt DESC SKIP $keep
WITH k WHERE k.usedAt < $before
DELETE k
RETURN count(k) AS count
"""

DROP: Final = """
MATCH (n:Segment|ScoreModel) WHERE any(id IN n.conditions WHERE id IN $ids)
SET n.conditions = [id IN n.conditions WHERE NOT id IN $ids]
WITH count(n) AS users
MATCH (k:Condition) WHERE k.id IN $ids
DELETE k
"""

MARKED: Final = "UNWIND $ids AS id MATCH (k:Condition {id: id}) SET k.marked = true"

READY: Final = "UNWIND $ids AS id MATCH (k:Condition {id: id}) SET k.ready = true"

# The names are read under the lock: a mark for all of them must not get lost.
SURVIVORS: Final = """
MATCH (n:Customer {oneId: row[0]})
OPTIONAL MATCH (n)-[:MERGED_INTO]->(survivor:Customer)
WITH coalesce(survivor, n) AS c, row
UNWIND CASE WHEN row[1] IS NULL THEN [null] ELSE row[1] END AS name
WITH c, CASE WHEN count(*) = count(name) THEN collect(DISTINCT name) END AS names, min(row[2]) AS news
ORDER BY c.oneId
SET c.lock = $sequence
WITH c, names, news
FOREACH (_ IN CASE WHEN news < coalesce(c.newsSince, news + 1) THEN [1] ELSE [] END | SET c.newsSince = news)
SET c.evaluateNames = CASE
      WHEN NOT c:Unevaluated THEN names
      WHEN names IS NOT NULL AND c.evaluateNames IS NOT NULL
        THEN c.evaluateNames + [name IN names WHERE NOT name IN c.evaluateNames]
    END
SET c:Unevaluated, c.evaluateSeq = $sequence
"""

#: By label, not by index, which would lock others out while there is no counter yet (`partitions.FENCE`).
MARK_TOLD: Final = f"""
OPTIONAL MATCH (a:AttributeCatalog {{id: 'current'}})
OPTIONAL MATCH (n:ConditionCounter {{id: 'current'}}) USING SCAN n:ConditionCounter
WITH coalesce(a.names, []) +
     coalesce(n.names, COLLECT {{ MATCH (k:Condition) UNWIND k.names AS name RETURN DISTINCT name }}) AS wanted
UNWIND $rows AS told
WITH told[0] AS oneId, [name IN told[1] WHERE name IN wanted OR "*" IN wanted] AS names, told[2] AS news
WHERE names <> []
WITH [oneId, names, news] AS row
{SURVIVORS}
"""

#: Who has these marks already is left alone: whoever takes them off has seen them.
MARK: Final = f"""
UNWIND $rows AS row
MATCH (n:Customer {{oneId: row[0]}})
OPTIONAL MATCH (n)-[:MERGED_INTO]->(survivor:Customer)
WITH row, coalesce(survivor, n) AS c
WHERE NOT (c:Unevaluated AND coalesce(all(name IN row[1] WHERE name IN c.evaluateNames), false))
WITH row
{SURVIVORS}
"""

# All customers come as one record (`graph.projection`).
WHOLE: Final = """
WITH c, c.evaluateSeq AS seen
RETURN collect({
  oneId: c.oneId, seen: seen, conditions: c.conditions, computed: c.computed, merged: c:Merged,
  names: CASE WHEN c.evaluateAt <= $now THEN null ELSE c.evaluateNames END,
  evaluateAt: c.evaluateAt, wakeAt: c.wakeAt, turn: coalesce(c.evaluations, 0),
  former: [(m:Merged)-[:MERGED_INTO]->(c) | m.oneId]
}) AS customers
"""

UNEVALUATED: Final = f"MATCH (c:Unevaluated) WITH c SKIP $skip LIMIT $limit {WHOLE}"

UNEVALUATED_AMONG: Final = f"""
UNWIND $one_ids AS one_id
MATCH (n:Customer {{oneId: one_id}})
OPTIONAL MATCH (n)-[:MERGED_INTO]->(survivor:Customer)
WITH DISTINCT coalesce(survivor, n) AS c WHERE c:Unevaluated OR c.evaluateAt <= $now
{WHOLE}
"""

KEEP: Final = """
UNWIND $rows AS row
MATCH (c:Customer {oneId: row.oneId})
SET c.lock = $lock
WITH c, row, c.evaluateSeq = row.seen AS latest, coalesce(c.evaluations, 0) = row.turn AS alone
WHERE latest OR (alone AND c.unjudged IS NULL)
SET c.evaluateAt = row.evaluateAt, c.evaluations = coalesce(c.evaluations, 0) + 1
FOREACH (_ IN CASE WHEN latest THEN [1] ELSE [] END | REMOVE c:Unevaluated, c.evaluateNames)
WITH c, row, (row.changed OR NOT alone OR coalesce(c.unjudged, false)) AND NOT c:Merged AS changed
FOREACH (_ IN CASE WHEN changed THEN [1] ELSE [] END |
  SET c:Dirty, c.version = c.version + 1, c.conditions = row.held, c.computed = row.computed
  REMOVE c.unjudged)
FOREACH (_ IN CASE WHEN changed OR c:Dirty THEN [] ELSE [1] END | REMOVE c.newsSince)
RETURN count(*) AS kept
"""

WAKE: Final = """
MATCH (c:Customer) WHERE c.evaluateAt <= $now AND NOT c:Merged
  AND NOT c:Unevaluated
WITH c LIMIT $limit
SET c:Unevaluated, c.evaluateSeq = $sequence
REMOVE c.evaluateNames
RETURN count(c) AS count
"""


@dataclass(frozen=True, slots=True)
class Unevaluated:
    """A customer to evaluate: all its ONE-IDs, its own first, the mark's number, and what it has now. `computed`:
    the values of computed attributes, each with the time of its last change (RFC 3339); `evaluate_at`: when time
    changes one of them next (milliseconds); `told`: the names of the events that it is marked for, None for all;
    `wake_at`: the first instant (milliseconds) for which the customer was not judged, None where none is coming;
    `turn`: how often it was evaluated."""

    one_ids: tuple[str, ...]
    seen: int
    held: Held
    merged: bool
    computed: Computed
    evaluate_at: int | None = None
    told: frozenset[str] | None = None
    wake_at: int | None = None
    turn: int = 0


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What was found for a customer; `evaluate_at`: when time changes a computed attribute next (milliseconds)."""

    customer: Unevaluated
    held: Held
    computed: Computed
    evaluate_at: int | None


class Conditions:
    """Reads and makes conditions; marks, reads and settles customers. What was read last is kept, and read again
    only where it has changed."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._marked = Marked(graph, "Unevaluated")
        self._rules: dict[str, Timed] = {}
        self._all = ConditionSet()
        self._touched: dict[str, float] = {}

    async def all(self) -> ConditionSet:
        """Every condition that is materialised."""
        version: int = (await self._graph.read("conditions.version", VERSION))[0]["version"]
        if version != self._all.version:
            # Read after the version: what is newer than it is read again the next time.
            rows = await self._graph.read("conditions.all", ALL)
            told = [(row, self._rule(row)) for row in rows]
            self._rules = {row["id"]: rule for row, rule in told if rule}
            self._all = ConditionSet(
                version, tuple(Condition(**dict[str, Any](row, rule=rule)) for row, rule in told if rule)
            )
        return self._all

    async def use(self, ids: Collection[str]) -> list[Condition]:
        """Those of the conditions that there are, touched."""
        await self.touch(ids)
        known = (await self.all()).by_id
        return [known[id_] for id_ in ids if id_ in known]

    async def touch(self, ids: Collection[str]) -> None:
        """Notes that conditions were used: they are not forgotten soon."""
        now = monotonic()
        if old := sorted(
            id_ for id_ in ids if now - self._touched.get(id_, -TOUCHED_SECONDS) >= TOUCHED_SECONDS
        ):
            await self._graph.write("conditions.use", USED, ids=old, at=sequence())
            self._touched |= dict.fromkeys(old, now)

    async def make(self, rules: Mapping[str, Timed]) -> list[Condition]:
        """These conditions, made where they are missing. Raises LimitExceeded."""
        if rules.keys() <= (await self.all()).by_id.keys():
            return await self.use(rules)

        async def work(tx: AsyncManagedTransaction) -> None:
            row = await (await tx.run(LOCK)).single(strict=True)
            missing = [id_ for id_ in rules if id_ not in row["ids"]]
            last = row["last"] + len(missing)
            if missing and (last > MAX_NUMBER or len(row["ids"]) + len(missing) > MAX_CONDITIONS):
                raise LimitExceeded(f"segments use at most {MAX_CONDITIONS} different conditions of time")
            made = [new_row(id_, rules[id_], last - n) for n, id_ in enumerate(missing)]
            if made:
                await (await tx.run(CREATE, rows=made, last=last)).consume()
                await (await tx.run(CHANGED, version=sequence())).consume()
            await (await tx.run(USED, ids=sorted(rules), at=sequence())).consume()

        await self._graph.transact("conditions.make", work)
        return await self.use(rules)

    async def forget(self, keep: int, seconds: float) -> None:
        """Drops conditions that no segment uses and nobody asked for so many seconds, but the `keep` used last."""
        before = sequence() - int(seconds * 1e9)

        async def work(tx: AsyncManagedTransaction) -> None:
            await (await tx.run(LOCK)).consume()
            gone = await (await tx.run(FORGET, keep=keep, before=before)).single(strict=True)
            if gone["count"]:
                await (await tx.run(CHANGED, version=sequence())).consume()

        await self._graph.transact("conditions.forget", work)

    async def drop(self, ids: Sequence[str]) -> None:
        """Deletes conditions. Whoever needs one makes it again."""

        async def work(tx: AsyncManagedTransaction) -> None:
            await (await tx.run(LOCK)).consume()
            await (await tx.run(DROP, ids=list(ids))).consume()
            await (await tx.run(CHANGED, version=sequence())).consume()

        await self._graph.transact("conditions.drop", work)

    async def marked(self, ids: Iterable[str]) -> None:
        """Notes that everybody was marked for these conditions."""
        await self._note("conditions.marked", MARKED, ids)

    async def ready(self, ids: Iterable[str]) -> None:
        """Notes that everybody has these conditions."""
        await self._note("conditions.ready", READY, ids)

    async def _note(self, name: str, query: LiteralString, ids: Iterable[str]) -> None:
        async def work(tx: AsyncManagedTransaction) -> None:
            await (await tx.run(LOCK)).consume()
            await (await tx.run(query, ids=sorted(ids))).consume()
            await (await tx.run(CHANGED, version=sequence())).consume()

        await self._graph.transact(name, work)

    async def mark_told(self, told: Mapping[str, set[str]], since: Mapping[str, int] | None = None) -> None:
        """Marks the customers (by ONE-ID) of whom something was told that a condition asks: names of events.
        `since`: when the first of those happened that are new (milliseconds)."""
        news = since or {}
        rows = [[one_id, sorted(names), news.get(one_id)] for one_id, names in sorted(told.items())]
        await self._graph.write("conditions.mark_told", MARK_TOLD, rows=rows, sequence=sequence())

    async def mark(self, one_ids: Iterable[str], marks: Collection[str] | None = None) -> None:
        """Marks customers, former ones as who they became, for conditions by their marks (`Condition.mark`); None: for
        all that is kept of them."""
        names = None if marks is None else sorted(marks)
        rows = [[one_id, names] for one_id in sorted(one_ids)]
        await self._graph.write("conditions.mark", MARK, rows=rows, sequence=sequence())

    async def unevaluated(self, limit: int, now: int) -> list[Unevaluated]:
        """Marked customers, at most `limit`, in no order. For whom time (milliseconds) has changed a computed
        attribute, all is to be evaluated."""
        return found(await self._marked.read("conditions.unevaluated", UNEVALUATED, limit, now=now))

    async def unevaluated_among(self, one_ids: Sequence[str], now: int) -> list[Unevaluated]:
        """Those among these, whatever ONE-ID they are named by, that are marked or that time has changed."""
        told = {"one_ids": list(one_ids), "now": now}
        (row,) = await self._graph.read("conditions.unevaluated_among", UNEVALUATED_AMONG, **told)
        return found(row)

    async def wake(self, now: int, limit: int) -> int:
        """Marks customers for whom time (milliseconds) changes a computed attribute, at most `limit`; how many."""
        rows = await self._graph.write("conditions.wake", WAKE, now=now, limit=limit, sequence=sequence())
        return int(rows[0]["count"])

    async def keep(self, evaluated: Iterable[Evaluated]) -> int:
        """Writes what customers have now, and returns of how many it was written. Who was marked again meanwhile
        stays marked."""
        rows = [kept_row(one) for one in sorted(evaluated, key=lambda one: one.customer.one_ids[0])]
        found = await self._graph.write("conditions.keep", KEEP, rows=rows, lock=sequence())
        return int(found[0]["kept"])

    def _rule(self, row: dict[str, Any]) -> Timed | None:
        """None of one that is not taken any more: no rule that can be read has it."""
        if row["id"] not in self._rules:
            try:
                parsed = Parser(Catalog()).parse(orjson.loads(row["rule"]))
            except OneIdError as error:
                logger.warning("condition %s can't be read: %s", row["id"], place(error))
                return None
            return next(iter(timed(parsed).values()))
        return self._rules[row["id"]]


def kept_row(one: Evaluated) -> dict[str, Any]:
    before = one.customer
    return {
        "oneId": before.one_ids[0],
        "seen": before.seen,
        "turn": before.turn,
        "changed": (one.held, one.computed) != (before.held, before.computed),
        "held": to_stored(one.held),
        "computed": orjson.dumps(one.computed).decode(),
        "evaluateAt": one.evaluate_at,
    }


def new_row(id_: str, rule: Timed, number: int) -> dict[str, Any]:
    stored = orjson.dumps(written(rule)).decode()
    return {"id": id_, "number": number, "rule": stored, "names": sorted(names_of(rule)), "ready": False}


def found(told: Row) -> list[Unevaluated]:
    return [
        Unevaluated(
            (row["oneId"], *sorted(row["former"])),
            row["seen"],
            from_stored(row["conditions"]),
            row["merged"],
            computed_of(row["computed"]),
            row["evaluateAt"],
            None if row["names"] is None else frozenset(row["names"]),
            row["wakeAt"],
            row["turn"],
        )
        for row in told["customers"]
    ]
