"""Personal data stay with those who hold `pii:read`: nothing is shown, and nothing can be found out by asking."""

from typing import Any

import httpx
import orjson
import pytest

from tests.graphql_api import UPSERT, Api, CallAs, Fresh
from tests.integration.graphql.test_graphql_lifecycles import DEFINE as LIFECYCLE
from tests.integration.graphql.test_graphql_lifecycles import PREVIEW as LIFECYCLE_PREVIEW
from tests.integration.graphql.test_graphql_scores import RFM
from tests.integration.graphql.test_graphql_segment_files import EXPORT, exported
from tests.integration.graphql.test_graphql_segments import CREATE, DEFINE, PREVIEW, SEGMENT
from tests.integration.graphql.test_graphql_segments import UPDATE as UPDATE_SEGMENT
from tests.integration.graphql.test_graphql_segments import created as created_segment
from tests.integration.graphql.test_graphql_tags import CREATE as CREATE_TAG
from tests.integration.graphql.test_graphql_tags import UPDATE as UPDATE_TAG
from tests.integration.graphql.test_graphql_tags import created as created_tag

pytestmark = pytest.mark.usefixtures("consumer")

READ = """
query R($by: CustomerLookup!, $key: String!) { customer(by: $by) {
  attribute(key: $key) attributes(keys: [$key]) { value } identifiers { type value }
  events { nodes { properties } } decisions { nodes { kept { type value } } }
} }
"""
TOTALS = "query T($sum: String) { eventTotals(sum: $sum) { sum } }"
WRITTEN = """
query W($tag: ID!, $segment: ID!, $lifecycle: ID!) {
  tag: node(id: $tag) { ... on Tag { ruleJson expression model } }
  segment: node(id: $segment) { ... on Segment { ruleJson } }
  lifecycle: node(id: $lifecycle) { ... on Lifecycle { stages { ruleJson } } }
}
"""
RULES = "mutation($input: UpdateIdentityRulesInput!) { updateIdentityRules(input: $input) { userErrors { code } } }"
ANYBODY = {"identifier": {"type": "phone", "present": True}}

Rule = dict[str, Any]


def event_with(key: str, value: Any = "1") -> Rule:
    return {"event": {"name": "Seen", "where": [{"property": key, "op": "EQ", "value": value}]}}


def attribute(key: str, value: Any = "1") -> Rule:
    return {"attribute": {"key": key, "op": "EQ", "value": value}}


def stages(*rules: Rule) -> dict[str, Any]:
    return {
        "name": "x",
        "stages": [{"key": f"s{n}", "name": "x", "rule": rule} for n, rule in enumerate(rules)],
    }


async def test_every_leaf_is_masked_wherever_it_is_read(api: Api, call_as: CallAs, fresh: Fresh) -> None:
    user, emails = fresh("u"), ["anna@x.cn", "bob@y.cn"]
    given = {"identifiers": [{"type": "user_id", "value": user}], "set": {"emails": {"Email": emails}}}
    assert (await api(UPSERT, input=given))["upsertCustomer"]["userErrors"] == []
    properties = {"email": "anna@x.cn,bob@y.cn", "buyer": {"E-Mail": emails}}
    await api.ingest(
        {"type": "track", "event": "Seen", "userId": user, "properties": properties}, wait="INDEXED"
    )
    by = {"identifier": {"type": "user_id", "value": user}}

    seen = (await (await call_as("customers:read"))(READ, by=by, key="emails"))["customer"]

    masked = ["a***@x.cn", "b***@y.cn"]
    assert seen["attribute"] == {"Email": masked}
    assert seen["attributes"] == [{"value": {"Email": masked}}]
    assert seen["events"]["nodes"] == [{"properties": {"email": "***", "buyer": {"E-Mail": masked}}}]


async def test_identifiers_of_declared_types_are_masked_by_what_they_are(
    api: Api, call_as: CallAs, fresh: Fresh, phone: str
) -> None:
    kind = fresh("mobile").replace("-", "_")
    declared = {"types": [{"type": kind, "normalizer": "PHONE"}]}
    assert (await api(RULES, input=declared))["updateIdentityRules"]["userErrors"] == []
    await api.upsert(**{kind: phone})
    by = {"identifier": {"type": kind, "value": phone}}

    seen = (await (await call_as("customers:read"))(READ, by=by, key="x"))["customer"]

    shown = {"type": kind, "value": f"{phone[:3]}****{phone[-4:]}"}
    assert seen["identifiers"] == [shown]
    assert seen["decisions"]["nodes"] == [{"kept": [shown]}]


@pytest.mark.usefixtures("worker")
async def test_a_declared_email_is_personal_data_without_being_declared_so(
    api: Api, call_as: CallAs, client: httpx.AsyncClient, fresh: Fresh, name: str
) -> None:
    for key in ("email", name):
        await api(DEFINE, input={"key": key, "type": "STRING"})
    values = {"email": f"{fresh('anna')}@x.cn", name: "dry"}
    one_id = await api.upsert(user_id=fresh("u"))
    given = {"identifiers": [{"type": "user_id", "value": fresh("u")}], "set": values}
    await api(UPSERT, input=given)
    reader, rule = await call_as("customers:read", "segments:read"), attribute(name, "dry")
    assert one_id

    assert await reader.code(PREVIEW, rule=attribute("email")) == "FORBIDDEN"
    told = [
        orjson.loads(line)
        for line in (await exported(reader, client, rule=rule, format="NDJSON"))[0].splitlines()
    ]
    assert "email" not in {key for line in told for key in line["attributes"]}


@pytest.mark.parametrize(
    "rule",
    [
        event_with("phone"),
        event_with("buyer.Email"),
        {"event": {"name": "Seen", "sum": {"property": "phone", "op": "GT", "value": 13800000000}}},
        {"sequence": {"steps": [{"name": "Seen"}, event_with("phone")["event"]], "withinHours": 1}},
    ],
    ids=["test", "nested", "sum", "sequence"],
)
async def test_no_rule_asks_about_personal_data_without_the_scope(
    api: Api, call_as: CallAs, name: str, rule: Rule
) -> None:
    scopes = ("customers:read", "segments:read", "segments:write")
    caller, tag = await call_as(*scopes), await created_tag(api, name, rule=ANYBODY)
    segment = await created_segment(api, name, rule=ANYBODY)
    lifecycle = {"key": name, **stages(ANYBODY, rule)}
    calls = [
        (PREVIEW, {"rule": rule}),
        (CREATE, {"input": {"key": f"{name}-2", "name": "x", "rule": rule}}),
        (CREATE, {"input": {"key": f"{name}-2", "name": "x", "kind": "SNAPSHOT", "rule": rule}}),
        (UPDATE_SEGMENT, {"input": {"id": segment["id"], "rule": rule}}),
        (EXPORT, {"input": {"rule": rule, "format": "CSV"}}),
        (CREATE_TAG, {"input": {"name": f"{name}-2", "rule": rule}}),
        (UPDATE_TAG, {"input": {"tag": tag, "rule": rule}}),
        (LIFECYCLE_PREVIEW, {"input": lifecycle}),
        (LIFECYCLE, {"input": lifecycle}),
    ]
    for query, variables in calls:
        assert await caller.code(query, **variables) == "FORBIDDEN", query

    assert (await api(SEGMENT, key=f"{name}-2"))["segment"] is None
    assert (await api("query T($root: ID) { tags(root: $root) { ruleJson } }", root=tag))["tags"] == [
        {"ruleJson": ANYBODY}
    ]
    known = {one["key"] for one in (await api("{ lifecycles { key } }"))["lifecycles"]}
    assert name not in known
    assert (await (await call_as(*scopes, "pii:read"))(PREVIEW, rule=rule))["segmentPreview"]["count"] >= 0


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"expression": "attributes.phone == '1'"}, "expression"),
        ({"expression": "attributes['ph' + 'one'] == '1'"}, "expression"),
        (
            {"model": {"definition": {"kind": "LOGISTIC", "coefficients": {"phone=1": 1}}, "least": 0.6}},
            "model",
        ),
    ],
    ids=["member", "computed", "model"],
)
async def test_nothing_is_computed_from_personal_data_without_the_scope(
    api: Api, call_as: CallAs, name: str, given: dict[str, Any], field: str
) -> None:
    scopes = ("segments:write", "segments:read")
    caller = await call_as(*scopes)
    other: dict[str, Any] = (
        {"expression": "attributes.n > 1"}
        if field == "expression"
        else {"model": {"definition": {"kind": "LOGISTIC", "coefficients": {"n": 1}}, "least": 0.6}}
    )
    tag = await created_tag(api, name, **other)

    for query, what in ((CREATE_TAG, {"name": f"{name}-2"}), (UPDATE_TAG, {"tag": tag})):
        (error,) = await caller.errors(query, input={**what, **given})
        assert (error["extensions"]["code"], error["extensions"]["field"]) == ("FORBIDDEN", [field])

    tags = await api("query T($root: ID) { tags(root: $root) { expression model } }", root=f"{name}-2")
    assert tags["tags"] == []
    # Whoever may see personal data may compute with them.
    assert (await (await call_as(*scopes, "pii:read"))(UPDATE_TAG, input={"tag": tag, **given}))["updateTag"][
        "userErrors"
    ] == []


async def test_scores_and_totals_are_not_of_personal_data_without_the_scope(
    api: Api, call_as: CallAs, name: str
) -> None:
    caller = await call_as("segments:write", "segments:read", "analytics:read")
    thresholds = {"recencyDays": [1, 2, 3, 4], "frequency": [1, 2, 3, 4], "monetary": [1, 2, 3, 4]}
    bought, by_phone = {"name": "Seen"}, event_with("phone")["event"]
    for order, amount in ((bought, "phone"), (by_phone, "amount")):
        model = {"key": name, "order": order, "amount": amount, **thresholds}
        assert await caller.code(RFM, input=model) == "FORBIDDEN"
    assert (await api("query M($key: String) { scoreModels(key: $key) { key } }", key=name))[
        "scoreModels"
    ] == []
    (error,) = await caller.errors(TOTALS, sum="Phone")
    assert (error["extensions"]["code"], error["extensions"]["field"]) == ("FORBIDDEN", ["sum"])
    assert (await caller(TOTALS, sum="amount"))["eventTotals"]
    assert (await (await call_as("analytics:read", "pii:read"))(TOTALS, sum="phone"))["eventTotals"]


async def test_what_rules_compare_personal_data_with_is_not_read_back_without_the_scope(
    api: Api, call_as: CallAs, name: str
) -> None:
    secret, plain = "13812345678", event_with("city", "上海")
    model = {"kind": "LOGISTIC", "coefficients": {f"phone={secret}": 1}}
    ids = dict[str, str]()
    for key, given in (
        ("rule", {"rule": {"all": [event_with("phone", secret), plain]}}),
        ("expression", {"expression": f"attributes.phone == '{secret}'"}),
        ("model", {"model": {"definition": model, "least": 0.6}}),
    ):
        tag = (await api(CREATE_TAG, input={"name": f"{name}-{key}", **given}))["createTag"]["tag"]
        ids[key] = tag["id"]
    segment = await created_segment(api, name, rule=event_with("phone", secret))
    payload = await api(LIFECYCLE, input={"key": name, **stages(plain, event_with("phone", secret))})
    lifecycle = payload["defineLifecycle"]["lifecycle"]["id"]
    reader = await call_as("customers:read", "segments:read")

    for key, tag in ids.items():
        response = await reader.raw(WRITTEN, tag=tag, segment=segment["id"], lifecycle=lifecycle)
        assert secret not in response.text
        data = response.json()["data"]
        assert data["segment"]["ruleJson"] == event_with("phone", None)
        assert [one["ruleJson"] for one in data["lifecycle"]["stages"]] == [plain, event_with("phone", None)]
        ruled = {"all": [event_with("phone", None), plain]} if key == "rule" else None
        assert data["tag"] == {"ruleJson": ruled, "expression": None, "model": None}
        whole = await api.raw(WRITTEN, tag=tag, segment=segment["id"], lifecycle=lifecycle)
        assert whole.text.count(secret) == 3
