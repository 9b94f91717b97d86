"""Semantics 10: splits, sticky ones, and merging back."""

import pytest

from tests.scenario import Scenario
from tests.scenario_acts import Refused, merge, split


async def test_events_of_what_was_split_off_move_and_mixed_ones_stay(scene: Scenario) -> None:
    (first, *_) = await scene.send("u1 p1", "p1", "u1", "p1 u1", wait="INDEXED")
    kept, off = await split(scene, "u1", "p1")
    assert kept == first != off
    assert await scene.partition() == {"u1", "p1"}
    assert await scene.events("u1") == ["m1", "m3", "m4"]
    assert await scene.events("p1") == ["m2"]
    (entry,) = await scene.log(one_id=first, kind="SPLIT")
    assert scene.told(entry) == "SPLIT u1 - p1 (two)"
    assert (entry["manual"], entry["splitOneId"], entry["sticky"]) == (True, off, False)
    assert await scene.apart("u1", "p1") == "SPLIT u1 - p1 (two)"


async def test_a_split_at_once_after_the_merge_moves_the_same_events(scene: Scenario) -> None:
    first, second, *_ = await scene.send("u1", "p1 a1", "a1", "u1 p1", "p1", wait="INDEXED")
    assert await split(scene, "u1", "p1") == (first, second)
    assert await scene.partition() == {"a1 u1", "p1"}
    assert await scene.events("u1") == ["m1", "m2", "m3", "m4"]
    assert await scene.events("p1") == ["m5"]


async def test_the_part_with_the_oldest_identifier_keeps_the_one_id(scene: Scenario) -> None:
    (first, *_) = await scene.send("a1", "a1 u1", "u1 p1")
    kept, off = await split(scene, "u1", "a1")
    assert (kept, await scene.one_id("a1")) == (first, first)
    assert await scene.one_id("u1") == off
    assert await scene.partition() == {"a1", "p1 u1"}


async def test_who_was_merged_away_gets_the_former_one_id_back(scene: Scenario) -> None:
    first, second = await scene.send("u1 c1", "p1 a1")
    await scene.send("u1 p1")
    assert await split(scene, "u1", "p1", "a1") == (first, second)
    assert await scene.partition() == {"c1 u1", "a1 p1"}
    assert await scene.one_id(second) == second
    customer = await scene.customer("u1")
    assert customer
    assert customer["formerOneIds"] == []


async def test_a_new_one_id_where_the_oldest_identifier_was_never_somebody_else(scene: Scenario) -> None:
    first, second = await scene.send("u1 c1", "p1")
    await scene.send("u1 p1")
    kept, off = await split(scene, "u1", "c1")
    assert kept == first
    assert off not in (first, second)
    assert await scene.one_id(second) == first
    assert await scene.partition() == {"p1 u1", "c1"}


async def test_later_evidence_joins_again_unless_it_was_for_good(scene: Scenario) -> None:
    (first,) = await scene.send("u1 p1")
    await split(scene, "u1", "p1")
    assert await scene.send("u1 p1") == [first]
    assert await scene.partition() == {"p1 u1"}
    await split(scene, "u1", "p1", sticky=True)
    assert await scene.send("u1 p1") == [first]
    assert await scene.partition() == {"u1", "p1"}
    assert await scene.decisions("m3") == ["DEMOTED u1 - p1 (LIMIT)"]


async def test_a_sticky_split_holds_for_what_joins_a_side_later(scene: Scenario) -> None:
    await scene.send("u1 p1")
    await split(scene, "u1", "p1", sticky=True)
    await scene.send("u1 c1", "p1 a1", "c1 a1", "c1 d1", "a1 d1")
    assert await scene.partition() == {"c1 d1 u1", "a1 p1"}


async def test_an_operator_may_merge_what_was_split_for_good(scene: Scenario) -> None:
    (first,) = await scene.send("u1 p1")
    kept, off = await split(scene, "u1", "p1", sticky=True)
    assert await merge(scene, kept, off) == first
    assert await scene.send("u1 p1") == [first]
    assert await scene.partition() == {"p1 u1"}


async def test_merging_back_and_forth_makes_no_cycle(scene: Scenario) -> None:
    known = set(await scene.send("u1", "p1"))
    for into, other in (("u1", "p1"), ("p1", "u1"), ("p1", "u1"), ("u1", "p1")):
        one = await merge(scene, into, other)
        assert {await scene.one_id(one_id) for one_id in known} == {one}
        parts = await split(scene, "u1", "p1")
        known |= set(parts)
        assert [await scene.one_id("u1"), await scene.one_id("p1")] == [*parts]
        assert {await scene.one_id(one_id) for one_id in known} == set(parts)
    assert await scene.partition() == {"u1", "p1"}


async def test_what_cannot_be_split_or_merged_is_refused_and_nothing_changes(scene: Scenario) -> None:
    await scene.send("u1 p1", "u2")
    before = await scene.customer("u1")
    for names, error in (
        (("u1", "p1"), "INVALID identifiers"),
        ((), "INVALID identifiers"),
        (("p1", "u2"), r"NOT_FOUND identifiers\.1"),
    ):
        with pytest.raises(Refused, match=f"^{error}$"):
            await split(scene, "u1", *names)
    with pytest.raises(Refused, match=r"^NOT_FOUND customer$"):
        await split(scene, "nobody", "p1")
    with pytest.raises(Refused, match=r"^NOT_FOUND from\.1$"):
        await merge(scene, "u1", "u2", "a9")
    with pytest.raises(Refused, match=r"^REQUIRED from$"):
        await merge(scene, "u1")
    with pytest.raises(Refused, match=r"^NOT_FOUND into$"):
        await merge(scene, "nobody", "u1")
    assert await scene.customer("u1") == before
    assert await scene.partition() == {"p1 u1", "u2"}


async def test_attributes_go_with_the_events_that_wrote_them(scene: Scenario) -> None:
    await scene.send(
        scene.event("u1 p1", traits={"name": "Anna"}),
        scene.event("p1", traits={"city": "Xi'an"}),
        wait="INDEXED",
    )
    await split(scene, "u1", "p1")
    assert (await scene.attributes("u1"))["name"] == "Anna"
    assert (await scene.attributes("p1"))["city"] == "Xi'an"
    assert "city" not in await scene.attributes("u1")
    assert "name" not in await scene.attributes("p1")
