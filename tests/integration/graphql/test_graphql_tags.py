"""Tags over GraphQL: the tree, the five ways to come to a tag, and ready-made trees."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.graphql_api import UPSERT, Api, Fresh
from tests.integration.graphql.test_graphql_segments import DEFINE, members, person

pytestmark = pytest.mark.usefixtures("consumer")

TAG = "tag { id path method parent { path } } userErrors { code field message }"
CREATE = f"mutation C($input: CreateTagInput!) {{ createTag(input: $input) {{ {TAG} }} }}"
UPDATE = f"mutation U($input: UpdateTagInput!) {{ updateTag(input: $input) {{ {TAG} }} }}"
MOVE = f"mutation M($input: MoveTagInput!) {{ moveTag(input: $input) {{ {TAG} }} }}"
DELETE = "mutation D($input: DeleteTagInput!) { deleteTag(input: $input) { deleted userErrors { code } } }"
ASSIGN = """
mutation A($input: AssignTagsInput!) { assignTags(input: $input) { changed userErrors { code field } } }
"""
IMPORT = """
mutation I($input: ImportTagsInput!) { importTags(input: $input) { changed userErrors { code field } } }
"""
TREE = "query T($root: ID) { tags(root: $root) { path count rollUpCount } }"
HELD = """
query H($id: String!) {
  customer(by: { oneId: $id }) { tags { tag { path } method source expiresAt } }
}
"""
DELETE_TOLD = (
    "mutation D($input: DeleteTagInput!) { deleteTag(input: $input) { userErrors { code field message } } }"
)
ADVANCE = "mutation V($by: String!) { advanceClock(input: { by: $by }) { userErrors { code } } }"


async def created(api: Api, name: str, parent: str | None = None, **given: Any) -> str:
    payload = (await api(CREATE, input={"name": name, "parent": parent, **given}))["createTag"]
    assert payload["userErrors"] == []
    path: str = payload["tag"]["path"]
    return path


async def made_segment(api: Api, key: str, **given: Any) -> str:
    query = """mutation C($input: CreateSegmentInput!) {
      createSegment(input: $input) { segment { id } userErrors { code field message } }
    }"""
    payload = (await api(query, input={"key": key, "name": key, **given}))["createSegment"]
    assert payload["userErrors"] == []
    id_: str = payload["segment"]["id"]
    return id_


async def refused(api: Api, query: str, **given: Any) -> tuple[str, list[str]]:
    (payload,) = (await api(query, input=given)).values()
    (error,) = payload["userErrors"]
    return error["code"], error["field"]


async def assign(api: Api, path: str, *people: str, **given: Any) -> int:
    lookups = [{"oneId": one_id} for one_id in people]
    payload = (await api(ASSIGN, input={"customers": lookups, "tags": [path], **given}))["assignTags"]
    assert payload["userErrors"] == []
    changed: int = payload["changed"]
    return changed


async def held(api: Api, one_id: str) -> list[tuple[str, str]]:
    tags = (await api(HELD, id=one_id))["customer"]["tags"]
    return [(one["tag"]["path"], one["method"]) for one in tags]


async def tree(api: Api, root: str) -> list[tuple[str, int, int]]:
    tags = (await api(TREE, root=root))["tags"]
    return [(tag["path"], tag["count"], tag["rollUpCount"]) for tag in tags]


async def test_a_tree_of_four_levels_moves_with_all_below_it_and_counts_each_customer_once(
    api: Api, fresh: Fresh, name: str
) -> None:
    """A61."""
    top = await created(api, name)
    second = await created(api, "二", top)
    third = await created(api, "三", second)
    deep, beside = await created(api, "四", third), await created(api, "另", third)
    other = await created(api, "别", top)
    one, two = await person(api, fresh), await person(api, fresh)
    assert await assign(api, deep, one, two) == 2
    assert await assign(api, beside, one) == 1
    assert await assign(api, beside, one) == 0

    moved = (await api(MOVE, input={"tag": third, "parent": other}))["moveTag"]

    assert moved["tag"]["path"] == f"{name}/别/三"
    assert moved["tag"]["parent"]["path"] == other
    assert await members(api, {"tag": {"tag": other, "includeDescendants": True}}) == {one, two}
    assert await members(api, {"tag": {"tag": second, "includeDescendants": True}}) == set()
    assert await members(api, {"tag": {"tag": other}}) == set()
    assert await tree(api, top) == [
        (name, 0, 2),
        (f"{name}/二", 0, 0),
        (f"{name}/别", 0, 2),
        (f"{name}/别/三", 0, 2),
        (f"{name}/别/三/另", 1, 1),
        (f"{name}/别/三/四", 2, 2),
    ]
    assert await held(api, one) == [(f"{name}/别/三/另", "MANUAL"), (f"{name}/别/三/四", "MANUAL")]


async def rule_of(api: Api, key: str) -> Any:
    return (await api("query R($key: String) { segment(key: $key) { ruleJson } }", key=key))["segment"][
        "ruleJson"
    ]


async def test_rules_that_name_a_tag_follow_it_when_it_moves(api: Api, fresh: Fresh, name: str) -> None:
    top = await created(api, name)
    tag, other = await created(api, "标签", top), await created(api, "别处", top)
    below = await created(api, "下面", tag, rule={"event": {"name": name}})
    stages = [
        {"key": "a", "name": "a", "rule": {"tag": {"tag": tag}}, "from": None},
        {"key": "b", "name": "b", "rule": {"event": {"name": "nothing"}}, "from": None},
    ]
    define = """mutation D($input: DefineLifecycleInput!) { defineLifecycle(input: $input) {
      lifecycle { stages { ruleJson } } userErrors { code }
    } }"""
    assert (await api(define, input={"key": name, "name": name, "stages": stages}))["defineLifecycle"][
        "userErrors"
    ] == []
    rule = {"all": [{"tag": {"tag": tag, "includeDescendants": True}}, {"not": {"tag": {"tag": other}}}]}
    await made_segment(api, name, rule=rule)
    one = await person(api, fresh)
    two = await person(api, fresh, {"event": name})
    await assign(api, tag, one)

    moved = (await api(MOVE, input={"tag": tag, "parent": other}))["moveTag"]["tag"]["path"]
    again = await created(api, "标签", top)

    assert (moved, again) == (f"{name}/别处/标签", tag)
    elsewhere = {"tag": {"tag": other, "includeDescendants": False}}
    told = {"all": [{"tag": {"tag": moved, "includeDescendants": True}}, {"not": elsewhere}]}
    assert await rule_of(api, name) == told
    assert await members(api, {"segment": name}) == {one, two}
    assert await members(api, {"stage": {"lifecycle": name, "stage": "a"}}) == {one}
    three = await person(api, fresh)
    await assign(api, again, three)
    await assign(api, moved, three)
    assert await members(api, {"segment": name}) == {one, two, three}
    assert await refused(api, DELETE_TOLD, tag=moved) == ("CONFLICT", ["tag"])
    assert await members(api, {"tag": {"tag": f"{moved}/{below.rpartition('/')[2]}"}}) == {two}


async def test_a_tag_that_would_be_a_part_of_its_own_rule_neither_moves_nor_comes_to_be(
    api: Api, name: str
) -> None:
    top = await created(api, name)
    ruled = await created(api, f"{name}-r", rule={"tag": {"tag": top, "includeDescendants": True}})
    outside = {"not": {"tag": {"tag": top, "includeDescendants": True}}}
    await made_segment(api, name, rule={"all": [{"event": {"name": name}}, outside]})

    assert await refused(api, MOVE, tag=ruled, parent=top) == ("CYCLE", ["parent"])
    assert await refused(api, CREATE, name="c", parent=top, rule={"segment": name}) == ("CYCLE", ["rule"])

    assert [path for path, _, _ in await tree(api, top)] == [top]
    assert [path for path, _, _ in await tree(api, ruled)] == [ruled]
    assert (
        await members(
            api,
            {
                "segment": name,
            },
        )
        is not None
    )


async def test_of_two_segments_that_come_to_name_each_other_at_once_one_is_refused(
    api: Api, fresh: Fresh
) -> None:
    for _ in range(5):
        keys = fresh("s"), fresh("s")
        ids = [await made_segment(api, key, rule={"event": {"name": "nothing"}}) for key in keys]
        query = (
            "mutation U($input: UpdateSegmentInput!) { updateSegment(input: $input) { userErrors { code } } }"
        )
        wanted = [{"id": ids[0], "rule": {"segment": keys[1]}}, {"id": ids[1], "rule": {"segment": keys[0]}}]

        answers = await asyncio.gather(*(api(query, input=one) for one in wanted))

        errors = [error["code"] for answer in answers for error in answer["updateSegment"]["userErrors"]]
        assert errors == ["CYCLE"]
        rules = [await rule_of(api, key) for key in keys]
        assert sorted(next(iter(rule)) for rule in rules) == ["event", "segment"]


async def test_what_makes_no_sense_is_refused_and_the_tree_stays(api: Api, name: str) -> None:
    top = await created(api, name)
    below = await created(api, "a", top)
    assert await refused(api, CREATE, name="a", parent=top) == ("CONFLICT", ["name"])
    assert await refused(api, CREATE, name="a/b") == ("INVALID", ["name"])
    assert await refused(api, CREATE, name="x", parent=f"{name}/nothing") == ("NOT_FOUND", ["parent"])
    assert await refused(api, MOVE, tag=top, parent=below) == ("CYCLE", ["parent"])
    path = below
    for level in range(3, 9):
        path = await created(api, str(level), path)
    assert await refused(api, CREATE, name="9", parent=path) == ("TOO_LARGE", ["parent"])
    broken = {"rule": {"attribute": {"key": "nothing_such", "op": "EXISTS"}}}
    assert await refused(api, CREATE, name="r", parent=top, **broken) == (
        "NOT_FOUND",
        ["rule", "attribute", "key"],
    )
    for expression, message in {
        "[1, 2].all(x, x > 0)": "loops",
        "attributes.__class__ != null": "reaches",
        "open('/etc/passwd') == ''": "function",
        "os.system == 1": "os",
        "attributes.age >": "parse",
    }.items():
        payload = (await api(CREATE, input={"name": "e", "parent": top, "expression": expression}))[
            "createTag"
        ]
        (error,) = payload["userErrors"]
        assert (error["code"], error["field"]) == ("INVALID", ["expression"])
        assert message in error["message"]
    assert len(await tree(api, top)) == 8


RULED = {"rule": {"event": {"name": "nothing"}}}
EXPRESSED = {"expression": "size(identifiers) > 99"}
MODELLED = {"model": {"definition": {"kind": "LOGISTIC", "coefficients": {"age": 1}}, "least": 2}}


@pytest.mark.parametrize(
    ("method", "given"),
    [("MANUAL", {}), ("RULE", RULED), ("MODEL", MODELLED), ("EXPRESSION", EXPRESSED)],
)
async def test_a_tag_is_of_the_method_that_is_named(
    api: Api, name: str, method: str, given: dict[str, Any]
) -> None:
    tag = (await api(CREATE, input={"name": name, "method": method, **given}))["createTag"]["tag"]
    assert tag["method"] == method


@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("MANUAL", RULED),
        ("RULE", {}),
        ("RULE", EXPRESSED),
        ("MODEL", EXPRESSED),
        ("EXPRESSION", MODELLED),
        ("IMPORT", {}),
    ],
)
async def test_a_method_that_contradicts_what_is_given_is_refused(
    api: Api, name: str, method: str, given: dict[str, Any]
) -> None:
    assert await refused(api, CREATE, name=name, method=method, **given) == ("INVALID", ["method"])


@pytest.mark.parametrize(
    ("definition", "place"),
    [
        ({"kind": "X"}, ["definition", "kind"]),
        ({"kind": "LOGISTIC"}, ["definition", "coefficients"]),
        ({"kind": "TREE", "root": {"value": "x"}}, ["definition", "root", "value"]),
        ("x", ["definition"]),
        ({"kind": "LOGISTIC", "coefficients": {"age": 1}}, ["least"]),
    ],
)
async def test_a_model_that_makes_no_sense_is_refused_with_the_place(
    api: Api, name: str, definition: Any, place: list[str]
) -> None:
    given = {"name": name, "model": {"definition": definition}}
    assert await refused(api, CREATE, **given) == ("INVALID", ["model", *place])


async def test_a_tag_may_not_be_a_part_of_its_own_rule(api: Api, name: str) -> None:
    first = await created(api, name, rule={"event": {"name": name}})
    second = await created(api, f"{name}2", rule={"tag": {"tag": first}})
    assert await refused(api, UPDATE, tag=first, rule={"tag": {"tag": first}}) == ("CYCLE", ["rule", "tag"])
    assert await refused(api, UPDATE, tag=first, rule={"not": {"tag": {"tag": second}}}) == (
        "CYCLE",
        ["rule", "not", "tag"],
    )
    assert (await api(DELETE, input={"tag": first}))["deleteTag"]["userErrors"] == [{"code": "CONFLICT"}]
    assert (await api(DELETE, input={"tag": second}))["deleteTag"]["deleted"]
    assert (await api(DELETE, input={"tag": first}))["deleteTag"]["deleted"]


async def worth(api: Api, user: str, **values: float) -> str:
    """The ONE-ID of a user with these attributes, once that is searchable."""
    answer = await api(UPSERT, input={"identifiers": [{"type": "user_id", "value": user}], "set": values})
    await api.ingest({"type": "track", "event": "Came", "userId": user}, wait="INDEXED")
    one_id: str = answer["upsertCustomer"]["customer"]["oneId"]
    return one_id


async def test_a_tag_comes_by_hand_by_file_by_journey_by_rule_by_model_and_by_expression(
    api: Api, fresh: Fresh, name: str
) -> None:
    """A62: the rule's tag goes when the rule stops matching, the one given by hand stays."""
    await api(DEFINE, input={"key": name, "type": "NUMBER"})
    top = await created(api, name)
    plain = await created(api, "手动", top)
    ruled = await created(api, "规则", top, rule={"attribute": {"key": name, "op": "GTE", "value": 10}})
    model = {"kind": "LOGISTIC", "intercept": -5, "coefficients": {name: 0.5}}
    likely = await created(api, "模型", top, model={"definition": model, "least": 0.8})
    told = await created(api, "表达式", top, expression=f"has(attributes.{name}) && attributes.{name} > 12")
    user = fresh("u")
    one_id = await worth(api, user, **{name: 14})
    by_journey = {"method": "JOURNEY", "source": "welcome"}
    assert await assign(api, plain, one_id, **by_journey) == 1
    assert await assign(api, ruled, one_id) == 1
    lines = f"type,value,tag\nuser_id,{user},{plain}\nuser_id,nobody-{name},{plain}\nuser_id,x,没有\n"
    imported = (await api(IMPORT, input={"csv": lines, "source": "may.csv"}))["importTags"]
    assert imported["changed"] == 1
    assert [(e["code"], e["field"]) for e in imported["userErrors"]] == [
        ("NOT_FOUND", ["csv", "3", "value"]),
        ("NOT_FOUND", ["csv", "4", "tag"]),
    ]
    assert set(await held(api, one_id)) == {
        (plain, "IMPORT"),
        (plain, "JOURNEY"),
        (likely, "MODEL"),
        (told, "EXPRESSION"),
        (ruled, "MANUAL"),
        (ruled, "RULE"),
    }
    for path in (plain, ruled, likely, told):
        assert await members(api, {"tag": {"tag": path}}) == {one_id}

    await worth(api, user, **{name: 9})

    assert set(await held(api, one_id)) == {(plain, "IMPORT"), (plain, "JOURNEY"), (ruled, "MANUAL")}
    assert await assign(api, ruled, one_id, remove=True) == 1
    await worth(api, user, **{name: 9.5})
    assert await members(api, {"tag": {"tag": top, "includeDescendants": True}}) == {one_id}
    assert await members(api, {"tag": {"tag": ruled}}) == set()


async def test_a_tag_given_until_a_moment_goes_by_itself(api: Api, fresh: Fresh, name: str) -> None:
    top = await created(api, name)
    one_id = await person(api, fresh)
    now = datetime.fromisoformat((await api("{ clock { now } }"))["clock"]["now"]).astimezone(UTC)
    await assign(api, top, one_id, until=(now + timedelta(days=2)).isoformat())
    past = {"tags": [top], "customers": [{"oneId": one_id}], "until": (now - timedelta(1)).isoformat()}
    assert await refused(api, ASSIGN, **past) == ("INVALID", ["until"])
    assert await held(api, one_id) == [(top, "MANUAL")]

    await api(ADVANCE, by="P3D")

    assert await held(api, one_id) == []
    assert await members(api, {"tag": {"tag": top}}) == set()


@pytest.mark.parametrize(
    ("pack", "root"),
    [
        ("BEAUTY", "美妆"),
        ("MOTHER_AND_BABY", "母婴"),
        ("AIR_TRAVEL", "航旅"),
        ("EDUCATION", "教育"),
        ("RETAIL", "零售"),
    ],
)
async def test_a_ready_made_tree_is_installed_once(api: Api, pack: str, root: str) -> None:
    """A63."""
    install = """
    mutation I($pack: TagPack!) {
      installTagTemplates(input: { pack: $pack }) { created { path } userErrors { code } }
    }
    """
    query = "query T($root: ID) { tags(root: $root) { id path method } }"
    assert (await api(install, pack=pack))["installTagTemplates"]["userErrors"] == []
    tags = (await api(query, root=root))["tags"]
    assert max(tag["path"].count("/") for tag in tags) >= 2
    assert {tag["method"] for tag in tags} == {"MANUAL", "RULE"}

    again = (await api(install, pack=pack))["installTagTemplates"]

    assert again == {"created": [], "userErrors": []}
    assert (await api(query, root=root))["tags"] == tags
