"""A little work for a server, so that its cache also holds what queries need, not only what starting needs."""

import json
import urllib.request
from typing import Any, Final, LiteralString

from neo4j import GraphDatabase

from oneid.embedded.errors import ServerError

ROUNDS = 20

_WRITE: Final[LiteralString] = """
UNWIND $rows AS row
MERGE (i:Exercise {key: row.key})
ON CREATE SET i.at = row.at
MERGE (c:Owner {id: row.owner})
MERGE (i)-[:BELONGS_TO]->(c)
WITH c, collect(i.key) AS keys
SET c.keys = keys, c.count = size(keys)
RETURN c.id AS id, c.keys AS keys ORDER BY id LIMIT 10
"""
_READ: Final[LiteralString] = """
MATCH (i:Exercise)-[:BELONGS_TO]->(c:Owner) WHERE i.key IN $keys
OPTIONAL MATCH (c)<-[:BELONGS_TO]-(other)
RETURN c.id AS id, count(DISTINCT other) AS others ORDER BY others DESC
"""


def exercise_neo4j(url: str) -> None:
    """Writes and reads in transactions over Bolt."""
    with GraphDatabase.driver(url) as driver:
        driver.execute_query("CREATE CONSTRAINT IF NOT EXISTS FOR (n:Exercise) REQUIRE n.key IS UNIQUE")
        for number in range(ROUNDS):
            rows = [{"key": f"k{number}-{row}", "at": "t", "owner": row % 7} for row in range(50)]
            driver.execute_query(_WRITE, rows=rows)
            driver.execute_query(_READ, keys=[row["key"] for row in rows])


def exercise_opensearch(url: str) -> None:
    """Creates an index, fills it in bulks, searches and aggregates with a script."""
    fields: dict[str, Any] = {"name": {"type": "text"}, "owner": {"type": "keyword"}, "at": {"type": "date"}}
    fields["bag"] = {"type": "flat_object"}
    _call(
        url, "PUT", "/exercise", {"settings": {"number_of_replicas": 0}, "mappings": {"properties": fields}}
    )
    for number in range(ROUNDS):
        lines: list[dict[str, Any]] = []
        for row in range(50):
            lines.append({"index": {"_index": "exercise", "_id": f"{number}-{row}"}})
            lines.append(
                {"name": f"thing {row}", "owner": f"o{row % 7}", "at": "2026-01-01", "bag": {"a": "b"}}
            )
        _call(url, "POST", "/_bulk?refresh=true", *lines)
        _call(url, "POST", "/exercise/_search", _SEARCH)


_SEARCH: Final[dict[str, Any]] = {
    "query": {
        "bool": {"must": {"match": {"name": "thing"}}, "filter": {"range": {"at": {"gte": "2025-01-01"}}}}
    },
    "sort": [{"at": "desc"}, {"owner": "asc"}],
    "aggs": {
        "owners": {
            "terms": {"field": "owner"},
            "aggs": {"days": {"date_histogram": {"field": "at", "calendar_interval": "day"}}},
        },
        "scripted": {
            "scripted_metric": {
                "init_script": "state.n = 0",
                "map_script": "state.n += doc['owner'].size()",
                "combine_script": "return state.n",
                "reduce_script": "long n = 0; for (s in states) { n += s } return n",
            }
        },
    },
}


def _call(url: str, method: str, path: str, *bodies: dict[str, Any]) -> None:
    content = "\n".join(json.dumps(body) for body in bodies) + "\n"
    kind = "application/x-ndjson" if len(bodies) > 1 else "application/json"
    request = urllib.request.Request(url + path, content.encode(), {"Content-Type": kind}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()
    except OSError as error:
        raise ServerError(f"{path} was refused: {error}") from error
