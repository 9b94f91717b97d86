"""Rules, evidence and the audit log."""

from typing import Any

import pytest

from tests.graphql_api import Api, CallAs, Fresh

pytestmark = pytest.mark.usefixtures("consumer")

WHY = """
query Why($a: CustomerLookup!, $b: CustomerLookup!) {
  why(a: $a, b: $b) {
    sameCustomer
    path { from { type value } to { type value } messageId at decision { kind } }
    keptApartBy { kind messageId dropped { type value } }
  }
}
"""

DECISIONS = """
query Decisions($oneId: String, $messageId: String, $kind: IdentityDecisionKind, $since: DateTime,
                $first: Int, $after: String) {
  identityDecisions(oneId: $oneId, messageId: $messageId, kind: $kind, since: $since, first: $first, after: $after) {
    totalCount
    edges { cursor node {
      id kind at messageId ruleVersion oneId mergedOneIds manual reason
      kept { type value } dropped { type value }
    } }
    pageInfo { hasNextPage hasPreviousPage }
  }
}
"""

RULES = """
query Rules {
  identityRules {
    version maxMerges maxIdentifiers aliasMerges sharedIdentifierPolicy consentRequired
    types { type priority limit windowDays joinsPeople household transferOnVerified normalizer }
    blocked { type exact regex }
  }
}
"""

UPDATE = """
mutation Update($input: UpdateIdentityRulesInput!) {
  updateIdentityRules(input: $input) {
    identityRules { version maxMerges types { type priority limit normalizer } blocked { type exact regex } }
    userErrors { code field message }
  }
}
"""


def named(kind: str, value: str) -> dict[str, Any]:
    return {"identifier": {"type": kind, "value": value}}


async def test_why_shows_the_path_of_evidence_between_two_identifiers(
    api: Api, fresh: Fresh, phone: str
) -> None:
    cookie, user, first, second = fresh("a"), fresh("u"), fresh("m"), fresh("m")
    await api.ingest(
        {"type": "identify", "messageId": first, "anonymousId": cookie, "userId": user},
        {"type": "identify", "messageId": second, "userId": user, "traits": {"phone": phone}},
    )
    answer = (await api(WHY, a=named("anonymous_id", cookie), b=named("phone", phone)))["why"]
    assert answer["sameCustomer"] is True
    assert answer["keptApartBy"] is None
    steps = [
        (s["from"]["value"], s["to"]["value"], s["messageId"], s["decision"]["kind"]) for s in answer["path"]
    ]
    assert steps == [(cookie, user, first, "CREATED"), (user, f"+86{phone}", second, "ADDED")]


async def test_why_shows_what_kept_two_apart(api: Api, fresh: Fresh, phone: str) -> None:
    one, two, message_id = fresh("u"), fresh("u"), fresh("m")
    await api.ingest(
        {"type": "identify", "userId": one, "traits": {"phone": phone}},
        {"type": "identify", "messageId": message_id, "userId": two, "traits": {"phone": phone}},
    )
    answer = (await api(WHY, a=named("user_id", one), b=named("user_id", two)))["why"]
    assert (answer["sameCustomer"], answer["path"]) == (False, [])
    assert answer["keptApartBy"] == {
        "kind": "DEMOTED",
        "messageId": message_id,
        "dropped": [{"type": "phone", "value": f"+86{phone}"}],
    }


async def test_why_with_nobody_is_not_found(api: Api, fresh: Fresh) -> None:
    one_id = await api.upsert(user_id=fresh("u"))
    (error,) = await api.errors(WHY, a={"oneId": one_id}, b={"oneId": "nobody"})
    assert (error["extensions"]["code"], error["extensions"]["field"]) == ("NOT_FOUND", ["b"])
    assert error["path"] == ["why"]


async def test_the_audit_log_holds_every_decision_of_a_customer_and_its_former_selves(
    api: Api, fresh: Fresh
) -> None:
    cookie, user, merging = fresh("a"), fresh("u"), fresh("m")
    (first, second) = await api.ingest(
        {"type": "page", "anonymousId": cookie},
        {"type": "identify", "userId": user},
    )
    (third,) = await api.ingest(
        {"type": "identify", "messageId": merging, "anonymousId": cookie, "userId": user}
    )
    assert third["oneId"] == first["oneId"]
    for one_id in (first["oneId"], second["oneId"]):
        log = (await api(DECISIONS, oneId=one_id))["identityDecisions"]
        assert [edge["node"]["kind"] for edge in log["edges"]] == ["CREATED", "CREATED", "MERGED"]
        assert log["totalCount"] == 3
    merged = log["edges"][-1]["node"]
    assert (merged["messageId"], merged["mergedOneIds"]) == (merging, [second["oneId"]])
    assert merged["manual"] is False
    (same,) = (await api(DECISIONS, messageId=merging))["identityDecisions"]["edges"]
    assert same["node"] == merged
    for nobodys in ("", fresh("m")):
        none = (await api(DECISIONS, messageId=nobodys))["identityDecisions"]
        assert (none["edges"], none["totalCount"]) == ([], 0)
    only = (await api(DECISIONS, oneId=first["oneId"], kind="MERGED"))["identityDecisions"]
    assert (only["totalCount"], only["edges"][0]["node"]) == (1, merged)


async def test_the_audit_log_is_read_page_by_page(api: Api, fresh: Fresh) -> None:
    user = fresh("u")
    for _ in range(4):
        await api.ingest({"type": "page", "userId": user, "anonymousId": fresh("a")})
    (customer,) = await api.ingest({"type": "page", "userId": user})
    whole = (await api(DECISIONS, oneId=customer["oneId"]))["identityDecisions"]["edges"]
    first = (await api(DECISIONS, oneId=customer["oneId"], first=3))["identityDecisions"]
    rest = await api(DECISIONS, oneId=customer["oneId"], first=3, after=first["edges"][-1]["cursor"])
    assert first["pageInfo"] == {"hasNextPage": True, "hasPreviousPage": False}
    assert rest["identityDecisions"]["pageInfo"] == {"hasNextPage": False, "hasPreviousPage": True}
    assert first["edges"] + rest["identityDecisions"]["edges"] == whole
    assert await api.code(DECISIONS, after="x") == "BAD_USER_INPUT"


async def test_evidence_is_masked_without_the_scope(
    api: Api, call_as: CallAs, fresh: Fresh, phone: str
) -> None:
    user = fresh("u")
    await api.ingest({"type": "identify", "userId": user, "traits": {"phone": phone}})
    reader = await call_as("customers:read")
    masked = f"{phone[:3]}****{phone[-4:]}"
    answer = (await reader(WHY, a=named("user_id", user), b=named("phone", phone)))["why"]
    assert answer["path"][0]["to"] == {"type": "phone", "value": masked}
    text = "query C($by: CustomerLookup!) { customer(by: $by) { decisions { nodes { kept { value } } } } }"
    (decision,) = (await reader(text, by=named("user_id", user)))["customer"]["decisions"]["nodes"]
    assert {identifier["value"] for identifier in decision["kept"]} == {user, masked}


async def test_rules_change_only_where_something_is_given_and_reset_to_the_defaults(
    api: Api, fresh: Fresh
) -> None:
    kind = fresh("loyalty").replace("-", "_")
    await api(UPDATE, input={"reset": True})
    before = (await api(RULES))["identityRules"]
    change = {
        "maxMerges": 7,
        "types": [{"type": kind, "limit": 2, "normalizer": "LOWER"}, {"type": "phone", "limit": 3}],
        "block": [{"type": kind, "exact": "n/a"}],
    }
    try:
        answer = (await api(UPDATE, input=change))["updateIdentityRules"]
        assert answer["userErrors"] == []
        rules = answer["identityRules"]
        assert (rules["version"], rules["maxMerges"]) == (before["version"] + 1, 7)
        types = {rule["type"]: rule for rule in rules["types"]}
        assert types[kind] == {"type": kind, "priority": 50, "limit": 2, "normalizer": "LOWER"}
        assert types["phone"] == {"type": "phone", "priority": 5, "limit": 3, "normalizer": "PHONE"}
        assert {"type": kind, "exact": "n/a", "regex": None} in rules["blocked"]
    finally:
        await api(UPDATE, input={"reset": True})
    after = (await api(RULES))["identityRules"]
    assert after == before | {"version": before["version"] + 2}


async def test_the_default_rules_are_those_of_the_specification(api: Api) -> None:
    rules = (await api(RULES))["identityRules"]
    strongest = [(r["type"], r["priority"], r["limit"]) for r in rules["types"]][:6]
    assert strongest == [
        ("user_id", 1, 1),
        ("wechat_unionid", 2, 1),
        ("alipay_user_id", 3, 1),
        ("email", 4, 5),
        ("phone", 5, 5),
        ("wechat_openid", 6, 5),
    ]
    assert (rules["maxMerges"], rules["maxIdentifiers"]) == (100, 1000)
    assert rules["sharedIdentifierPolicy"] == "FIRST_OWNER"


async def test_bad_rules_change_nothing_and_say_where(api: Api) -> None:
    before = (await api(RULES))["identityRules"]
    for change in (
        {"block": [{"regex": "("}]},
        {"types": [{"type": "phone", "limit": -1}]},
        {"maxMerges": -1},
    ):
        answer = (await api(UPDATE, input=change))["updateIdentityRules"]
        assert answer["identityRules"] is None
        assert answer["userErrors"][0]["field"][0] in change
    assert (await api(RULES))["identityRules"] == before


async def test_only_admins_change_rules(call_as: CallAs) -> None:
    writer = await call_as("customers:read", "customers:write")
    assert await writer.code(UPDATE, input={"reset": True}) == "FORBIDDEN"
