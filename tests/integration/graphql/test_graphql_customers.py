"""Writing, finding and merging customers."""

import pytest

from oneid.errors import Retriable
from oneid.services.customers import CustomerService
from tests.graphql_api import UPSERT, Api, CallAs, Fresh

CUSTOMER = """
query Customer($by: CustomerLookup!) {
  customer(by: $by) {
    id oneId formerOneIds version createdAt updatedAt
    identifiers { type value firstSeenAt lastSeenAt verified source }
    phones: identifiers(type: "phone") { value }
    attributes { key value source party }
    city: attribute(key: "city")
    email: attribute(key: "email")
    nothing: attribute(key: "nothing")
  }
}
"""

MERGE = """
mutation Merge($input: MergeCustomersInput!) {
  mergeCustomers(input: $input) { customer { oneId formerOneIds } userErrors { code field message } }
}
"""


async def test_an_upsert_makes_a_customer_once_and_finds_it_again(api: Api, phone: str, fresh: Fresh) -> None:
    given = {
        "identifiers": [{"type": "phone", "value": phone}, {"type": "user_id", "value": fresh("u")}],
        "set": {"city": "上海", "tags": ["a"]},
        "setOnce": {"first": 1},
        "increment": {"visits": 2},
        "source": "crm",
        "party": "SECOND",
    }
    first = (await api(UPSERT, input=given))["upsertCustomer"]
    second = (await api(UPSERT, input=given | {"set": {"city": "北京"}, "unset": ["tags"]}))["upsertCustomer"]
    assert (first["created"], second["created"]) == (True, False)
    assert first["customer"]["oneId"] == second["customer"]["oneId"]
    assert second["customer"]["version"] > first["customer"]["version"]
    assert second["customer"]["attributes"] == [
        {"key": "city", "value": "北京", "source": "crm", "party": "SECOND"},
        {"key": "first", "value": 1, "source": "crm", "party": "SECOND"},
        {"key": "visits", "value": 4, "source": "crm", "party": "SECOND"},
    ]


async def test_a_customer_is_found_by_phone_in_any_notation_by_one_id_and_by_global_id(
    api: Api, phone: str
) -> None:
    one_id = await api.upsert(phone=phone)
    written = [phone, f"+86 {phone[:3]} {phone[3:7]} {phone[7:]}", f"0086{phone}"]
    found = [
        (await api(CUSTOMER, by={"identifier": {"type": "phone", "value": value}}))["customer"]
        for value in written
    ]
    assert [customer["oneId"] for customer in found] == [one_id] * 3
    assert found[0]["phones"] == [{"value": f"+86{phone}"}]
    assert (await api(CUSTOMER, by={"oneId": one_id}))["customer"] == found[0]
    assert (await api(CUSTOMER, by={"id": found[0]["id"]}))["customer"] == found[0]


async def test_nobody_is_null(api: Api, fresh: Fresh) -> None:
    nobody = [
        {"oneId": fresh("none")},
        {"id": "x"},
        {"id": "RXZlbnQ6MQ"},
        {"identifier": {"type": "user_id", "value": fresh("none")}},
        {"identifier": {"type": "phone", "value": "00000000000"}},
        {"identifier": {"type": "undeclared", "value": "x"}},
        {"identifier": {"type": "user_id", "value": ""}},
    ]
    for by in nobody:
        assert (await api(CUSTOMER, by=by))["customer"] is None


async def test_a_lookup_takes_exactly_one_way(api: Api) -> None:
    assert await api.code(CUSTOMER, by={}) == "BAD_USER_INPUT"
    assert await api.code(CUSTOMER, by={"oneId": "a", "id": "b"}) == "BAD_USER_INPUT"
    assert await api.code(CUSTOMER, by={"oneId": None}) == "BAD_USER_INPUT"


async def test_a_merge_redirects_the_old_one_id_for_ever(api: Api, fresh: Fresh) -> None:
    stays, goes = await api.upsert(user_id=fresh("u")), await api.upsert(user_id=fresh("u"))
    merged = {"into": {"oneId": stays}, "from": [{"oneId": goes}], "reason": "same person"}
    answer = (await api(MERGE, input=merged))["mergeCustomers"]
    assert answer == {"customer": {"oneId": stays, "formerOneIds": [goes]}, "userErrors": []}
    assert (await api(CUSTOMER, by={"oneId": goes}))["customer"]["oneId"] == stays
    again = (await api(MERGE, input=merged))["mergeCustomers"]
    assert again == answer


async def test_a_merge_with_nobody_names_the_argument(api: Api, fresh: Fresh) -> None:
    one_id = await api.upsert(user_id=fresh("u"))
    given = {"into": {"oneId": one_id}, "from": [{"oneId": one_id}, {"oneId": "nobody"}]}
    answer = (await api(MERGE, input=given))["mergeCustomers"]
    assert answer["customer"] is None
    assert [(e["code"], e["field"]) for e in answer["userErrors"]] == [("NOT_FOUND", ["from", "1"])]


async def test_an_upsert_with_another_version_is_a_conflict(api: Api, fresh: Fresh) -> None:
    identifiers = [{"type": "user_id", "value": fresh("u")}]
    for expected, created in ((0, True), (7, False)):
        answer = await api(UPSERT, input={"identifiers": identifiers, "expectedVersion": expected})
        assert answer["upsertCustomer"]["created"] is created
    (error,) = answer["upsertCustomer"]["userErrors"]
    assert (error["code"], error["field"]) == ("VERSION_CONFLICT", ["expectedVersion"])


async def test_bad_upserts_say_what_is_wrong_and_where(api: Api, fresh: Fresh) -> None:
    good = [{"type": "user_id", "value": fresh("u")}]
    cases = [
        ({"identifiers": []}, "REQUIRED", ["identifiers"]),
        ({"identifiers": [*good, {"type": "user_id", "value": "null"}]}, "INVALID", ["identifiers", "1"]),
        ({"identifiers": good, "set": [1]}, "INVALID", ["set"]),
        ({"identifiers": good, "setOnce": "x"}, "INVALID", ["setOnce"]),
        ({"identifiers": good, "increment": {"n": "x"}}, "INVALID", ["increment", "n"]),
        ({"identifiers": good, "set": {"n": "x" * 40_000}}, "TOO_LARGE", ["set"]),
    ]
    for given, code, field in cases:
        answer = (await api(UPSERT, input=given))["upsertCustomer"]
        assert [(e["code"], e["field"]) for e in answer["userErrors"]] == [(code, field)]
        assert answer["customer"] is None
    assert (await api(CUSTOMER, by={"identifier": good[0]}))["customer"] is None


@pytest.mark.parametrize("amount", [2**62 + 1, 1.7e308])
async def test_a_number_that_would_grow_too_large_is_not_incremented(
    api: Api, fresh: Fresh, amount: float
) -> None:
    given = {"identifiers": [{"type": "user_id", "value": fresh("u")}], "increment": {"n": amount}}
    first = (await api(UPSERT, input=given | {"increment": {"n": min(amount, 2**62)}}))["upsertCustomer"]
    assert first["userErrors"] == []
    answer = (await api(UPSERT, input=given))["upsertCustomer"]
    assert [(e["code"], e["field"]) for e in answer["userErrors"]] == [("INVALID", ["increment", "n"])]


async def test_personal_data_are_masked_without_the_scope(
    api: Api, call_as: CallAs, phone: str, fresh: Fresh
) -> None:
    email = f"{fresh('anna')}@x.cn"
    given = {
        "identifiers": [{"type": "phone", "value": phone}, {"type": "email", "value": email}],
        "set": {"phone": phone, "email": email, "city": "上海", "contact": {"Email": email}},
    }
    await api(UPSERT, input=given)
    by = {"identifier": {"type": "phone", "value": phone}}
    masked_phone = f"{phone[:3]}****{phone[-4:]}"
    reader = await call_as("customers:read")
    seen = (await reader(CUSTOMER, by=by))["customer"]
    assert {i["type"]: i["value"] for i in seen["identifiers"]} == {
        "phone": masked_phone,
        "email": "a***@x.cn",
    }
    assert {a["key"]: a["value"] for a in seen["attributes"]} == {
        "phone": masked_phone,
        "email": "a***@x.cn",
        "city": "上海",
        "contact": {"Email": "a***@x.cn"},
    }
    assert seen["email"] == "a***@x.cn"
    trusted = await call_as("customers:read", "pii:read")
    assert (await trusted(CUSTOMER, by=by))["customer"]["email"] == email


async def test_a_change_that_is_done_is_not_told_as_one_that_failed(
    api: Api, fresh: Fresh, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(self: CustomerService, one_id: str) -> None:
        raise Retriable("the identity graph is not available")

    identifier = {"type": "user_id", "value": fresh("u")}
    given = {"identifiers": [identifier], "set": {"city": "上海"}}
    with monkeypatch.context() as broken:
        broken.setattr(CustomerService, "by_one_id", away)
        answer = (await api(UPSERT, input=given))["upsertCustomer"]

    assert answer == {"created": True, "customer": None, "userErrors": []}
    kept = (await api(CUSTOMER, by={"identifier": identifier}))["customer"]
    assert {one["key"]: one["value"] for one in kept["attributes"]} == {"city": "上海"}
