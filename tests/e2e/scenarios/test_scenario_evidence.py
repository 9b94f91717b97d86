"""Semantics 16: every decision is evidence, and answers why and how."""

import httpx
import pytest

from oneid import bootstrap
from oneid.domain.keys import KeyKind
from oneid.settings import Settings
from tests.graphql_api import Api
from tests.graphql_socket import connect
from tests.scenario import DECISIONS, WHY, Fresh, Scenario
from tests.scenario_acts import merge, split, unlink

HOW = """
query How($by: CustomerLookup!) {
  customer(by: $by) { decisions { nodes { kind messageId reason kept { type value } dropped { type value } } } }
}
"""
HELD = "query Held($by: CustomerLookup!) { customer(by: $by) { identifiers { value } } }"
CHANGES = """
subscription Changes($types: [String!]) { changes(types: $types) { type oneId mergedOneIds customer { oneId } } }
"""


async def how(scene: Scenario, name: str) -> list[str]:
    entries = (await scene.api(HOW, by=scene.by(name)))["customer"]["decisions"]["nodes"]
    return [scene.told(entry) for entry in entries]


async def test_an_entry_says_event_time_rules_and_identifiers(scene: Scenario) -> None:
    version = await scene.rules(aliasMerges=True)
    (one_id,) = await scene.send("u1 a1")
    (entry,) = await scene.log(message="m1")
    assert (entry["kind"], entry["oneId"], entry["ruleVersion"]) == ("CREATED", one_id, version)
    assert entry["messageId"] == scene.names.message_id("m1")
    assert (entry["manual"], entry["mergedOneIds"], entry["dropped"]) == (False, [], [])
    assert scene.names.of(entry["kept"]) == "a1 u1"


async def test_how_a_customer_came_to_be(scene: Scenario) -> None:
    await scene.send("a1", "u1", "u1 a1", "u1 p1")
    await unlink(scene, "p1")
    assert await how(scene, "u1") == [
        "CREATED a1",
        "CREATED u1",
        "MERGED a1 u1",
        "ADDED p1 u1",
        "UNLINKED - p1 (sold on)",
    ]


async def test_the_path_leads_from_identifier_to_event_to_identifier(scene: Scenario) -> None:
    await scene.send("a1 d1", "d1 c1", "c1 u1")
    assert await scene.path("a1", "u1") == ["a1 d1 m1", "d1 c1 m2", "c1 u1 m3"]
    assert await scene.path("u1", "u1") == []


async def test_the_path_leads_through_merges_by_events_and_by_hand(scene: Scenario) -> None:
    await scene.send("u1 c1", "p1 a1", "u1 p1")
    assert await scene.path("c1", "a1") == ["c1 u1 m1", "u1 p1 m3", "p1 a1 m2"]
    await scene.send("o1 d1")
    await merge(scene, "u1", "o1")
    assert (await scene.path("c1", "d1"))[-1].startswith("o1 d1 m4")
    assert any(step.endswith("by hand") for step in await scene.path("c1", "d1"))


async def test_two_one_ids_that_are_one_customer_are_explained(scene: Scenario) -> None:
    first, _, third, _ = await scene.send("a1 d1", "a1 d1 u1", "a2 d2", "a2 d2 u1")
    forth = await scene.path(first, third)
    assert [step.split()[2] for step in forth] == ["m2", "m4"]
    assert [step.split()[0] for step in await scene.path(third, first)][1] == "u1"
    assert await scene.path(first, first) == []


async def test_what_keeps_two_apart(scene: Scenario) -> None:
    await scene.send("u1 p1", "u2 p1", "u3")
    assert await scene.apart("u1", "u2") == "DEMOTED u2 - p1 (LIMIT)"
    assert await scene.apart("u2", "p1") == "DEMOTED u2 - p1 (LIMIT)"
    assert await scene.apart("u1", "u3") is None


async def test_whatever_keeps_two_apart_is_told_and_nothing_else(scene: Scenario, fresh: Fresh) -> None:
    await scene.rules(types=[{"type": "phone", "transferOnVerified": True}])
    await scene.send("u1 p1", scene.event("u2 p1", context={"verified": ["phone"]}))
    assert await scene.apart("u1", "u2") == "TRANSFERRED p1 (VERIFIED)"
    await scene.rules(sharedIdentifierPolicy="QUARANTINE")
    other = fresh()
    await other.send("u1 d1", "u2 d1", "d1")
    assert await other.apart("u1", "u2") == "DEMOTED u2 - d1 (LIMIT)"
    assert await other.apart("u1", "d1") == "UNLINKED - d1 (QUARANTINE)"
    await scene.rules(types=[{"type": "phone", "genericAfter": 1}])
    third = fresh()
    await third.send("u1 p1", "u2 p1")
    assert await third.apart("u1", "u2") == "BLOCKED u2 - p1 (GENERIC)"
    await scene.rules(consentRequired=True)
    fourth = fresh()
    consent = {"consent": {"stitching": True}}
    await fourth.send("a1", "u1 a1", fourth.event("u1 a1", context=consent), "u9")
    assert await fourth.apart("u1", "u9") is None


async def test_what_was_taken_back_explains_only_the_two_that_it_parted(scene: Scenario) -> None:
    await scene.send("u1 p1", "u2 c1", "u9")
    await split(scene, "u1", "p1")
    await scene.send("u1 p1")
    await unlink(scene, "c1")
    await scene.send("u2 c1")
    assert await scene.apart("u1", "u9") is None
    assert await scene.apart("u2", "u9") is None
    assert await scene.apart("u1", "u2") is None
    assert await scene.path("u1", "p1") == ["u1 p1 m1"]


async def test_what_was_split_off_keeps_its_evidence(scene: Scenario) -> None:
    await scene.send("u1 c1", "c1 p1", "p1 a1")
    await split(scene, "u1", "p1", "a1")
    assert await scene.path("p1", "a1") == ["p1 a1 m3"]
    assert await scene.apart("c1", "p1") == "SPLIT c1 u1 - a1 p1 (two)"


async def test_who_loses_an_identifier_finds_it_in_their_history(scene: Scenario, fresh: Fresh) -> None:
    await scene.rules(types=[{"type": "phone", "transferOnVerified": True}])
    first, second = await scene.send("u1 p1", "u2")
    await scene.send(scene.event("u2 p1", context={"verified": ["phone"]}))
    assert await how(scene, "u1") == ["CREATED p1 u1", "TRANSFERRED p1 u2 (VERIFIED)"]
    assert await how(scene, "u2") == ["CREATED u2", "TRANSFERRED p1 u2 (VERIFIED)"]
    (entry,) = await scene.log(message="m3")
    assert (entry["oneId"], entry["fromOneId"], entry["splitOneId"]) == (second, first, None)
    await scene.rules(sharedIdentifierPolicy="LAST_LOGIN")
    other = fresh()
    await other.send("u1 d1", "u2", "u2 d1")
    assert (await how(other, "u1"))[-1] == "TRANSFERRED d1 u2 (LAST_LOGIN)"
    await scene.rules(sharedIdentifierPolicy="QUARANTINE")
    third = fresh()
    await third.send("u1 d1", "u2 d1")
    assert await how(third, "u1") == ["CREATED d1 u1", "UNLINKED - d1 (QUARANTINE)"]
    await scene.rules(types=[{"type": "phone", "genericAfter": 1}])
    fourth = fresh()
    await fourth.send("u1 p1", "u2 p1")
    assert "UNLINKED - p1 (GENERIC)" in await how(fourth, "u1")


async def test_evidence_is_told_once_whatever_came_with_it_first(scene: Scenario) -> None:
    await scene.send("u1 a1", "u2 a1", "u2 a1", "u2 a1 c1", "u2 a1")
    assert [await scene.decisions(f"m{n}") for n in (2, 3, 4, 5)] == [
        ["CREATED u2", "DEMOTED u2 - a1 (LIMIT)"],
        [],
        ["ADDED c1 u2", "DEMOTED c1 u2 - a1 (LIMIT)"],
        [],
    ]


async def test_operators_are_told_apart_from_events(scene: Scenario) -> None:
    first, second = await scene.send("u1", "p1 a1")
    await merge(scene, "u1", "p1")
    await split(scene, "u1", "a1", sticky=True)
    entries = {entry["kind"]: entry for entry in await scene.log(one_id=first) if entry["manual"]}
    assert {kind: entry["reason"] for kind, entry in entries.items()} == {
        "MERGED": "same person",
        "SPLIT": "two",
    }
    assert entries["MERGED"]["mergedOneIds"] == [second]
    assert entries["SPLIT"]["sticky"] is True


async def test_versions_only_grow(scene: Scenario) -> None:
    versions = list[int]()

    async def note() -> None:
        customer = await scene.customer("u1")
        assert customer
        versions.append(customer["version"])

    for act in ("u1", "u1 c1", "p1", "u1 p1"):
        await scene.send(act)
        await note()
    await split(scene, "u1", "p1")
    await note()
    await merge(scene, "u1", "p1")
    await note()
    await unlink(scene, "c1")
    await note()
    assert versions == sorted(versions)
    changed = [versions[0], versions[1], *versions[3:]]
    assert len(set(changed)) == len(changed)


async def test_changes_are_told(scene: Scenario, url: str) -> None:
    async with connect(url, scene.api.headers["Authorization"]) as socket:
        await socket.subscribe("s", CHANGES)
        await socket.run("{ clock { now } }")
        first, second = await scene.send("a1", "u1")
        await scene.send("u1 a1")
        told = [await socket.change("s") for _ in range(3)]
    assert [(c["type"], c["oneId"], c["mergedOneIds"]) for c in told] == [
        ("CUSTOMER_CREATED", first, []),
        ("CUSTOMER_CREATED", second, []),
        ("CUSTOMER_MERGED", first, [second]),
    ]


@pytest.mark.parametrize("name", ["p1", "e1"])
async def test_personal_values_are_masked_without_the_scope(
    scene: Scenario, url: str, settings: Settings, name: str
) -> None:
    await scene.send(f"u1 {name}")
    async with bootstrap.open_keys(settings) as keys:
        key = await keys.create("reader", KeyKind.SECRET, ["customers:read"])
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        reader = Api(client, key)
        answers = [
            await reader(WHY, a=scene.by("u1"), b=scene.by(name)),
            await reader(DECISIONS, messageId=scene.names.message_id("m1")),
            await reader(HELD, by=scene.by("u1")),
        ]
    for answer in answers:
        assert scene.names.value("u1") in str(answer)
        assert scene.names.value(name) not in str(answer)
        assert "*" in str(answer)
