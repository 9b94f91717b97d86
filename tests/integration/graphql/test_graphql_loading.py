"""How often the stores are asked."""

from typing import Any

import pytest

from graph.client import Graph
from search.client import Search
from tests.graphql_api import Api, Fresh

PAGE = """
query Page($search: String, $first: Int) {
  customers(search: $search, first: $first) {
    nodes {
      oneId formerOneIds
      identifiers { type value }
      attributes { key value }
      events(first: 5) { totalCount nodes { name } }
      decisions(first: 5) { totalCount nodes { kind } }
    }
  }
}
"""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the stores are asked from now on: names of graph queries, paths of searches. Keys, health and the
    consumer's look for work are not what a caller asks."""
    calls = list[str]()
    read, once = Graph.read, Search.once

    async def counted_read(self: Graph, name: str, query: Any, /, **parameters: Any) -> Any:
        if not name.startswith(("keys", "ready", "rebuilds")):
            calls.append(name)
        return await read(self, name, query, **parameters)

    async def counted_once(self: Search, method: str, path: str, *rest: Any, **params: Any) -> Any:
        calls.append(path)
        return await once(self, method, path, *rest, **params)

    monkeypatch.setattr(Graph, "read", counted_read)
    monkeypatch.setattr(Search, "once", counted_once)
    return calls


@pytest.mark.usefixtures("consumer")
async def test_a_page_of_a_hundred_customers_asks_no_more_often_than_one_of_five(
    api: Api, fresh: Fresh, asked: list[str]
) -> None:
    family = fresh("zzload").replace("-", "")
    people = [
        {"type": "identify", "userId": fresh("u"), "traits": {"name": f"P{n} {family}"}} for n in range(100)
    ]
    await api.ingest(*people, wait="INDEXED")
    await api("{ identityRules { version } }")
    counts = list[int]()
    for size in (5, 100):
        asked.clear()
        nodes = (await api(PAGE, search=family, first=size))["customers"]["nodes"]
        assert len(nodes) == size
        assert all(node["events"]["totalCount"] == 1 for node in nodes)
        assert all(node["decisions"]["nodes"] == [{"kind": "CREATED"}] for node in nodes)
        counts.append(len([call for call in asked if call != "rules.read"]))
    assert counts == [5, 5], "profiles, customers, events, decisions, their counts"


async def test_a_customer_with_identifiers_and_attributes_is_one_query(
    api: Api, fresh: Fresh, asked: list[str]
) -> None:
    user = fresh("u")
    await api.upsert(user_id=user)
    by = {"identifier": {"type": "user_id", "value": user}}
    text = "query C($by: CustomerLookup!) { customer(by: $by) { oneId identifiers { value } attributes { key } } }"
    await api(text, by=by)
    asked.clear()
    await api(text, by=by)
    assert [name for name in asked if name != "rules.read"] == ["customers.by_identifier"]
