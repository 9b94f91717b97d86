"""Erasing customers over GraphQL: nothing stays, nothing comes back, and others keep what is theirs."""

import asyncio
from typing import Any

import pytest

from oneid.bootstrap import Stores
from tests.erasing import NOTHING, traces
from tests.graphql_api import Api, Fresh

pytestmark = pytest.mark.usefixtures("consumer")

ERASE = """
mutation($input: EraseCustomerInput!) {
  eraseCustomer(input: $input) { receiptId userErrors { code field message } }
}
"""
LIFT = """
mutation($input: LiftSuppressionInput!) { liftSuppression(input: $input) { lifted userErrors { code field } } }
"""
CUSTOMER = (
    "query($by: CustomerLookup!) { customer(by: $by) { oneId formerOneIds identifiers { type value } } }"
)
LOG = """
query($oneId: String) {
  identityDecisions(oneId: $oneId) {
    totalCount nodes { kind oneId mergedOneIds manual reason messageId kept { type value } dropped { type value } }
  }
}
"""
RECEIPT = """
query($id: ID!) { erasure(receiptId: $id) { receiptId suppressed identifierHashes completedAt erasedAt } }
"""
UPSERT = """
mutation($input: UpsertCustomerInput!) {
  upsertCustomer(input: $input) { customer { oneId } userErrors { code field } }
}
"""
SPLIT = """
mutation($input: SplitCustomerInput!) { splitCustomer(input: $input) { splitOff { oneId } userErrors { code } } }
"""
UNLINK = (
    "mutation($input: UnlinkIdentifierInput!) { unlinkIdentifier(input: $input) { userErrors { code } } }"
)


def identify(message_id: str, **named: Any) -> dict[str, Any]:
    return {"type": "identify", "messageId": message_id, **named}


def track(message_id: str, **named: Any) -> dict[str, Any]:
    return {"type": "track", "event": "Order Completed", "messageId": message_id, **named}


async def find(api: Api, **by: Any) -> dict[str, Any] | None:
    found: dict[str, Any] | None = (await api(CUSTOMER, by=by))["customer"]
    return found


async def owner(api: Api, kind: str, value: str) -> str | None:
    found = await find(api, identifier={"type": kind, "value": value})
    return found["oneId"] if found else None


async def erase(api: Api, suppress: bool = False, reason: str | None = None, **by: Any) -> str:
    answer = (await api(ERASE, input={"customer": by, "suppress": suppress, "reason": reason}))[
        "eraseCustomer"
    ]
    assert answer["userErrors"] == []
    receipt: str = answer["receiptId"]
    return receipt


async def refusal(api: Api, **by: Any) -> list[dict[str, Any]]:
    answer = (await api(ERASE, input={"customer": by}))["eraseCustomer"]
    assert answer["receiptId"] is None
    return [{"code": e["code"], "field": e["field"]} for e in answer["userErrors"]]


async def test_an_erased_customer_is_found_by_none_of_its_names_and_in_no_store(
    api: Api, stores: Stores, fresh: Fresh, phone: str
) -> None:
    user, cookie, card, name = fresh("user"), fresh("cookie"), fresh("card"), fresh("Anna")
    results = await api.ingest(
        identify(fresh("m"), userId=user, traits={"name": name, "phone": phone}),
        track(fresh("m"), anonymousId=cookie, properties={"note": fresh("secret")}),
        track(
            fresh("m"),
            userId=user,
            anonymousId=cookie,
            context={"externalIds": [{"type": "member_card", "id": card}]},
        ),
        wait="INDEXED",
    )
    one_ids = {result["oneId"] for result in results}
    values = [user, cookie, card, name, phone, *one_ids]
    before = await traces(stores, *values)
    assert before["graph"] == values
    assert set(before["index"]) >= {user, cookie, card, name, phone}

    await erase(api, identifier={"type": "member_card", "value": card})

    assert [await find(api, oneId=one_id) for one_id in one_ids] == [None] * len(one_ids)
    assert await owner(api, "phone", phone) is None
    after = await traces(stores, *values)
    pending = [value for value in after["graph"] if value in one_ids]
    assert {**after, "graph": [v for v in after["graph"] if v not in pending]} == NOTHING


async def test_one_former_one_id_is_enough_to_erase_and_all_are_gone(api: Api, fresh: Fresh) -> None:
    user, cookie = fresh("user"), fresh("cookie")
    first, second = [
        r["oneId"]
        for r in await api.ingest(track(fresh("m"), userId=user), track(fresh("m"), anonymousId=cookie))
    ]
    await api.ingest(track(fresh("m"), userId=user, anonymousId=cookie))

    await erase(api, oneId=second)

    assert [await find(api, oneId=one_id) for one_id in (first, second)] == [None, None]
    assert await refusal(api, oneId=first) == [{"code": "NOT_FOUND", "field": ["customer"]}]
    assert await refusal(api, identifier={"type": "user_id", "value": user}) == [
        {"code": "NOT_FOUND", "field": ["customer"]}
    ]


async def test_of_two_erasures_at_once_one_finds_somebody(api: Api, fresh: Fresh) -> None:
    user = fresh("user")
    await api.ingest(track(fresh("m"), userId=user))
    by = {"identifier": {"type": "user_id", "value": user}}
    answers = await asyncio.gather(*(api(ERASE, input={"customer": by}) for _ in range(5)))

    receipts = [a["eraseCustomer"]["receiptId"] for a in answers]
    codes = [e["code"] for a in answers for e in a["eraseCustomer"]["userErrors"]]
    assert len([r for r in receipts if r]) == 1
    assert codes == ["NOT_FOUND"] * 4


async def test_the_log_of_decisions_keeps_one_entry_with_hashes_only(
    api: Api, stores: Stores, fresh: Fresh, phone: str
) -> None:
    user, cookie = fresh("user"), fresh("cookie")
    first, second = [
        r["oneId"]
        for r in await api.ingest(track(fresh("m"), userId=user), track(fresh("m"), anonymousId=cookie))
    ]
    await api.ingest(identify(fresh("m"), userId=user, anonymousId=cookie, traits={"phone": phone}))

    receipt = await erase(api, reason=f"asked by {phone[:3]} {phone} on paper", oneId=first)

    for one_id in (first, second):
        log = (await api(LOG, oneId=one_id))["identityDecisions"]
        assert log["totalCount"] == 1
        (entry,) = log["nodes"]
        assert (entry["kind"], entry["manual"], entry["messageId"], entry["kept"]) == (
            "ERASED",
            True,
            None,
            [],
        )
        assert entry["reason"] == f"asked by {phone[:3]}  on paper"
        assert sorted(i["type"] for i in entry["dropped"]) == ["anonymous_id", "phone", "user_id"]
        assert len(entry["mergedOneIds"]) == 2
        assert not any(value in str(entry) for value in (user, cookie, phone, first, second))
    held = (await api(RECEIPT, id=receipt))["erasure"]
    assert held["suppressed"] is False
    assert len(held["identifierHashes"]) == 3
    assert (await api(RECEIPT, id="none"))["erasure"] is None


async def test_others_keep_their_events_without_the_erased_identifiers(
    api: Api, stores: Stores, fresh: Fresh
) -> None:
    """Bo's events named Anna's tablet and mailbox, which stayed hers."""
    anna, bo, tablet, mail = fresh("anna"), fresh("bo"), fresh("tablet"), f"{fresh('mail')}@example.cn"
    message = fresh("m")
    await api.ingest(identify(fresh("m"), userId=anna, anonymousId=tablet, traits={"email": mail}))
    (result,) = await api.ingest(
        identify(
            message, userId=bo, anonymousId=tablet, traits={"email": mail.upper(), "city": "Xi'an", "age": 42}
        ),
        wait="INDEXED",
    )
    assert (await traces(stores, tablet, mail))["index"] == [tablet, mail]

    await erase(api, identifier={"type": "user_id", "value": anna})

    assert await owner(api, "user_id", bo) == result["oneId"]
    assert (await traces(stores, anna, tablet, mail)) == {**NOTHING, "graph": []}
    (event,) = (await stores.events.get([message])).values()
    assert event.identifiers == (f"user_id:{bo}",)
    assert event.message.payload["traits"] == {"email": None, "city": "Xi'an", "age": 42}
    assert event.message.payload["anonymousId"] is None
    log = (await api(LOG, oneId=result["oneId"]))["identityDecisions"]["nodes"]
    assert [(entry["kind"], entry["dropped"]) for entry in log] == [("DEMOTED", []), ("CREATED", [])]


async def test_without_suppression_a_new_event_starts_a_new_customer(api: Api, fresh: Fresh) -> None:
    user = fresh("user")
    (old,) = await api.ingest(track(fresh("m"), userId=user))
    await erase(api, oneId=old["oneId"])

    (new,) = await api.ingest(track(fresh("m"), userId=user))

    assert new["status"] == "RESOLVED"
    assert new["oneId"] not in (None, old["oneId"])
    assert await owner(api, "user_id", user) == new["oneId"]
    assert await find(api, oneId=old["oneId"]) is None


async def test_a_duplicate_of_an_erased_event_says_nothing_of_whose_it_was(api: Api, fresh: Fresh) -> None:
    user, message, late = fresh("user"), fresh("m"), fresh("m")
    first = await api.ingest(track(message, userId=user), track(late, userId=user))
    await erase(api, oneId=first[0]["oneId"])

    again = await api.ingest(track(message, userId=user))
    other = await api.ingest(track(fresh("m"), userId=fresh("user")), track(late, userId=fresh("user")))

    assert [(r["status"], r["oneId"]) for r in again] == [("DUPLICATE", None)]
    assert [(r["status"], r["oneId"] is None) for r in other] == [("RESOLVED", False), ("DUPLICATE", True)]
    assert await owner(api, "user_id", user) is None


async def test_a_suppressed_identifier_drops_the_whole_event_wherever_it_stands(
    api: Api, stores: Stores, fresh: Fresh, phone: str
) -> None:
    user, cookie, other = fresh("user"), fresh("cookie"), fresh("other")
    await api.ingest(identify(fresh("m"), userId=user, anonymousId=cookie, traits={"phone": phone}))
    await erase(api, suppress=True, identifier={"type": "phone", "value": phone})

    results = await api.ingest(
        track(fresh("m"), userId=user),
        identify(fresh("m"), userId=other, traits={"phone": f"+86 {phone[:3]} {phone[3:]}", "city": "Xi'an"}),
        {"type": "alias", "messageId": fresh("m"), "userId": other, "previousId": cookie},
        track(
            fresh("m"), userId=other, context={"device": {"id": fresh("device")}, "traits": {"phone": phone}}
        ),
        wait="INDEXED",
    )

    assert [(r["status"], r["oneId"], r["userErrors"]) for r in results] == [("INDEXED", None, [])] * 4
    assert await owner(api, "user_id", other) is None
    assert await traces(stores, user, cookie, phone, other) == NOTHING


async def test_upserts_of_a_suppressed_identifier_are_refused_until_it_is_lifted(
    api: Api, fresh: Fresh, phone: str
) -> None:
    user = fresh("user")
    await api.upsert(user_id=user, phone=phone)
    await erase(api, suppress=True, identifier={"type": "user_id", "value": user})
    given = [{"type": "member_card", "value": fresh("card")}, {"type": "phone", "value": phone}]

    refused = (await api(UPSERT, input={"identifiers": given}))["upsertCustomer"]
    assert refused == {"customer": None, "userErrors": [{"code": "INVALID", "field": ["identifiers", "1"]}]}
    assert await owner(api, "member_card", given[0]["value"]) is None

    lifted = (await api(LIFT, input={"identifier": {"type": "phone", "value": f"+86{phone}"}}))[
        "liftSuppression"
    ]
    assert lifted == {"lifted": True, "userErrors": []}
    again = (await api(LIFT, input={"identifier": {"type": "phone", "value": phone}}))["liftSuppression"]
    assert again == {"lifted": False, "userErrors": [{"code": "NOT_FOUND", "field": ["identifier"]}]}
    assert (await api(UPSERT, input={"identifiers": given}))["upsertCustomer"]["userErrors"] == []
    (dropped,) = await api.ingest(track(fresh("m"), userId=user))
    assert dropped["oneId"] is None


async def test_an_upsert_after_an_erasure_starts_anew(api: Api, fresh: Fresh, phone: str) -> None:
    old = await api.upsert(user_id=fresh("user"), phone=phone)
    await erase(api, oneId=old)

    new = await api.upsert(phone=phone)

    assert new != old
    assert await owner(api, "phone", phone) == new


async def test_an_identifier_that_was_taken_off_and_is_nobodys_goes_too(
    api: Api, stores: Stores, fresh: Fresh, phone: str
) -> None:
    user = fresh("user")
    one_id = await api.upsert(user_id=user, phone=phone)
    await api(UNLINK, input={"identifier": {"type": "phone", "value": phone}})
    assert await owner(api, "phone", phone) is None

    await erase(api, oneId=one_id)

    assert await traces(stores, user, phone) == NOTHING


async def test_what_was_split_off_stays_with_whoever_has_it(api: Api, stores: Stores, fresh: Fresh) -> None:
    user, card, message = fresh("user"), fresh("card"), fresh("m")
    externals = {"externalIds": [{"type": "member_card", "id": card}]}
    (first, _, _) = await api.ingest(
        track(fresh("m"), userId=user),
        track(fresh("m"), userId=user, context=externals),
        track(message, context=externals),
        wait="INDEXED",
    )
    given = {"customer": {"oneId": first["oneId"]}, "identifiers": [{"type": "member_card", "value": card}]}
    answer = (await api(SPLIT, input=given))["splitCustomer"]
    assert answer["userErrors"] == []
    part = answer["splitOff"]["oneId"]

    await erase(api, oneId=first["oneId"])

    assert await traces(stores, user) == NOTHING
    assert await owner(api, "member_card", card) == part
    await stores.events.refresh()
    found = await stores.events.by_customer([part])
    assert [event.message.message_id for event in found.nodes] == [message]
    log = (await api(LOG, oneId=part))["identityDecisions"]["nodes"]
    assert [(e["kind"], e["kept"], [i["value"] for i in e["dropped"]]) for e in log] == [
        ("SPLIT", [], [card])
    ]


async def test_erasing_needs_the_right_to_write(call_as: Any, api: Api, fresh: Fresh) -> None:
    user = fresh("user")
    one_id = await api.upsert(user_id=user)
    reader = await call_as("customers:read", "pii:read")
    assert await reader.code(ERASE, input={"customer": {"oneId": one_id}}) == "FORBIDDEN"
    assert await reader.code(LIFT, input={"identifier": {"type": "user_id", "value": user}}) == "FORBIDDEN"
    assert await owner(api, "user_id", user) == one_id
