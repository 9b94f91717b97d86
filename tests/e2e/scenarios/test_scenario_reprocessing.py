"""Semantics 12: identities rebuilt from the log under today's rules, with an operator's acts kept."""

from collections.abc import AsyncGenerator

import pytest

from oneid.settings import Settings
from tests.graphql_api import Api
from tests.running import calling, running
from tests.scenario import Scenario
from tests.scenario_acts import erase, merge, reprocess, split, unlink, upsert

HOUSEHOLDS = """
query Households($by: CustomerLookup!) { customer(by: $by) { households { members { nodes { oneId } } } } }
"""
TIGHT = [{"type": "member_card", "limit": 1}]


@pytest.fixture
async def api(clean: None, settings: Settings) -> AsyncGenerator[Api]:
    """A caller of a oneid without data: what other scenarios left would be told again, and counted."""
    async with running(settings) as url, calling(url, settings) as caller:
        yield caller


async def test_a_dry_run_says_what_would_be_different_and_changes_nothing(scene: Scenario) -> None:
    first, *_ = await scene.send("u1 c1", "u1 c2", "u2", "c2", wait="INDEXED")
    await scene.rules(types=TIGHT)
    told = await reprocess(scene, dry_run=True)
    assert (told["events"], told["different"], told["split"], told["merged"]) == (4, 1, 1, 0)
    assert await scene.partition() == {"c1 c2 u1", "u2"}
    done = await reprocess(scene)
    assert (done["different"], done["split"], done["moved"]) == (1, 1, 1)
    assert await scene.partition() == {"c1 u1", "c2", "u2"}
    assert await scene.one_id("u1") == first
    assert (await reprocess(scene))["different"] == 0


async def test_today_s_rules_merge_what_was_kept_apart(scene: Scenario) -> None:
    await scene.rules(types=TIGHT)
    first, _ = await scene.send("a1 c1", "d1 c2", wait="INDEXED")
    await scene.send("a1 d1", wait="INDEXED")
    assert await scene.partition() == {"a1 c1", "c2 d1"}
    await scene.rules()
    assert (await reprocess(scene))["merged"] == 1
    assert await scene.partition() == {"a1 c1 c2 d1"}
    assert await scene.one_id("d1") == first


async def test_what_operators_did_survives(scene: Scenario) -> None:
    ids = await scene.send("u1 p1", "u2", "u3 c1", "u4 d1", "u5", wait="INDEXED")
    await unlink(scene, "p1")
    await merge(scene, "u1", "u2")
    await split(scene, "u3", "c1", sticky=True)
    await erase(scene, "u4")
    await erase(scene, "u5", suppress=True)
    before = await scene.partition()
    assert before == {"u1 u2", "u3", "c1"}
    assert (await reprocess(scene))["different"] == 0
    assert await scene.partition() == before
    assert await scene.send("u3 c1", "u5") == [ids[2], ""]
    assert await scene.partition() == before
    assert await scene.one_id(ids[1]) == ids[0]


async def test_an_operators_merge_survives_the_end_of_what_was_oldest_then(scene: Scenario) -> None:
    first, _, second = await scene.send("e1 a1", "a1 u1", "u2", wait="INDEXED")
    await merge(scene, "u1", "u2")
    await scene.rules(block=[{"exact": scene.names.value("e1")}])
    await reprocess(scene)
    assert await scene.partition() == {"a1 u1 u2"}
    assert await scene.one_id(first) == await scene.one_id(second) == await scene.one_id("u1")


async def test_an_erased_cookie_does_not_come_back_by_an_alias_that_named_it(scene: Scenario) -> None:
    alias = scene.event("u1", previousId=scene.names.value("a1"), type="alias")
    await scene.send("a1", alias, wait="INDEXED")
    await erase(scene, "a1")
    await scene.rules(aliasMerges=True)
    await reprocess(scene)
    assert await scene.partition() == {"u1"}


async def test_a_direct_write_is_told_again_under_todays_rules(scene: Scenario) -> None:
    for names in ("c1 e1", "c2 e1"):
        await upsert(scene, names)
    assert await scene.partition() == {"c1 c2 e1"}
    await scene.rules(block=[{"exact": scene.names.value("e1")}])
    await reprocess(scene)
    assert await scene.partition() == {"c1", "c2"}


async def test_a_clients_message_is_no_direct_write_whatever_it_is_called(scene: Scenario) -> None:
    await scene.rules(consentRequired=True)
    (cookie,) = await scene.send("a1", wait="INDEXED")
    named = {
        "messageId": f"upsert-{scene.names.message_id('m')}",
        "context": {"consent": {"stitching": False}},
    }
    await scene.send(scene.event("u1 a1", **named), wait="INDEXED")
    assert (await reprocess(scene))["different"] == 0
    assert await scene.partition() == {"u1", "a1"}
    assert await scene.one_id("a1") == cookie


async def test_households_are_those_of_todays_rules(scene: Scenario) -> None:
    one_ids = await scene.send("u1 x1", "u2 x1", "a1", wait="INDEXED")
    assert await scene.partition() == {"u1", "u2", "a1"}
    await scene.rules(types=[{"type": "loyalty", "household": True}])
    assert (await reprocess(scene, dry_run=True))["memberships"] == 2
    assert (await reprocess(scene))["memberships"] == 2
    members = [await households(scene, name) for name in ("u1", "u2", "a1")]
    assert members == [[sorted(one_ids[:2])], [sorted(one_ids[:2])], []]


async def households(scene: Scenario, name: str) -> list[list[str]]:
    """The members of each of a customer's households."""
    found = (await scene.api(HOUSEHOLDS, by=scene.by(name)))["customer"]["households"]
    return [sorted(member["oneId"] for member in household["members"]["nodes"]) for household in found]


async def test_generic_values_of_the_past_are_those_of_todays_rules(scene: Scenario) -> None:
    first, *_ = await scene.send("d1 p1", "d2 p1", "d3 p1", "d1 u1", "p1", wait="INDEXED")
    assert await scene.partition() == {"d1 d2 d3 p1 u1"}
    await scene.rules(types=[{"type": "phone", "genericAfter": 2, "genericAnchor": "device_id"}])
    await reprocess(scene)
    assert await scene.partition() == {"d1 u1", "d2", "d3"}
    assert await scene.one_id("d1") == first
    assert await scene.events("d1") == ["m1", "m4"]


async def test_one_part_of_a_split_blob_keeps_the_one_id_and_events_follow(scene: Scenario) -> None:
    (first, *_) = await scene.send("u1 e1", "e1 c1", "c1", "c1 c2", "c2", wait="INDEXED")
    assert await scene.partition() == {"c1 c2 e1 u1"}
    await scene.rules(block=[{"type": "email", "exact": scene.names.value("e1")}], types=TIGHT)
    await reprocess(scene)
    assert await scene.partition() == {"u1", "c1", "c2"}
    assert await scene.one_id("u1") == first
    assert await scene.events("u1") == ["m1"]
    assert await scene.one_id("c1") != first


async def test_the_window_looks_at_event_times_again(scene: Scenario) -> None:
    await scene.send(*(f"u1 a{n}" for n in range(1, 8)), wait="INDEXED")
    assert await scene.partition() == {"a1 a2 a3 a4 a5 u1"}
    await scene.rules(types=[{"type": "anonymous_id", "limit": 0}])
    await reprocess(scene)
    assert await scene.partition() == {"a1 a2 a3 a4 a5 a6 a7 u1"}
