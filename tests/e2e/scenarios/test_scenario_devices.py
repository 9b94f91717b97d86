"""Semantics 7, 8 and 9: shared devices, alias, unlink, verified transfer."""

import pytest

from tests.scenario import Fresh, Scenario
from tests.scenario_acts import Refused, split, unlink

ALIAS = {"type": "alias"}


async def test_a_shared_device_stays_with_its_first_owner(scene: Scenario) -> None:
    first, second, third = await scene.send("u1 d1 a1", "u2 d1 a1", "a1")
    assert (third, await scene.one_id("d1")) == (first, first)
    assert second != first
    assert await scene.partition() == {"a1 d1 u1", "u2"}
    assert await scene.apart("u1", "u2") == "DEMOTED u2 - a1 d1 (LIMIT)"


async def test_the_last_login_takes_the_device(scene: Scenario) -> None:
    await scene.rules(sharedIdentifierPolicy="LAST_LOGIN")
    first, second, third, fourth, fifth = await scene.send("u1 d1 a1", "u2 d1 a1", "d1", "u1 d1", "d1")
    assert (third, fourth, fifth) == (second, first, first)
    assert await scene.partition() == {"d1 u1", "a1 u2"}
    kinds = [entry["kind"] for entry in await scene.log(message="m2")]
    assert sorted(kinds) == ["CREATED", "DEMOTED", "TRANSFERRED", "TRANSFERRED"]


async def test_the_last_login_explains_whose_the_device_is(scene: Scenario) -> None:
    await scene.rules(sharedIdentifierPolicy="LAST_LOGIN")
    await scene.send("u1 a1", "u2", "u2 a1")
    assert await scene.partition() == {"u1", "a1 u2"}
    assert await scene.path("u2", "a1") == ["u2 a1 m3"]


async def test_the_last_login_takes_devices_only(scene: Scenario) -> None:
    await scene.rules(sharedIdentifierPolicy="LAST_LOGIN")
    await scene.send("u1 p1 c1", "u2 p1 c1")
    assert await scene.partition() == {"c1 p1 u1", "u2"}


async def test_a_login_moves_its_device_whatever_the_limit_says(scene: Scenario) -> None:
    await scene.rules(sharedIdentifierPolicy="LAST_LOGIN", types=[{"type": "device_id", "limit": 1}])
    await scene.send("u1 d1", "u2 d2", "u2 d1")
    assert await scene.partition() == {"u1", "d1 d2 u2"}


async def test_neither_policy_reaches_across_a_sticky_split(scene: Scenario, fresh: Fresh) -> None:
    for policy in ("LAST_LOGIN", "QUARANTINE"):
        await scene.rules(sharedIdentifierPolicy=policy)
        one = fresh()
        (first,) = await one.send("u1 a1")
        await split(one, "u1", "a1", sticky=True)
        assert await one.send("u1 a1", "u1 e1") == [first, first]
        assert await one.partition() == {"e1 u1", "a1"}


async def test_an_owner_left_without_identifiers_stays_a_customer(scene: Scenario) -> None:
    await scene.rules(sharedIdentifierPolicy="LAST_LOGIN", types=[{"type": "anonymous_id", "limit": 1}])
    first, second = await scene.send("a1", "u1 a2", wait="INDEXED")
    assert await scene.send("u1 a1") == [second]
    left = await scene.customer(first)
    assert left
    assert (left["oneId"], left["identifiers"]) == (first, [])
    assert await scene.events(first) == ["m1"]
    assert await scene.partition() == {"a1 a2 u1"}


async def test_a_demoted_value_that_nobody_owned_stays_unowned(scene: Scenario) -> None:
    for policy in ("LAST_LOGIN", "QUARANTINE"):
        await scene.rules(sharedIdentifierPolicy=policy, types=[{"type": "device_id", "limit": 1}])
        other = Scenario(scene.api)
        await other.send("u1 d1", "u1 d2")
        assert await other.partition() == {"d1 u1"}
        await other.send("d2")
        assert await other.partition() == {"d1 u1", "d2"}


async def test_quarantine_takes_the_device_from_both(scene: Scenario) -> None:
    await scene.rules(sharedIdentifierPolicy="QUARANTINE")
    await scene.send("u1 d1", "u2 d1")
    assert await scene.partition() == {"u1", "u2"}
    assert await scene.decisions("m2") == [
        "CREATED u2",
        "DEMOTED u2 - d1 (LIMIT)",
        "UNLINKED - d1 (QUARANTINE)",
    ]


async def test_a_quarantined_value_stands_for_one_lasting_customer_and_links_nobody(scene: Scenario) -> None:
    await scene.rules(sharedIdentifierPolicy="QUARANTINE")
    first, second = await scene.send("u1 d1", "u2 d1")
    third, fourth = await scene.send("d1", "d1")
    assert third == fourth
    assert third not in (first, second)
    assert await scene.send("u1 d1", "u3 d1", "a1 d1") != [third] * 3
    assert await scene.partition() == {"u1", "u2", "u3", "a1", "d1"}
    await scene.rules()
    assert await scene.send("d1 c1") != [third]
    assert await scene.send("d1") == [third]
    assert await scene.partition() == {"u1", "u2", "u3", "a1", "c1", "d1"}


async def test_an_alias_joins_nobody_by_default(scene: Scenario) -> None:
    alias = scene.event("u1", previousId=scene.names.value("a1"), **ALIAS)
    first, second = await scene.send("a1", alias, wait="INDEXED")
    assert first != second
    assert await scene.partition() == {"a1", "u1"}
    assert await scene.events("u1") == ["m2"]


async def test_an_alias_resolves_by_its_user_alone(scene: Scenario) -> None:
    await scene.send("a1", scene.event("u1 a1", previousId=scene.names.value("a2"), **ALIAS))
    assert await scene.partition() == {"a1", "u1"}


async def test_an_alias_joins_a_cookie_where_the_rules_say_so(scene: Scenario) -> None:
    await scene.rules(aliasMerges=True)
    first, second, third = await scene.send(
        "a1",
        scene.event("u1", previousId=scene.names.value("a1"), **ALIAS),
        scene.event("u1", previousId=scene.names.value("a2"), **ALIAS),
    )
    assert first == second == third
    assert await scene.partition() == {"a1 a2 u1"}


async def test_an_alias_of_two_known_users_is_refused_and_audited(scene: Scenario) -> None:
    await scene.rules(aliasMerges=True)
    first, second = await scene.send("u1", "u2")
    assert await scene.send(scene.event("u2", previousId=scene.names.value("u1"), **ALIAS)) == [second]
    assert await scene.partition() == {"u1", "u2"}
    assert await scene.decisions("m3") == ["REFUSED u2 - u1 (ALIAS_OF_KNOWN)"]
    assert await scene.one_id("u1") == first
    assert await scene.apart("u1", "u2") == "REFUSED u2 - u1 (ALIAS_OF_KNOWN)"


async def test_an_alias_looks_for_a_cookie_before_a_user(scene: Scenario) -> None:
    await scene.rules(aliasMerges=True)
    value = scene.names.value("u1")
    user, cookie = await scene.send("u1", scene.event("", anonymousId=value))
    await scene.send("u2")
    await scene.send(scene.event("u2", previousId=value, **ALIAS))
    assert await scene.one_id("u2") == cookie
    assert await scene.one_id("u1") == user


async def test_unlink_takes_an_identifier_off_and_history_stays(scene: Scenario) -> None:
    (first,) = await scene.send("u1 p1", wait="INDEXED")
    assert await unlink(scene, "p1") == first
    assert await scene.partition() == {"u1"}
    assert await scene.events("u1") == ["m1"]
    (entry,) = await scene.log(one_id=first, kind="UNLINKED")
    assert (scene.told(entry), entry["manual"], entry["messageId"]) == ("UNLINKED - p1 (sold on)", True, None)
    assert await scene.send("p1 a1") != [first]
    assert await scene.partition() == {"u1", "a1 p1"}
    assert await scene.apart("u1", "a1") == "UNLINKED - p1 (sold on)"


async def test_what_an_unlinked_identifier_proved_is_not_known_of_its_next_owner(scene: Scenario) -> None:
    proven = scene.event("u1 p1", timestamp="2026-01-01T00:00:00Z", **PROOF)
    await scene.send(proven)
    await unlink(scene, "p1")
    await scene.send(scene.event("u2 p1", timestamp="2026-02-01T00:00:00Z"))
    customer = await scene.customer("p1")
    assert customer
    (phone,) = [i for i in customer["identifiers"] if i["type"] == "phone"]
    assert (phone["verified"], phone["firstSeenAt"], phone["lastSeenAt"]) == (
        False,
        "2026-02-01T00:00:00.000Z",
        "2026-02-01T00:00:00.000Z",
    )


async def test_unlinking_the_last_identifier_leaves_the_customer(scene: Scenario) -> None:
    (first,) = await scene.send("u1")
    await unlink(scene, "u1")
    assert await scene.one_id(first) == first
    assert await scene.partition() == set()
    assert await scene.send("u1") != [first]


async def test_unlinking_what_nobody_has_is_refused(scene: Scenario) -> None:
    await scene.send("u1")
    with pytest.raises(Refused, match=r"^NOT_FOUND identifier$"):
        await unlink(scene, "p1")
    assert await scene.partition() == {"u1"}


PROOF = {"context": {"verified": ["phone"]}}
TRANSFER = [{"type": "phone", "transferOnVerified": True}]


async def test_a_proven_phone_moves_to_the_user_who_proved_it(scene: Scenario) -> None:
    await scene.rules(types=TRANSFER)
    (first,) = await scene.send("u1 p1")
    second, third = await scene.send(scene.event("u2 p1", **PROOF), "p1")
    assert third == second != first
    assert await scene.partition() == {"u1", "p1 u2"}
    kinds = {entry["kind"]: scene.names.of(entry["kept"]) for entry in await scene.log(message="m2")}
    assert kinds["TRANSFERRED"] == "p1"
    assert "DEMOTED" not in kinds
    customer = await scene.customer("p1")
    assert customer
    assert {scene.names.short(i): i["verified"] for i in customer["identifiers"]} == {"p1": True, "u2": False}
    assert await scene.path("u2", "p1") == ["u2 p1 m2"]


async def test_a_proven_phone_that_there_is_no_room_for_stays_with_its_owner(scene: Scenario) -> None:
    await scene.rules(types=[{"type": "phone", "transferOnVerified": True, "limit": 1}])
    first, _ = await scene.send("u1 p1", "u2 p2")
    await scene.send(scene.event("u2 p1", **PROOF))
    assert await scene.partition() == {"p1 u1", "p2 u2"}
    assert await scene.one_id("p1") == first
    assert await scene.decisions("m3") == ["DEMOTED u2 - p1 (LIMIT)"]


async def test_a_transfer_is_the_only_entry_where_it_is_the_only_change(scene: Scenario) -> None:
    await scene.rules(types=TRANSFER)
    await scene.send("u1 p1", "u2")
    await scene.send(scene.event("u2 p1", **PROOF), scene.event("u2 p1", **PROOF))
    assert await scene.decisions("m3") == ["TRANSFERRED p1 u2 (VERIFIED)"]
    assert await scene.decisions("m4") == []
    await scene.send(scene.event("u1 p1 c1", **PROOF))
    assert await scene.decisions("m5") == ["ADDED c1 p1 u1", "TRANSFERRED p1 (VERIFIED)"]


async def test_nothing_moves_without_proof_without_user_or_without_the_rule(scene: Scenario) -> None:
    await scene.rules(types=TRANSFER)
    await scene.send("u1 p1", "u2 p1", scene.event("a1 p1", **PROOF))
    assert await scene.partition() == {"a1 p1 u1", "u2"}
    await scene.rules()
    await scene.send(scene.event("u2 p1", **PROOF))
    assert await scene.partition() == {"a1 p1 u1", "u2"}


async def test_what_belongs_to_nobody_known_is_joined_not_moved(scene: Scenario) -> None:
    await scene.rules(types=TRANSFER)
    (first,) = await scene.send("a1 p1")
    assert await scene.send(scene.event("u1 p1", **PROOF)) == [first]
    assert await scene.partition() == {"a1 p1 u1"}
    assert await scene.decisions("m2") == ["ADDED p1 u1"]
