"""Consents over GraphQL: given and withdrawn, kept with their proof, asked by rules, and what makes segments change."""

from typing import Any

import httpx
import pytest

from oneid.bootstrap import Stores
from tests.erasing import NOTHING, traces
from tests.graphql_api import Api, CallAs, Fresh
from tests.integration.graphql.test_graphql_exports import ERASE, file, of
from tests.integration.graphql.test_graphql_segments import PREVIEW, created, members, person
from tests.integration.graphql.test_graphql_transitions import inside, transitions

pytestmark = pytest.mark.usefixtures("consumer")

SET = """
mutation Set($input: SetConsentInput!) {
  setConsent(input: $input) {
    customer { oneId version }
    consent { channel purpose state effective at source evidence history { state at source evidence } }
    userErrors { code field message }
  }
}
"""
CONSENTS = """
query Consents($id: String!) {
  customer(by: { oneId: $id }) {
    version consents { channel purpose state effective at source evidence history { state } }
  }
}
"""
MERGE = """
mutation M($input: MergeCustomersInput!) { mergeCustomers(input: $input) { userErrors { code } } }
"""


async def said(api: Api, one_id: str, channel: str, state: str, **given: Any) -> dict[str, Any]:
    """What the mutation answers."""
    told = {"customer": {"oneId": one_id}, "channel": channel, "purpose": "marketing", "state": state}
    payload: dict[str, Any] = (await api(SET, input={**told, **given}))["setConsent"]
    return payload


async def set_to(api: Api, one_id: str, channel: str, state: str, **given: Any) -> dict[str, Any]:
    """The consent as it is now."""
    payload = await said(api, one_id, channel, state, **given)
    assert payload["userErrors"] == []
    consent: dict[str, Any] = payload["consent"]
    return consent


async def held(api: Api, one_id: str) -> dict[str, Any]:
    customer: dict[str, Any] = (await api(CONSENTS, id=one_id))["customer"]
    return customer


async def counting(api: Api, one_id: str) -> dict[str, str]:
    """What counts, by channel and purpose."""
    found = (await held(api, one_id))["consents"]
    return {f"{one['channel']}/{one['purpose']}": one["effective"] for one in found}


def asks(channel: str, state: str | None = None, purpose: str = "marketing") -> dict[str, Any]:
    told = {"channel": channel, "purpose": purpose, **({"state": state} if state else {})}
    return {"consent": told}


async def test_consent_is_given_and_withdrawn_by_one_mutation_each_and_all_of_it_is_kept(
    api: Api, fresh: Fresh
) -> None:
    one_id = await api.upsert(user_id=fresh("u"))
    proof = {"form": "newsletter", "ip": "192.0.2.7", "checked": True}

    given = await set_to(api, one_id, "EMAIL", "GRANTED", evidence=proof)
    await set_to(api, one_id, "sms", "GRANTED", purpose="third_party", source="till")
    taken = await set_to(api, one_id, "email", "WITHDRAWN", evidence="unsubscribe link")

    assert (given["channel"], given["purpose"], given["state"]) == ("email", "marketing", "GRANTED")
    assert (given["source"], given["evidence"]) == ("admin", proof)
    assert (taken["state"], taken["effective"]) == ("WITHDRAWN", "WITHDRAWN")
    assert [(one["state"], one["evidence"]) for one in taken["history"]] == [
        ("WITHDRAWN", "unsubscribe link"),
        ("GRANTED", proof),
    ]
    assert taken["history"][1]["at"] == given["at"] < taken["at"] == taken["history"][0]["at"]
    told = (await held(api, one_id))["consents"]
    assert [(one["channel"], one["purpose"], one["state"], one["source"]) for one in told] == [
        ("email", "marketing", "WITHDRAWN", "admin"),
        ("sms", "third_party", "GRANTED", "till"),
    ]


async def test_the_same_again_changes_nothing(api: Api, fresh: Fresh) -> None:
    one_id = await api.upsert(user_id=fresh("u"))
    first = await said(api, one_id, "email", "GRANTED", evidence="form")

    again = await said(api, one_id, "EMAIL", "GRANTED", evidence="another form")

    assert again == first
    assert again["customer"]["version"] == first["customer"]["version"]
    assert len(again["consent"]["history"]) == 1


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"channel": "e-mail"}, ("INVALID", ["channel"])),
        ({"channel": ""}, ("INVALID", ["channel"])),
        ({"purpose": "everything!"}, ("INVALID", ["purpose"])),
        ({"purpose": "p" * 41}, ("INVALID", ["purpose"])),
        ({"evidence": {"text": "x" * 4_000}}, ("TOO_LARGE", ["evidence"])),
        ({"source": ""}, ("INVALID", ["source"])),
        ({"customer": {"oneId": "nobody"}}, ("NOT_FOUND", ["customer"])),
    ],
)
async def test_what_makes_no_sense_is_refused_with_its_field_and_changes_nothing(
    api: Api, fresh: Fresh, given: dict[str, Any], refusal: tuple[str, list[str]]
) -> None:
    one_id = await api.upsert(user_id=fresh("u"))
    before = await held(api, one_id)

    told = {"customer": {"oneId": one_id}, "channel": "email", "purpose": "marketing", "state": "GRANTED"}
    payload = (await api(SET, input={**told, **given}))["setConsent"]

    (error,) = payload["userErrors"]
    assert (error["code"], error["field"]) == refusal
    assert (payload["customer"], payload["consent"]) == (None, None)
    assert await held(api, one_id) == before == {"version": before["version"], "consents": []}


async def test_the_proof_is_personal_and_setting_needs_its_scope(
    api: Api, call_as: CallAs, fresh: Fresh
) -> None:
    one_id = await api.upsert(user_id=fresh("u"))
    await set_to(api, one_id, "email", "GRANTED", evidence={"ip": "192.0.2.7"})
    reader, writer = await call_as("customers:read"), await call_as("customers:write")
    told = {"customer": {"oneId": one_id}, "channel": "email", "purpose": "marketing", "state": "WITHDRAWN"}

    assert await reader.code(SET, input=told) == "FORBIDDEN"
    (consent,) = (await held(reader, one_id))["consents"]
    assert (consent["state"], consent["evidence"]) == ("GRANTED", None)
    taken = await set_to(writer, one_id, "email", "WITHDRAWN", evidence="by phone")
    assert (taken["source"], taken["evidence"]) == ("test", None)
    assert taken["history"][0]["evidence"] is None


async def test_rules_ask_who_allows_who_withdrew_and_who_never_said(
    api: Api, fresh: Fresh, name: str
) -> None:
    did = {"event": {"name": name}}
    allows, withdrew, silent = [await person(api, fresh, {"event": name}) for _ in range(3)]
    await set_to(api, allows, "email", "GRANTED")
    await set_to(api, withdrew, "email", "GRANTED")
    await set_to(api, withdrew, "email", "WITHDRAWN")
    await set_to(api, silent, "email", "GRANTED", purpose="third_party")

    expected = {"GRANTED": allows, "WITHDRAWN": withdrew, "NONE": silent}
    for state, one_id in expected.items():
        rule = {"all": [did, asks("EMAIL", state)]}
        preview = (await api(PREVIEW, rule=rule))["segmentPreview"]
        assert (preview["count"], [one["oneId"] for one in preview["sample"]]) == (1, [one_id])
        assert await members(api, rule) == {one_id}
    assert await members(api, {"all": [did, asks("email")]}) == {allows}
    assert await members(api, {"all": [did, {"not": asks("email")}]}) == {withdrew, silent}
    assert await members(api, {"all": [did, asks("sms", "NONE")]}) == {allows, withdrew, silent}


async def test_what_is_said_of_all_channels_counts_for_each_until_one_is_named_again(
    api: Api, fresh: Fresh, name: str
) -> None:
    did, one_id = {"event": {"name": name}}, await person(api, fresh, {"event": name})

    async def allowed() -> set[str]:
        asked = {channel: {"all": [did, asks(channel)]} for channel in ("email", "sms", "push", "all")}
        return {channel for channel, rule in asked.items() if await members(api, rule)}

    await set_to(api, one_id, "email", "GRANTED")
    assert await allowed() == {"email"}
    await set_to(api, one_id, "all", "GRANTED")
    assert await allowed() == {"email", "sms", "push", "all"}
    await set_to(api, one_id, "sms", "WITHDRAWN")
    assert await allowed() == {"email", "push", "all"}
    await set_to(api, one_id, "all", "WITHDRAWN")
    assert await allowed() == set()
    told = {one["channel"]: (one["state"], one["effective"]) for one in (await held(api, one_id))["consents"]}
    assert told["email"] == ("GRANTED", "WITHDRAWN")
    await set_to(api, one_id, "email", "GRANTED")
    assert await allowed() == {"email"}


@pytest.mark.parametrize(
    ("told", "path"),
    [
        ({"channel": "e-mail"}, "channel"),
        ({"purpose": ""}, "purpose"),
    ],
)
async def test_a_condition_that_makes_no_sense_is_refused_with_its_place(
    api: Api, told: dict[str, str], path: str
) -> None:
    rule = {"not": {"consent": {**asks("email")["consent"], **told}}}
    (error,) = await api.errors(PREVIEW, rule=rule)

    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["extensions"]["field"] == ["rule", "not", "consent", path]


async def test_a_withdrawal_takes_a_customer_out_of_a_segment_once_and_by_itself(
    api: Api, fresh: Fresh, name: str
) -> None:
    key = fresh("reachable")
    one_id = await person(api, fresh, {"event": name})
    segment = await created(api, key, rule={"all": [{"event": {"name": name}}, asks("email")]})
    assert await inside(api, one_id) == []

    await set_to(api, one_id, "email", "GRANTED")
    assert await inside(api, one_id) == [key]
    await set_to(api, one_id, "email", "GRANTED")
    await set_to(api, one_id, "all", "WITHDRAWN")
    await set_to(api, one_id, "email", "WITHDRAWN")

    assert await inside(api, one_id) == []
    told = await transitions(api, segment["id"])
    assert [(one["kind"], one["oneId"]) for one in told["nodes"]] == [("ENTERED", one_id), ("LEFT", one_id)]


async def test_who_merges_has_the_newest_of_each_and_the_history_of_both(
    api: Api, fresh: Fresh, name: str
) -> None:
    into, away = [await person(api, fresh, {"event": name}) for _ in range(2)]
    await set_to(api, away, "email", "GRANTED", evidence="first")
    await set_to(api, away, "sms", "GRANTED")
    await set_to(api, into, "email", "GRANTED", evidence="second")
    await set_to(api, away, "email", "WITHDRAWN", evidence="third")
    await set_to(api, into, "push", "WITHDRAWN")
    segment = await created(api, fresh("sms"), rule={"all": [{"event": {"name": name}}, asks("sms")]})

    answer = await api(MERGE, input={"into": {"oneId": into}, "from": [{"oneId": away}]})

    assert answer["mergeCustomers"]["userErrors"] == []
    assert await counting(api, away) == {
        "email/marketing": "WITHDRAWN",
        "push/marketing": "WITHDRAWN",
        "sms/marketing": "GRANTED",
    }
    again = await set_to(api, away, "email", "GRANTED", evidence="fourth")
    assert [one["evidence"] for one in again["history"]] == ["fourth", "third", "second", "first"]
    assert await members(api, {"segment": segment["key"]}) == {into}


@pytest.mark.usefixtures("worker")
async def test_the_copy_of_a_person_has_every_change_with_its_proof(
    api: Api, client: httpx.AsyncClient, fresh: Fresh
) -> None:
    into, away = await api.upsert(user_id=fresh("u")), await api.upsert(user_id=fresh("u"))
    await set_to(api, into, "email", "GRANTED", evidence={"form": 7}, source="web")
    await set_to(api, away, "email", "WITHDRAWN", source="call centre")
    await api(MERGE, input={"into": {"oneId": into}, "from": [{"oneId": away}]})
    await set_to(api, away, "email", "WITHDRAWN", source="nobody new")

    lines = of(await file(api, client, oneId=into), "consents")

    assert [{key: line[key] for key in line.keys() - {"at"}} for line in lines] == [
        {"kind": "consents", "channel": "email", "purpose": "marketing", **told}
        for told in (
            {"state": "GRANTED", "source": "web", "evidence": {"form": 7}},
            {"state": "WITHDRAWN", "source": "call centre", "evidence": None},
        )
    ]
    assert lines[0]["at"] < lines[1]["at"]


async def test_an_erased_person_leaves_no_consent_behind(api: Api, stores: Stores, fresh: Fresh) -> None:
    user, proof, source = fresh("user"), fresh("proof"), fresh("source")
    into, away = await api.upsert(user_id=user), await api.upsert(user_id=fresh("u"))
    for one_id in (into, away):
        await set_to(api, one_id, "email", "GRANTED", evidence={"text": proof}, source=source)
    await api(MERGE, input={"into": {"oneId": into}, "from": [{"oneId": away}]})
    assert (await traces(stores, proof, source))["graph"] == [proof, source]

    answer = (await api(ERASE, input={"customer": {"oneId": into}}))["eraseCustomer"]

    assert answer["userErrors"] == []
    assert await traces(stores, user, proof, source) == NOTHING
