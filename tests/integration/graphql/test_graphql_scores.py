"""RFM over GraphQL, by the injected clock."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.graphql_api import Api, Fresh
from tests.integration.graphql.test_graphql_segments import create, created, in_it, members

pytestmark = pytest.mark.usefixtures("consumer")

MODEL = "model { key version thresholds distribution { scored cells { name count } groups { name count } } }"
RFM = f"""
mutation Define($input: DefineRfmInput!) {{
  defineRfm(input: $input) {{ {MODEL} userErrors {{ code field message }} }}
}}
"""
VAP = "mutation V($input: DefineVapInput!) { defineVap(input: $input) { model { key } userErrors { code field } } }"
CARD = """
query Card($id: String!, $model: String!) {
  customer(by: { oneId: $id }) {
    scores(model: $model) { cell group scores { scale score value explanation } }
  }
}
"""


def order(event: str, days: float, amount: float, **properties: Any) -> dict[str, Any]:
    """An order so many days ago."""
    return {"type": "track", "event": event, "ago": days, "properties": {"amount": amount, **properties}}


async def sent(api: Api, user: str, *events: dict[str, Any]) -> list[dict[str, Any]]:
    """Sends events with their times by the clock of the deployment, which tests move."""
    now = datetime.fromisoformat((await api("{ clock { now } }"))["clock"]["now"])
    items = list[dict[str, Any]]()
    for event in events:
        told = {key: value for key, value in event.items() if key != "ago"}
        items.append({**told, "userId": user, "timestamp": (now - timedelta(days=event["ago"])).isoformat()})
    return await api.ingest(*items, wait="INDEXED")


async def customer(api: Api, fresh: Fresh, *events: dict[str, Any]) -> str:
    (first, *_) = await sent(api, fresh("u"), *events)
    one_id: str = first["oneId"]
    return one_id


async def card(api: Api, one_id: str, model: str) -> dict[str, Any]:
    found: dict[str, Any] = (await api(CARD, id=one_id, model=model))["customer"]["scores"]
    return found


def rfm(key: str, event: str, **given: Any) -> dict[str, Any]:
    thresholds = {"recencyDays": [10, 30, 60, 90], "frequency": [2, 3, 4, 5], "monetary": [50, 100, 200, 400]}
    return {"key": key, "order": {"name": event}, "amount": "amount", **thresholds, **given}


def vap(key: str, event: str, **given: Any) -> dict[str, Any]:
    named = {
        "order": {"name": event},
        "amount": "amount",
        "category": "kind",
        "engagement": {"name": "Opened"},
    }
    return {"key": key, **named, **given}


async def test_scores_are_told_counted_and_conditions_of_segments(api: Api, fresh: Fresh, name: str) -> None:
    best = await customer(api, fresh, *(order(name, days, 100) for days in (1, 2, 3, 4, 5)))
    once = await customer(api, fresh, order(name, 70, 60))
    never = await customer(api, fresh, order(f"{name}_other", 1, 60))

    defined = (await api(RFM, input=rfm(name, name)))["defineRfm"]
    assert defined["userErrors"] == []
    told = defined["model"]["distribution"]

    assert told["scored"] == 2
    assert told["cells"] == [{"name": "212", "count": 1}, {"name": "555", "count": 1}]
    groups = {one["name"]: one["count"] for one in told["groups"]}
    assert (groups["重要价值"], groups["一般挽留"], sum(groups.values())) == (1, 1, 2)
    found = await card(api, best, name)
    assert (found["cell"], found["group"]) == ("555", "重要价值")
    assert [(s["scale"], s["score"], round(s["value"])) for s in found["scores"]] == [
        ("r", 5, 1),
        ("f", 5, 5),
        ("m", 5, 500),
    ]
    assert (await card(api, never, name))["cell"] is None
    segment = await created(api, fresh("s"), rule={"rfm": {"model": name, "r": {"min": 2}, "f": {"max": 1}}})
    assert in_it(segment) == {once}
    assert await members(api, {"rfm": {"model": name, "groups": ["重要价值"]}}) == {best}


async def test_a_model_that_changes_changes_the_segments_that_name_it(
    api: Api, fresh: Fresh, name: str
) -> None:
    one_id = await customer(api, fresh, order(name, 20, 60))
    await api(RFM, input=rfm(name, name))
    segment = await created(api, fresh("s"), rule={"rfm": {"model": name, "r": {"min": 5}}})
    assert in_it(segment) == set()

    await api(RFM, input=rfm(name, name, recencyDays=[25, 30, 60, 90]))

    query = "query S($key: String) { segment(key: $key) { members { nodes { oneId } } transitions { totalCount } } }"
    found = (await api(query, key=segment["key"]))["segment"]
    assert (in_it(found), found["transitions"]["totalCount"]) == ({one_id}, 0)


async def test_quintiles_divide_the_buyers_into_fifths(api: Api, fresh: Fresh, name: str) -> None:
    for number in range(1, 11):
        await customer(api, fresh, *(order(name, number * 5 - 1, 10 * number) for _ in range(number)))
    given = {"key": name, "order": {"name": name}, "amount": "amount", "quintiles": True}

    model = (await api(RFM, input=given))["defineRfm"]["model"]

    assert model["thresholds"] == {"r": [10, 20, 30, 40], "f": [3, 5, 7, 9], "m": [90, 250, 490, 810]}
    cells = model["distribution"]["cells"]
    assert [(cell["name"], cell["count"]) for cell in cells] == [
        (told, 2) for told in ("155", "244", "333", "422", "511")
    ]


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"recencyDays": [10, 5, 20, 30]}, "INVALID", ["recencyDays"]),
        ({"recencyDays": [10, 20, 30, 400]}, "INVALID", ["windowDays"]),
        ({"frequency": [1, 2]}, "INVALID", ["frequency"]),
        ({"quintiles": True}, "INVALID", ["quintiles"]),
        ({"key": "No Key"}, "INVALID", ["key"]),
        ({"amount": ""}, "INVALID", ["amount"]),
        ({"amount": "x" * 201}, "INVALID", ["amount"]),
        ({"windowDays": 1_000_000}, "INVALID", ["windowDays"]),
    ],
)
async def test_thresholds_that_make_no_sense_are_refused(
    api: Api, name: str, given: dict[str, Any], code: str, field: list[str]
) -> None:
    answer = (await api(RFM, input={**rfm(name, name), **given}))["defineRfm"]
    assert answer["model"] is None
    assert [(e["code"], e["field"]) for e in answer["userErrors"]] == [(code, field)]
    models = await api("query M($key: String) { scoreModels(key: $key) { key } }", key=name)
    assert models["scoreModels"] == []


COMPUTED = {"recencyDays": None, "frequency": None, "monetary": None, "quintiles": True}
TESTED = {"where": [{"property": "amount", "op": "GT", "value": 1}]}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, ["order"]),
        ({"order": {"name": "Nothing", **TESTED}}, ["order", "where"]),
        ({"amount": ""}, ["amount"]),
        ({"windowDays": 1_000_000}, ["windowDays"]),
    ],
)
async def test_quintiles_that_cannot_be_computed_are_refused_with_the_place(
    api: Api, name: str, given: dict[str, Any], field: list[str]
) -> None:
    answer = (await api(RFM, input={**rfm(name, name), **COMPUTED, **given}))["defineRfm"]
    assert [(e["code"], e["field"]) for e in answer["userErrors"]] == [("INVALID", field)]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"amount": ""}, ["amount"]),
        ({"category": ""}, ["category"]),
        ({"windowDays": 1_000_000}, ["windowDays"]),
        ({"attrition": [1, 101]}, ["attrition"]),
        ({"attrition": [1, 90], "usualDays": 3650}, ["attrition"]),
        ({"terciles": True, "order": {"name": "Nothing", **TESTED}}, ["order", "where"]),
        ({"terciles": True, "refund": {"name": "Nothing", **TESTED}}, ["refund", "where"]),
    ],
)
async def test_a_vap_model_that_makes_no_sense_is_refused_with_the_place(
    api: Api, name: str, given: dict[str, Any], field: list[str]
) -> None:
    answer = (await api(VAP, input=vap(name, name, **given)))["defineVap"]
    assert answer == {"model": None, "userErrors": [{"code": "INVALID", "field": field}]}


@pytest.mark.parametrize("given", [{"min": 0}, {"max": 0}, {"min": 2, "max": 1}, {"max": 9}])
async def test_a_condition_names_scores_that_there_are(api: Api, name: str, given: dict[str, int]) -> None:
    await api(RFM, input=rfm(f"{name}-r", name))
    await api(VAP, input=vap(f"{name}-v", name))
    for kind, scale, model in (("rfm", "r", f"{name}-r"), ("vap", "v", f"{name}-v")):
        refused = await create(api, name, rule={kind: {"model": model, scale: given}})
        assert [(e["code"], e["field"]) for e in refused["userErrors"]] == [
            ("INVALID", ["rule", kind, scale])
        ]
