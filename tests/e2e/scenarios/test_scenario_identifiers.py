"""Which identifiers there are, how they are written, and where they come from in a message."""

from typing import Any

import pytest

from tests.scenario import Scenario
from tests.scenario_acts import UNLINK, Refused, erase, split, unlink, upsert

TYPES = """
{ identityRules { types { type priority limit windowDays joinsPeople household } maxMerges maxIdentifiers } }
"""
UPDATE = """
mutation Update($input: UpdateIdentityRulesInput!) {
  updateIdentityRules(input: $input) { identityRules { version } userErrors { code field } }
}
"""
BLOCKED = "{ identityRules { blocked { type exact regex exceptTypes } } }"
OWNER = "query Owner($by: CustomerLookup!) { customer(by: $by) { oneId } }"
HOUSEHOLDS = """
query Households($by: CustomerLookup!) {
  customer(by: $by) { households { identifier { type value } members { nodes { oneId } } } }
}
"""


async def test_the_built_in_types_in_order_of_strength(scene: Scenario) -> None:
    rules = (await scene.api(TYPES))["identityRules"]
    joining = [t for t in rules["types"] if t["joinsPeople"] and not t["household"]]
    assert [(t["type"], t["priority"], t["limit"], t["windowDays"]) for t in joining] == [
        ("user_id", 1, 1, 0),
        ("wechat_unionid", 2, 1, 0),
        ("alipay_user_id", 3, 1, 0),
        ("email", 4, 5, 0),
        ("phone", 5, 5, 0),
        ("wechat_openid", 6, 5, 0),
        ("douyin_openid", 7, 5, 0),
        ("tmall_ouid", 8, 5, 0),
        ("member_card", 9, 5, 0),
        ("device_id", 10, 5, 0),
        ("anonymous_id", 11, 5, 7),
    ]
    others = [(t["type"], t["household"]) for t in rules["types"] if t not in joining]
    assert sorted(others) == [("group_id", False), ("landline", True)]
    assert (rules["maxMerges"], rules["maxIdentifiers"]) == (100, 1000)


async def test_types_never_match_across_each_other(scene: Scenario) -> None:
    value = scene.names.value("u1")
    cards = {"externalIds": [{"type": "member_card", "id": value}, {"type": "device_id", "id": f"{value}!"}]}
    first, second = await scene.send("u1", scene.event("", anonymousId=value, context=cards))
    assert first != second
    assert await scene.partition() == {"u1"}


async def test_a_declared_type_joins_within_its_limit_at_the_weakest_priority(scene: Scenario) -> None:
    await scene.rules(types=[{"type": "loyalty", "limit": 1, "normalizer": "LOWER"}])
    upper = {"externalIds": [{"type": "loyalty", "id": f"  {scene.names.value('x1').upper()} "}]}
    first, second = await scene.send("x1 a1", scene.event("a2", context=upper))
    assert first == second
    await scene.send("x2 a1")
    assert await scene.partition() == {"a1 a2 x1"}
    assert await scene.decisions("m3") == ["DEMOTED a1 - x2 (LIMIT)"]


async def test_a_declared_type_without_more_has_priority_50(scene: Scenario) -> None:
    await scene.rules(types=[{"type": "loyalty"}])
    rules = (await scene.api(TYPES))["identityRules"]["types"]
    (declared,) = [rule for rule in rules if rule["type"] == "loyalty"]
    assert (declared["priority"], declared["joinsPeople"]) == (50, True)


async def test_of_equal_priorities_the_type_later_in_the_alphabet_is_weaker(scene: Scenario) -> None:
    await scene.rules(types=[{"type": "loyalty", "priority": 9}, {"type": "member_card", "limit": 1}])
    await scene.send("x1", "c1", "x1 c2", "x1 c1")
    assert await scene.partition() == {"c1", "c2 x1"}
    assert await scene.decisions("m4") == ["DEMOTED x1 - c1 (LIMIT)"]


async def test_a_declared_type_may_count_within_a_window(scene: Scenario) -> None:
    await scene.rules(types=[{"type": "loyalty", "limit": 1, "windowDays": 3}])
    days = (("x1", 1), ("x2", 3), ("x3", 5))
    await scene.send(
        *(scene.event(f"u1 {card}", timestamp=f"2026-01-0{day}T00:00:00Z") for card, day in days)
    )
    assert await scene.partition() == {"u1 x1 x3"}
    assert await scene.decisions("m2") == ["DEMOTED u1 - x2 (LIMIT)"]


async def test_a_declared_type_has_blocked_values_of_its_own(scene: Scenario) -> None:
    await scene.rules(types=[{"type": "loyalty"}], block=[{"type": "loyalty", "regex": "^test"}])
    blocked = {"externalIds": [{"type": "loyalty", "id": "test-1"}]}
    first, second = await scene.send(scene.event("a1", context=blocked), scene.event("a2", context=blocked))
    assert first != second
    assert await scene.decisions("m1") == ["BLOCKED a1 - loyalty:test-1 (BLOCKED)", "CREATED a1"]


@pytest.mark.parametrize("kind", ["g1", "h1"])
async def test_groups_and_households_never_join_people(scene: Scenario, kind: str) -> None:
    first, second = await scene.send(f"u1 {kind}", f"a1 {kind}")
    assert first != second
    assert await scene.partition() == {"u1", "a1"}
    assert await scene.decisions("m2") == ["CREATED a1"]


async def test_a_household_stands_above_its_people(scene: Scenario) -> None:
    one_ids = await scene.send("u1 h1", "u2 h1")
    (household,) = (await scene.api(HOUSEHOLDS, by=scene.by("u1")))["customer"]["households"]
    assert scene.names.short(household["identifier"]) == "h1"
    assert sorted(m["oneId"] for m in household["members"]["nodes"]) == sorted(one_ids)


async def test_emails_are_trimmed_and_lowered_and_nothing_else(scene: Scenario) -> None:
    value = scene.names.value("e1")
    name, _, domain = value.partition("@")
    await scene.send("u1 e1", scene.event("a1", traits={"email": f"  {value.upper()}\t"}))
    dotted = f"{name[:1]}.{name[1:]}+shop@{domain}"
    (other,) = await scene.send(scene.event("a2", traits={"email": dotted}))
    assert await scene.partition() == {"a1 e1 u1", f"a2 email:{dotted}"}
    assert other


async def test_numbers_and_their_text_are_one_and_case_is_kept(scene: Scenario) -> None:
    number = int(scene.names.value("p1")[3:])
    first, second = await scene.send(scene.event("", userId=number), scene.event("a1", userId=f" {number} "))
    assert first == second
    lower, upper = f"case-{number}", f"Case-{number}"
    third, fourth = await scene.send(scene.event("", userId=lower), scene.event("", userId=upper))
    assert third != fourth


PHONES = ["{}", "+86{}", "0086{}", "+86 {}", " +86-{} "]


@pytest.mark.parametrize("form", PHONES)
async def test_phones_become_e164(scene: Scenario, form: str) -> None:
    digits = scene.names.value("p1")[3:]
    first, second = await scene.send("u1 p1", scene.event("a1", traits={"phone": form.format(digits)}))
    assert first == second
    assert await scene.partition() == {"a1 p1 u1"}


async def test_a_phone_may_be_a_number(scene: Scenario) -> None:
    digits = int(scene.names.value("p1")[3:])
    assert len(set(await scene.send("u1 p1", scene.event("a1", traits={"phone": digits})))) == 1


WORDS = ["", "0", "00000", "0-0", "-1", "null", "anonymous", "undefined", "None", "none", "NaN"]
MORE = ["[object Object]", "guest", "not_authenticated", "true", "false", "  null  ", "---"]


async def test_blocked_values_are_no_identifiers_and_stay_in_the_payload(scene: Scenario) -> None:
    for word in WORDS + MORE:
        places = (
            {"userId": word},
            {"anonymousId": word},
            {"context": {"externalIds": [{"type": "member_card", "id": word}]}},
        )
        for place in places:
            assert await scene.one(scene.event("", **place)) == "", (word, place)


async def test_a_word_is_blocked_exactly(scene: Scenario) -> None:
    values = [f"{word}{scene.names.value('u1')}" for word in ("null", "guest", "0")]
    one_ids = await scene.send(*(scene.event("", userId=value) for value in values))
    assert len(set(one_ids) - {""}) == 3
    assert await scene.one(scene.event("", anonymousId="GUEST")) != ""


async def test_values_are_tested_once_more_when_they_are_normalised(scene: Scenario) -> None:
    assert await scene.one(scene.event("", traits={"email": " NULL "})) == ""
    assert await scene.decisions("m1") == ["BLOCKED - email: NULL  (BLOCKED)"]


async def test_the_zero_phone_and_the_zero_advertising_id_are_blocked(scene: Scenario) -> None:
    zero = {"device": {"advertisingId": "00000000-0000-0000-0000-000000000000"}}
    events = [scene.event("", traits={"phone": "00000000000"}), scene.event("a1", context=zero)]
    assert (await scene.one(events[0])) == ""
    await scene.one(events[1])
    assert await scene.decisions("m1") == ["BLOCKED - phone:00000000000 (BLOCKED)"]
    assert await scene.partition() == {"a1"}


@pytest.mark.parametrize(
    ("item", "kind", "reason"),
    [
        ({"traits": {"phone": "123"}}, "phone", "IMPOSSIBLE_PHONE"),
        ({"traits": {"phone": "call me"}}, "phone", "IMPOSSIBLE_PHONE"),
        (
            {"context": {"externalIds": [{"type": "nobody_said", "id": "7"}]}},
            "nobody_said",
            "UNDECLARED_TYPE",
        ),
    ],
)
async def test_what_cannot_identify_is_dropped_with_its_reason(
    scene: Scenario, item: dict[str, Any], kind: str, reason: str
) -> None:
    alone, beside = scene.event("", **item), scene.event("a1", **item)
    assert await scene.one(alone) == ""
    assert await scene.one(beside) != ""
    (entry,) = await scene.log(message="m1")
    assert (entry["kind"], entry["reason"], entry["oneId"]) == ("BLOCKED", reason, "")
    assert [dropped["type"] for dropped in entry["dropped"]] == [kind]
    kinds = [entry["kind"] for entry in await scene.log(message="m2")]
    assert sorted(kinds) == ["BLOCKED", "CREATED"]


async def test_every_event_that_is_nobodys_says_why(scene: Scenario) -> None:
    """The same blocked value may come a thousand times: each event answers for itself."""
    assert await scene.send(*(scene.event("", userId="null") for _ in range(2))) == ["", ""]
    for message in ("m1", "m2"):
        assert await scene.decisions(message) == ["BLOCKED - user_id:null (BLOCKED)"]


async def test_values_can_be_blocked_and_unblocked(scene: Scenario) -> None:
    value = scene.names.value("u1")
    await scene.rules(block=[{"exact": value}], unblock=[{"exact": "guest"}])
    assert await scene.send("u1") == [""]
    guest = scene.event("", userId="guest")
    assert await scene.one(guest) != ""
    await scene.rules()
    assert await scene.send("u1") != [""]
    assert await scene.partition() == {"u1"}


async def test_a_value_blocked_for_every_type_can_count_for_one(scene: Scenario) -> None:
    await scene.rules(types=[{"type": "loyalty"}], unblock=[{"type": "loyalty", "exact": "guest"}])
    blocked = (await scene.api(BLOCKED))["identityRules"]["blocked"]
    assert [b["exceptTypes"] for b in blocked if b["exact"] == "guest"] == [["loyalty"]]
    card = {"externalIds": [{"type": "loyalty", "id": "guest"}]}
    first, second = await scene.send(scene.event("a1", context=card), scene.event("", context=card))
    assert second == first
    assert await scene.one(scene.event("", userId="guest")) == ""
    await unlink_value(scene, "loyalty", "guest")


async def test_what_is_blocked_or_undeclared_by_now_is_still_found_and_taken_off(scene: Scenario) -> None:
    types = [{"type": "loyalty", "normalizer": "LOWER"}]
    await scene.rules(types=types)
    first, second, third = await scene.send("u1 p1", "u2 x1 c1", "u3 e1")
    value = scene.names.value("p1")
    await scene.rules(block=[{"exact": value}, {"type": "email", "regex": "."}])
    assert [await scene.one_id(name) for name in ("p1", "x1", "e1")] == [first, second, third]
    assert await unlink(scene, "p1") == first
    _, off = await split(scene, "u2", "x1")
    assert await scene.one_id("x1") == off
    await erase(scene, "e1")
    assert await scene.partition() == {"u1", "c1 u2", "x1"}


async def unlink_value(scene: Scenario, kind: str, value: str) -> None:
    """Other scenarios run on the same graph."""
    answer = await scene.api(UNLINK, input={"identifier": {"type": kind, "value": value}})
    assert answer["unlinkIdentifier"]["userErrors"] == []


async def test_each_blocking_pattern_stands_for_itself(scene: Scenario) -> None:
    patterns = ["(?i)^test", r"^(?P<a>[a-z])(?P=a)+$", r"^(?P<a>[0-9])\1+$"]
    await scene.rules(block=[{"regex": pattern} for pattern in patterns])
    values = ["TeSt-1", "xxx", "7777"]
    assert await scene.send(*(scene.event("", userId=value) for value in values)) == [""] * 3
    assert await scene.send("u1") != [""]


@pytest.mark.parametrize("name", ["loyaltyId", "crm-id", "ios.idfa"])
async def test_declared_types_go_by_the_names_that_other_systems_gave_them(
    scene: Scenario, name: str
) -> None:
    await scene.rules(types=[{"type": name}])
    named = {"externalIds": [{"type": name, "id": scene.names.value("x1")}]}
    first, second = await scene.send(scene.event("u1", context=named), scene.event("a1", context=named))
    assert first == second
    found = await scene.api(OWNER, by={"identifier": {"type": name, "value": scene.names.value("x1")}})
    assert found["customer"]["oneId"] == first


async def test_an_event_of_the_first_year_is_like_any_other(scene: Scenario) -> None:
    first, *_ = await scene.send(*(f"u1 a{n}" for n in range(1, 6)))
    late = scene.event("u1 a6", timestamp="0001-01-02T00:00:00Z")
    assert await scene.send(late, wait="INDEXED") == [first]
    assert await scene.events("u1") == ["m1", "m2", "m3", "m4", "m5", "m6"]


async def test_a_message_that_names_nobody_is_refused(scene: Scenario) -> None:
    for item in (scene.event(""), scene.event("", properties={"email": "x@example.cn"})):
        result = await scene.result(item)
        assert (result["status"], result["oneId"]) == ("REJECTED", None)
        assert [error["code"] for error in result["userErrors"]] == ["NO_USER_ANON_ID"]
        assert result["userErrors"][0]["field"][:2] == ["events", "0"]


TRACKED = {"id": "d1", "advertisingId": "d2"}
PLACES: list[tuple[dict[str, Any], str]] = [
    ({"userId": "u1"}, "u1"),
    ({"anonymousId": "a1"}, "a1"),
    ({"context": {"externalIds": [{"type": "douyin_openid", "id": "z1"}]}}, "z1"),
    ({"traits": {"email": "e1", "phone": "p1"}}, "e1 p1"),
    ({"context": {"traits": {"email": "e1", "phone": "p1"}}}, "e1 p1"),
    ({"context": {"device": TRACKED}}, "d1 d2"),
    ({"context": {"device": {**TRACKED, "adTrackingEnabled": False}}}, "d1"),
    ({"userId": "u1", "properties": {"email": "e1", "phone": "p1"}}, "u1"),
    ({"type": "group", "userId": "u1", "groupId": "g1", "traits": {"email": "e1"}}, "u1"),
]


def filled(scene: Scenario, given: Any) -> Any:
    """With values in place of short names."""
    if isinstance(given, dict):
        return {key: filled(scene, value) for key, value in given.items()}
    if isinstance(given, list):
        return [filled(scene, value) for value in given]
    return scene.names.value(given) if isinstance(given, str) and len(given) == 2 else given


@pytest.mark.parametrize(("item", "found"), PLACES)
async def test_where_identifiers_come_from(scene: Scenario, item: dict[str, Any], found: str) -> None:
    assert await scene.one(scene.event("", **filled(scene, item)))
    assert await scene.partition() == {found}


async def test_doubles_count_once(scene: Scenario) -> None:
    value = scene.names.value("u1")
    double = {
        "externalIds": [{"type": "user_id", "id": f" {value}"}],
        "traits": {"email": scene.names.value("e1")},
    }
    await scene.send(scene.event("u1 e1", context=double))
    assert await scene.partition() == {"e1 u1"}
    assert await scene.decisions("m1") == ["CREATED e1 u1"]


async def test_the_first_value_of_a_type_is_the_one_that_appears_first(scene: Scenario) -> None:
    """userId, then externalIds: of two users one stays, and the first one."""
    await scene.send("u1 u2")
    assert await scene.partition() == {"u1"}
    assert await scene.decisions("m1") == ["CREATED u1", "DEMOTED u1 - u2 (LIMIT)"]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"types": [{"type": "bad:name"}]}, ("INVALID", ["types", "0", "type"])),
        ({"types": [{"type": "phone", "limit": -1}]}, ("INVALID", ["types", "0", "limit"])),
        ({"types": [{"type": "phone", "windowDays": -1}]}, ("INVALID", ["types", "0", "windowDays"])),
        ({"block": [{"regex": "("}]}, ("INVALID", ["block", "0", "regex"])),
        ({"block": [{"regex": "a", "exact": "b"}]}, ("INVALID", ["block", "0"])),
        ({"maxMerges": -1}, ("INVALID", ["maxMerges"])),
    ],
)
async def test_rules_that_cannot_be_are_refused_whole(scene: Scenario, change: Any, error: Any) -> None:
    version = "{ identityRules { version } }"
    before = await scene.api(version)
    answer = (await scene.api(UPDATE, input={"aliasMerges": True, **change}))["updateIdentityRules"]
    assert answer["identityRules"] is None
    assert [(e["code"], e["field"]) for e in answer["userErrors"]] == [error]
    assert await scene.api(version) == before


async def test_an_upsert_follows_the_same_rules(scene: Scenario) -> None:
    first = await upsert(scene, "u1 p1")
    second = await upsert(scene, "u2 p1")
    assert first != second
    assert await scene.partition() == {"p1 u1", "u2"}
    with pytest.raises(Refused, match=r"^INVALID identifiers\.0\.type$"):
        await upsert(scene, "g1")
