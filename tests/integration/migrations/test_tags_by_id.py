"""Rules from before tags were named by their ids are kept by the ids."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from graph.client import Graph
from migrations.catalog import catalog

PATH, QUOTED = "美妆/肤质", 'a "b" \\c'
TAGS = [{"id": "t-1", "path": PATH}, {"id": "t-2", "path": f"{PATH}/干性"}, {"id": "t-3", "path": QUOTED}]


def rule(*names: str) -> dict[str, Any]:
    where = [{"property": "tag", "op": "EQ", "value": PATH}]
    tags = [{"tag": {"tag": name, "includeDescendants": True}} for name in names]
    return {"any": [{"not": {"all": tags}}, {"event": {"name": "Order", "where": where}}]}


@pytest.fixture
async def stored(graph: Graph, clean: None) -> AsyncIterator[None]:
    told = {"rule": orjson.dumps(rule(PATH, f"{PATH}/干性", QUOTED, "t-2")).decode(), "tags": TAGS}
    query = """
    CREATE (:Segment {id: 's', key: 's', rule: $rule}), (:Segment {id: 'l', key: 'l'})
    CREATE (:Lifecycle {id: 'c', key: 'c', stages: '[{"rule":' + $rule + '}]'})
    WITH 1 AS one UNWIND $tags AS tag
    CREATE (t:Tag {id: tag.id, path: tag.path, rule: $rule})
    """
    await graph.write("test.store", query, **told)
    yield
    await graph.write("test.wipe", "MATCH (n) WHERE n:Segment OR n:Lifecycle OR n:Tag DETACH DELETE n")


@pytest.mark.usefixtures("stored")
async def test_every_rule_names_tags_by_their_ids_however_often_it_is_migrated(graph: Graph) -> None:
    (migration,) = [one for one in catalog() if one.name == "tags_by_id"]
    expected = rule("t-1", "t-2", "t-3", "t-2")

    for _ in range(2):
        for statement in migration.statements:
            await graph.write("test.migrate", statement)  # pyright: ignore[reportArgumentType]

        (row,) = await graph.read("test.segments", "MATCH (s:Segment {id: 's'}) RETURN s.rule AS rule")
        assert orjson.loads(row["rule"]) == expected
        tags = await graph.read("test.tags", "MATCH (t:Tag) RETURN t.rule AS rule")
        assert [orjson.loads(tag["rule"]) for tag in tags] == [expected] * 3
        (row,) = await graph.read("test.lifecycles", "MATCH (l:Lifecycle) RETURN l.stages AS stages")
        assert orjson.loads(row["stages"]) == [{"rule": expected}]
