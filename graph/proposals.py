"""Merge proposals in Neo4j: (:MergeProposal)-[:PROPOSES]->(:Customer), twice; and what was rejected:
(:Customer)-[:DISTINCT_FROM]-(:Customer), which nobody is asked again.

A merge takes both along to the customer that stays; a proposal of customers that are one by then is gone.
"""

from collections.abc import Sequence
from typing import Any, Final

import orjson

from graph.attachment import Attached
from graph.client import Graph
from oneid.domain.attributes import Attributes, from_stored
from oneid.domain.matching import Agreement, FieldEvidence, Match
from oneid.domain.proposals import MergeProposal, proposal_id

PEOPLE: Final = """
MATCH (c:Customer) WHERE c.oneId > $after AND NOT c:Merged
WITH c ORDER BY c.oneId LIMIT $limit
RETURN collect([c.oneId, c.attributes]) AS people
"""

# A sticky split is an operator's word that they are two.
PROPOSE: Final = """
UNWIND $rows AS row
MATCH (a:Customer {oneId: row.a}) WHERE NOT a:Merged
MATCH (b:Customer {oneId: row.b}) WHERE NOT b:Merged AND NOT EXISTS { (a)-[:DISTINCT_FROM]-(b) }
AND NOT EXISTS {
  MATCH (a)<-[:IDENTIFIES]-(i:Identifier) WHERE i.sides IS NOT NULL
  MATCH (b)<-[:IDENTIFIES]-(j:Identifier)
  WHERE any(s IN i.sides WHERE any(t IN j.sides WHERE s <> t AND split(s, ':')[0] = split(t, ':')[0]))
}
MERGE (p:MergeProposal {id: row.id})
SET p += row.set
MERGE (p)-[:PROPOSES]->(a)
MERGE (p)-[:PROPOSES]->(b)
WITH p, a, b
OPTIONAL MATCH (p)-[stale:PROPOSES]->(c:Customer) WHERE NOT c IN [a, b]
DELETE stale
RETURN count(DISTINCT p) AS written
"""

DROP_OTHERS: Final = """
MATCH (p:MergeProposal) WHERE p.run <> $run
WITH p LIMIT $limit
DETACH DELETE p
RETURN count(p) AS dropped
"""

PAGE: Final = """
MATCH (p:MergeProposal) WHERE p.weight < $weight OR (p.weight = $weight AND p.id > $id)
WITH p ORDER BY p.weight DESC, p.id LIMIT $first
RETURN p {.*} AS proposal, [(p)-[:PROPOSES]->(c:Customer) | [c.seq, c.oneId]] AS customers
"""

COUNT: Final = "MATCH (p:MergeProposal) RETURN count(p) AS count"

GET: Final = """
UNWIND $ids AS id MATCH (p:MergeProposal {id: id})
RETURN p {.*} AS proposal, [(p)-[:PROPOSES]->(c:Customer) | [c.seq, c.oneId]] AS customers
"""

REJECT: Final = """
MATCH (a:Customer)<-[:PROPOSES]-(:MergeProposal {id: $id})-[:PROPOSES]->(b:Customer)
WHERE a.oneId < b.oneId
MERGE (a)-[r:DISTINCT_FROM]-(b)
ON CREATE SET r.at = $at, r.reason = $reason
WITH a, b
MATCH (a)<-[:PROPOSES]-(p:MergeProposal)-[:PROPOSES]->(b)
DETACH DELETE p
RETURN count(p) AS rejected
"""

MERGE: Final = """
UNWIND $rows AS row
MATCH (old:Customer {oneId: row.from}), (into:Customer {oneId: row.into})
CALL (old, into) {
  MATCH (old)<-[r:PROPOSES]-(p:MergeProposal)
  DELETE r
  MERGE (p)-[:PROPOSES]->(into)
  WITH DISTINCT p WHERE COUNT { (p)-[:PROPOSES]->() } < 2
  DETACH DELETE p
}
CALL (old, into) {
  MATCH (old)-[r:DISTINCT_FROM]-(other:Customer)
  FOREACH (_ IN CASE WHEN other = into THEN [] ELSE [1] END |
    MERGE (into)-[kept:DISTINCT_FROM]-(other) ON CREATE SET kept = properties(r))
  DELETE r
}
"""

# What was known of the whole says little about its parts: the next search proposes them anew.
SPLIT: Final = """
UNWIND $rows AS row
MATCH (:Customer {oneId: row.from})<-[:PROPOSES]-(p:MergeProposal)
DETACH DELETE p
"""

ERASE: Final = """
UNWIND $oneIds AS oneId
MATCH (c:Customer {oneId: oneId})
OPTIONAL MATCH (c)<-[:PROPOSES]-(p:MergeProposal)
OPTIONAL MATCH (c)-[r:DISTINCT_FROM]-(:Customer)
DETACH DELETE p
DELETE r
"""

EXPORT: Final = """
UNWIND $oneIds AS oneId
MATCH (:Customer {oneId: oneId})<-[:PROPOSES]-(p:MergeProposal)
RETURN {mergeProposal: p.id, probability: p.probability, evidence: p.evidence, proposedAt: p.proposedAt} AS data
UNION
UNWIND $oneIds AS oneId
MATCH (:Customer {oneId: oneId})-[r:DISTINCT_FROM]-(:Customer)
RETURN {distinctSince: r.at, reason: r.reason} AS data
"""

PROPOSALS: Final = Attached("mergeProposals", MERGE, SPLIT, ERASE, EXPORT, json=("evidence",))

FIRST: Final = (1e300, "")
"""Where the first page begins: before any weight."""


class Proposals:
    """Writes and reads proposals, the surest first."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def people(self, after: str, limit: int) -> list[tuple[str, Attributes]]:
        """ONE-IDs with attributes, in order of ONE-ID, those greater than `after`."""
        rows = await self._graph.read("proposals.people", PEOPLE, after=after, limit=limit)
        return [(one_id, from_stored(stored)) for one_id, stored in rows[0]["people"]]

    async def propose(self, matches: Sequence[Match], run: str, at: str) -> int:
        """Writes proposals in the name of this search; returns how many. Passed over is what was rejected, what
        an operator split for good, and customers that are gone."""
        rows = [_row(match, run, at) for match in matches]
        written = await self._graph.write("proposals.propose", PROPOSE, rows=rows)
        return int(written[0]["written"])

    async def drop_others(self, run: str, limit: int = 10_000) -> None:
        """Deletes the proposals that this search did not find again."""
        while (await self._graph.write("proposals.drop", DROP_OTHERS, run=run, limit=limit))[0]["dropped"]:
            pass

    async def page(self, first: int, after: tuple[float, str] = FIRST) -> list[MergeProposal]:
        """Up to `first` proposals after this (weight, id)."""
        weight, id_ = after
        rows = await self._graph.read("proposals.page", PAGE, first=first, weight=weight, id=id_)
        return [_proposal(row) for row in rows]

    async def count(self) -> int:
        return int((await self._graph.read("proposals.count", COUNT))[0]["count"])

    async def get(self, id_: str) -> MergeProposal | None:
        (found,) = await self.named([id_])
        return found

    async def named(self, ids: Sequence[str]) -> list[MergeProposal | None]:
        """Proposals in the order asked, None where there is none."""
        rows = await self._graph.read("proposals.get", GET, ids=list(ids))
        found = {one.id: one for one in map(_proposal, rows)}
        return [found.get(id_) for id_ in ids]

    async def reject(self, id_: str, reason: str | None, at: str) -> bool:
        """Notes that the two are two; False if there is no such proposal."""
        rows = await self._graph.write("proposals.reject", REJECT, id=id_, reason=reason, at=at)
        return bool(rows[0]["rejected"])


def _row(match: Match, run: str, at: str) -> dict[str, Any]:
    evidence = [[e.attribute, e.agreement, e.weight] for e in match.evidence]
    found = {
        "probability": match.probability,
        "weight": match.weight,
        "evidence": orjson.dumps(evidence).decode(),
        "proposedAt": at,
        "run": run,
    }
    return {"id": proposal_id(match.a, match.b), "a": match.a, "b": match.b, "set": found}


def _proposal(row: dict[str, Any]) -> MergeProposal:
    stored = row["proposal"]
    return MergeProposal(
        id=stored["id"],
        one_ids=tuple(one_id for _, one_id in sorted(row["customers"])),
        probability=stored["probability"],
        weight=stored["weight"],
        evidence=tuple(
            FieldEvidence(attribute, Agreement(agreement), weight)
            for attribute, agreement, weight in orjson.loads(stored["evidence"])
        ),
        proposed_at=stored["proposedAt"],
    )
