"""The invariants, read straight from the stores once they are quiet."""

import asyncio
from collections import Counter
from typing import Any

from oneid.bootstrap import Stores
from oneid.clock import monotonic
from tests.faults.load import History

QUIET_SECONDS = 300.0
GRAPH = "MATCH (c:Customer) WHERE NOT c:Merged RETURN c.oneId AS id, c.version AS version"
BAD_OWNERS = "MATCH (i:Identifier) WHERE count { (i)-[:IDENTIFIES]->() } > 1 RETURN count(i) AS n"
BAD_REDIRECTS = """
MATCH (m:Merged) OPTIONAL MATCH (m)-[:MERGED_INTO]->(c:Customer) WHERE NOT c:Merged
WITH m, count(c) AS direct WHERE direct <> 1 RETURN count(m) AS n
"""
UNSETTLED = "MATCH (c:Customer) WHERE c:Dirty OR c:Rehome RETURN count(c) AS n"


async def quiet(stores: Stores) -> None:
    """Waits until the log is empty and every change is projected."""
    end, backlog = monotonic() + QUIET_SECONDS, 0
    while monotonic() < end:
        backlog = await stores.log.backlog(0)
        if not backlog and not (await stores.graph.read("test", UNSETTLED))[0]["n"]:
            await stores.events.refresh()
            await stores.profiles.refresh()
            return
        await asyncio.sleep(0.5)
    raise AssertionError(f"not quiet after {QUIET_SECONDS} s: {backlog} entries wait")


async def scan(stores: Stores, alias: str, fields: list[str]) -> list[dict[str, Any]]:
    """All documents of an index, by pages in the order of its key."""
    found, after = list[dict[str, Any]](), None
    while True:
        body: dict[str, Any] = {"size": 5000, "_source": fields, "sort": [{fields[0]: "asc"}, {"_id": "asc"}]}
        if after:
            body["search_after"] = after
        answer = await stores.search.request("POST", f"/{alias}/_search", body)
        hits = answer["hits"]["hits"]
        if not hits:
            return found
        found += [hit["_source"] for hit in hits]
        after = hits[-1]["sort"]


async def nothing_is_lost_or_doubled(stores: Stores, history: History) -> None:
    """I1: every acknowledged messageId is in the event index exactly once; nothing is there that was not sent."""
    documents = await scan(stores, "oneid-events", ["messageId", "customer"])
    counts = Counter(document["messageId"] for document in documents)
    missing = history.acknowledged - counts.keys()
    doubled = {message_id for message_id, count in counts.items() if count > 1}
    assert not missing, f"{len(missing)} of {len(history.acknowledged)} acknowledged events are missing"
    assert not doubled
    assert counts.keys() <= history.sent


async def profiles_equal_graph(stores: Stores) -> None:
    """I5: the profile index holds the customers of the graph, each at its version, and no others."""
    rows = await stores.graph.read("test", GRAPH)
    graph = {row["id"]: row["version"] for row in rows}
    profiles = {d["oneId"]: d["version"] for d in await scan(stores, "oneid-profiles", ["oneId", "version"])}
    assert profiles == graph


async def index_equals_graph(stores: Stores) -> None:
    """I5, and every event lies with a customer that lives."""
    await profiles_equal_graph(stores)
    alive = {row["id"] for row in await stores.graph.read("test", GRAPH)}
    events = await scan(stores, "oneid-events", ["messageId", "customer"])
    assert {document["customer"] for document in events} <= alive


async def identity_is_sound(stores: Stores) -> None:
    """I4 and acyclic redirects: one owner an identifier, one hop to a living customer for each merged one."""
    assert (await stores.graph.read("test", BAD_OWNERS))[0]["n"] == 0
    assert (await stores.graph.read("test", BAD_REDIRECTS))[0]["n"] == 0


async def hold(stores: Stores, history: History) -> None:
    await quiet(stores)
    await nothing_is_lost_or_doubled(stores, history)
    await index_equals_graph(stores)
    await identity_is_sound(stores)
