"""All customers with their identifiers, page by page, for whoever compares the whole graph with something."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from graph.client import Graph
from graph.decisions import FIELDS, decision_of
from oneid.domain.decisions import LEFT_OUT, Decision
from oneid.domain.difference import Held

PAGE: Final = 5_000

CUSTOMERS: Final = """
MATCH (c:Customer) WHERE c.oneId > $after
WITH c ORDER BY c.oneId LIMIT $limit
WITH c, c.version AS version
RETURN max(c.oneId) AS last, collect(CASE WHEN c:Merged THEN null ELSE
  [c.oneId, c.seq, version, [(i:Identifier)-[:IDENTIFIES]->(c) | [i.key, i.linkedSeq]]] END) AS customers
"""

#: What joined or parted customers besides events: an operator's acts, and direct writes.
ACTS: Final = f"""
MATCH (d:Decision) WHERE d.seq > $after
  AND (d.manual OR (coalesce(d.direct, d.messageId STARTS WITH 'upsert-') AND size(d.kept) > 0
                    AND NOT d.kind IN $leftOut))
WITH d ORDER BY d.seq LIMIT $limit
RETURN {FIELDS}
"""

REDIRECTS: Final = """
MATCH (former:Merged) WHERE former.oneId > $after
WITH former ORDER BY former.oneId LIMIT $limit
MATCH (former)-[:MERGED_INTO]->(c:Customer)
RETURN max(former.oneId) AS last, collect([former.oneId, c.oneId]) AS redirects
"""

REDIRECTS_TO: Final = """
UNWIND $oneIds AS oneId
MATCH (former:Merged)-[:MERGED_INTO]->(:Customer {oneId: oneId})
RETURN collect([former.oneId, oneId]) AS redirects
"""


async def customers(graph: Graph) -> AsyncIterator[list[Held]]:
    """Every customer that is not merged away, a page at a time."""
    after = ""
    while True:
        (row,) = await graph.read("snapshots.customers", CUSTOMERS, after=after, limit=PAGE)
        if row["last"] is None:
            return
        yield [
            Held(one_id, sequence or 0, version, {key: linked or 0 for key, linked in links})
            for one_id, sequence, version, links in row["customers"]
        ]
        after = row["last"]


async def acts(graph: Graph, after: int) -> list[Decision]:
    """An operator's acts and direct writes with a sequence above `after`, in order."""
    found: list[Decision] = []
    while True:
        rows = await graph.read(
            "snapshots.acts", ACTS, after=after, limit=PAGE, leftOut=sorted(map(str, LEFT_OUT))
        )
        found += [decision_of(row["decision"]) for row in rows]
        if len(rows) < PAGE:
            return found
        after = found[-1].sequence


async def redirects(graph: Graph) -> dict[str, str]:
    """Every former ONE-ID with the customer's own."""
    found: dict[str, str] = {}
    after = ""
    while True:
        (row,) = await graph.read("snapshots.redirects", REDIRECTS, after=after, limit=PAGE)
        if row["last"] is None:
            return found
        found.update(row["redirects"])
        after = row["last"]


async def redirects_to(graph: Graph, one_ids: Sequence[str]) -> dict[str, str]:
    """The former ONE-IDs of these customers, with the customer's own."""
    (row,) = await graph.read("snapshots.redirects_to", REDIRECTS_TO, oneIds=list(one_ids))
    return dict(row["redirects"])
