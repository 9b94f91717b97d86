"""Semantics 1-6: dedupe, match, limits, the decision, caps."""

from datetime import timedelta

import pytest

from oneid.domain.messages import format_time
from tests.pipeline import START
from tests.scenario import Fresh, Scenario, in_every_order
from tests.scenario_acts import merge


def at(days: float) -> str:
    """A timestamp so many days after the first one."""
    return format_time(START + timedelta(days=days))


async def test_a_message_is_accepted_once_whatever_it_holds(scene: Scenario) -> None:
    first = scene.event("u1")
    (one_id,) = await scene.send(first)
    again = await scene.result(
        {**first, "userId": scene.names.value("u2"), "anonymousId": scene.names.value("a1")}
    )
    assert (again["status"], again["oneId"], again["userErrors"]) == ("DUPLICATE", one_id, [])
    assert await scene.partition() == {"u1"}
    assert await scene.decisions("m1") == ["CREATED u1"]


async def test_an_event_finds_all_owners_of_its_identifiers(scene: Scenario) -> None:
    first, *_ = await scene.send("u1", "p1", "a1", "c1")
    assert await scene.send("c1 a1 p1 u1") == [first]
    assert await scene.partition() == {"a1 c1 p1 u1"}
    (entry,) = await scene.log(message="m5")
    assert (entry["kind"], len(entry["mergedOneIds"])) == ("MERGED", 3)


async def test_an_event_that_changes_nothing_leaves_no_entry(scene: Scenario) -> None:
    await scene.send("u1 a1", "u1 a1", "u1", "a1")
    assert [await scene.decisions(f"m{n}") for n in (1, 2, 3, 4)] == [["CREATED a1 u1"], [], [], []]


async def test_chains_join_in_every_order(fresh: Fresh) -> None:
    async def check(scene: Scenario) -> None:
        assert await scene.partition() == {"a1 c1 d1 p1 u1"}

    await in_every_order(fresh, ["u1 p1", "p1 c1", "c1 d1", "d1 a1"], check)


async def test_the_oldest_customer_stays_whichever_identifier_is_stronger(scene: Scenario) -> None:
    cookie, user = await scene.send("a1", "u1")
    assert await scene.send("u1 a1") == [cookie]
    assert await scene.one_id(user) == cookie


async def test_former_one_ids_are_flattened(scene: Scenario) -> None:
    ids = await scene.send("a1", "a2", "a3", "c1")
    await scene.send("a3 c1", "a2 c1", "a1 c1")
    assert [await scene.one_id(one_id) for one_id in ids] == [ids[0]] * 4
    customer = await scene.customer("c1")
    assert customer
    assert sorted(customer["formerOneIds"]) == sorted(ids[1:])


async def test_a_batch_answers_as_if_its_events_had_come_one_by_one(scene: Scenario) -> None:
    events = [scene.event(text) for text in ("a1 d1", "a1 d1 u1", "a2 d2", "a2 d2 u1")]
    results = await scene.api.ingest(*events)
    first, second, third, fourth = [result["oneId"] for result in results]
    assert (second, fourth) == (first, first)
    assert third != first
    assert await scene.one_id(third) == first


async def test_two_users_never_join_by_a_phone_in_any_order(fresh: Fresh) -> None:
    async def check(scene: Scenario) -> None:
        parts = await scene.partition()
        assert parts in ({"p1 u1", "u2"}, {"p1 u2", "u1"})

    await in_every_order(fresh, ["u1 p1", "u2 p1", "p1"], check)


async def test_the_weakest_type_goes_first_and_all_its_values(scene: Scenario) -> None:
    await scene.send("u1 p1 d1 a1", "u2 e1 p1 d1 a1 a2")
    assert await scene.partition() == {"a1 d1 p1 u1", "e1 u2"}
    assert await scene.decisions("m2") == ["CREATED e1 u2", "DEMOTED e1 u2 - a1 a2 d1 p1 (LIMIT)"]


async def test_an_event_without_user_that_would_join_two_goes_to_the_stronger_side(scene: Scenario) -> None:
    first, _ = await scene.send("u1 p1", "u2 a1")
    assert await scene.send("p1 a1") == [first]
    assert await scene.partition() == {"p1 u1", "a1 u2"}
    assert await scene.decisions("m3") == ["DEMOTED p1 - a1 (LIMIT)"]


async def test_one_type_left_keeps_its_first_value(scene: Scenario) -> None:
    first, _ = await scene.send("u1 c1", "u2 c2")
    assert await scene.send("c1 c2") == [first]
    assert await scene.decisions("m3") == ["DEMOTED c1 - c2 (LIMIT)"]
    assert await scene.partition() == {"c1 u1", "c2 u2"}


async def test_the_sixth_value_of_a_type_stays_out(scene: Scenario) -> None:
    await scene.send(*(f"u1 p{n}" for n in range(1, 7)))
    assert await scene.partition() == {"p1 p2 p3 p4 p5 u1"}
    assert await scene.decisions("m6") == ["DEMOTED u1 - p6 (LIMIT)"]
    (other,) = await scene.send("p6")
    assert other != await scene.one_id("u1")


async def test_merging_counts_what_all_hold(scene: Scenario) -> None:
    await scene.send(*(f"a1 c{n}" for n in range(1, 4)), *(f"p1 c{n}" for n in range(4, 7)), "p1 a1")
    assert await scene.partition() == {"a1 c1 c2 c3", "c4 c5 c6 p1"}
    assert await scene.decisions("m7") == ["DEMOTED p1 - a1 (LIMIT)"]


async def test_limit_0_is_unlimited(scene: Scenario) -> None:
    await scene.rules(types=[{"type": "member_card", "limit": 0}])
    await scene.send(*(f"u1 c{n}" for n in range(1, 10)))
    assert await scene.partition() == {"c1 c2 c3 c4 c5 c6 c7 c8 c9 u1"}


async def test_cookies_outside_the_window_do_not_count(scene: Scenario) -> None:
    for n in range(1, 7):
        await scene.send(scene.event(f"u1 a{n}", timestamp=at(n * 1.5)))
    assert await scene.partition() == {"a1 a2 a3 a4 a5 a6 u1"}


async def test_cookies_within_the_window_count(scene: Scenario) -> None:
    for n in range(1, 7):
        await scene.send(scene.event(f"u1 a{n}", timestamp=at(n)))
    assert await scene.partition() == {"a1 a2 a3 a4 a5 u1"}
    assert await scene.decisions("m6") == ["DEMOTED u1 - a6 (LIMIT)"]


async def test_a_late_event_counts_what_was_seen_after_it(scene: Scenario) -> None:
    """lastSeenAt >= event time - window holds for everything newer, too."""
    for n in range(1, 6):
        await scene.send(scene.event(f"u1 a{n}", timestamp=at(30 + n)))
    await scene.send(scene.event("u1 a6", timestamp=at(0)))
    assert await scene.partition() == {"a1 a2 a3 a4 a5 u1"}


async def test_the_edge_of_the_window_is_inside(scene: Scenario) -> None:
    for days, inside in ((7, True), (7.001, False)):
        other = Scenario(scene.api)
        for n in range(1, 6):
            await other.send(other.event(f"u1 a{n}", timestamp=at(0)))
        await other.send(other.event("u1 a6", timestamp=at(days)))
        assert (await other.decisions("m6") == ["DEMOTED u1 - a6 (LIMIT)"]) is inside


async def test_window_0_counts_for_ever(scene: Scenario) -> None:
    await scene.rules(types=[{"type": "anonymous_id", "windowDays": 0}])
    for n in range(1, 7):
        await scene.send(scene.event(f"u1 a{n}", timestamp=at(n * 10)))
    assert await scene.partition() == {"a1 a2 a3 a4 a5 u1"}


async def test_first_and_last_seen_are_event_times_and_a_demoted_value_is_not_refreshed(
    scene: Scenario,
) -> None:
    for days in (5, 2, 9):
        await scene.send(scene.event("u1 a1", timestamp=at(days)))
    await scene.send(scene.event("u2 a1", timestamp=at(20)))
    customer = await scene.customer("a1")
    assert customer
    seen = {scene.names.short(i): (i["firstSeenAt"], i["lastSeenAt"]) for i in customer["identifiers"]}
    assert seen == {"u1": (at(2), at(9)), "a1": (at(2), at(9))}


async def test_over_the_merge_cap_nothing_merges(scene: Scenario) -> None:
    await scene.rules(maxMerges=1)
    first, second, third = await scene.send("u1", "c1", "d1")
    assert await scene.send("u1 c1") == [first]
    assert await scene.send("d1 u1 a1") == [first]
    assert await scene.partition() == {"a1 c1 u1", "d1"}
    assert await scene.decisions("m5") == ["ADDED a1 u1", "CAPPED a1 u1 - d1 (MAX_MERGES)"]
    assert await scene.one_id(third) == third
    assert await scene.one_id(second) == first


async def test_merges_of_all_candidates_are_summed(scene: Scenario) -> None:
    await scene.rules(maxMerges=2)
    await scene.send("c1", "d1", "c1 d1", "p1", "o1", "p1 o1")
    capped = await scene.send("p1 c1")
    assert capped == [await scene.one_id("p1")]
    assert await scene.partition() == {"c1 d1", "o1 p1"}
    await scene.rules(maxMerges=3)
    await scene.send("p1 c1")
    assert await scene.partition() == {"c1 d1 o1 p1"}


async def test_an_operators_merge_counts_and_may_pass_the_limits(scene: Scenario) -> None:
    await scene.rules(maxMerges=1)
    first, second, _ = await scene.send("u1", "u2", "c1")
    assert await merge(scene, "u1", "u2") == first
    assert await scene.partition() == {"u1 u2", "c1"}
    assert await scene.send("u1 c1") == [first]
    assert await scene.partition() == {"u1 u2", "c1"}
    assert await scene.one_id(second) == first


async def test_over_the_identifier_cap_nothing_is_mapped(scene: Scenario) -> None:
    await scene.rules(maxIdentifiers=3)
    first, _, third = await scene.send("u1 c1 d1", "p1", "u1 a1")
    assert third == first
    assert await scene.decisions("m3") == ["CAPPED u1 - a1 (MAX_IDENTIFIERS)"]
    assert await scene.send("u1 p1") == [first]
    assert await scene.partition() == {"c1 d1 u1", "p1"}


async def test_rules_are_not_retroactive(scene: Scenario) -> None:
    first, *_ = await scene.send("u1 c1", "u1 c2", "u1 c3")
    version = await scene.rules(types=[{"type": "member_card", "limit": 1}])
    assert await scene.send("u1 c2", "c1 c3") == [first, first]
    assert await scene.send("u1 c4") == [first]
    assert await scene.partition() == {"c1 c2 c3 u1"}
    (entry,) = await scene.log(message="m6")
    assert (scene.told(entry), entry["ruleVersion"]) == ("DEMOTED u1 - c4 (LIMIT)", version)


@pytest.mark.parametrize("kind", ["n", "y"])
async def test_other_strong_ids_are_one_a_customer(scene: Scenario, kind: str) -> None:
    await scene.send(f"{kind}1 p1", f"{kind}2 p1")
    assert await scene.partition() == {" ".join(sorted((f"{kind}1", "p1"))), f"{kind}2"}


async def test_the_survivor_has_the_events_of_all(scene: Scenario) -> None:
    _, second, *_ = await scene.send("u1", "p1", "u1 p1", "c1", wait="INDEXED")
    assert await scene.events("p1") == ["m1", "m2", "m3"]
    assert await scene.events(second) == ["m1", "m2", "m3"]
    await merge(scene, "u1", "c1")
    assert await scene.events("u1") == ["m1", "m2", "m3", "m4"]
