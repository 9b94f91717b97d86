"""Values that too many share: they join nobody any more, and whom they had joined are rebuilt without them."""

from typing import Any

from graph.rules import RulesStore
from oneid.bootstrap import rebuilding, stewardship
from oneid.domain.rules import RulesChange, TypeChange
from tests.pipeline import Pipeline, event

PHONE = "13800138000"
SHARED = "phone:+8613800138000"


async def generic_after(pipeline: Pipeline, count: int, anchor: str = "user_id", **more: Any) -> None:
    change = RulesChange(
        types=(
            TypeChange("phone", generic_after=count, generic_anchor=anchor),
            TypeChange("user_id", limit=0),
        ),
        **more,
    )
    await RulesStore(pipeline.stores.graph).change(change.apply)


async def test_a_value_seen_with_too_many_anchors_joins_nobody_and_whom_it_joined_are_apart(
    pipeline: Pipeline,
) -> None:
    await generic_after(pipeline, 2)
    first, second = await pipeline.ingest(
        event(user_id="u1", phone=PHONE, message_id="e1"),
        event(user_id="u2", phone=PHONE, device_id="d2", message_id="e2"),
    )
    assert first == second
    (third,) = await pipeline.ingest(event(user_id="u3", phone=PHONE, message_id="e3"))
    (alone,) = await pipeline.ingest(event(phone=PHONE, message_id="e4"))

    assert alone is None
    assert await pipeline.owner("phone", "+8613800138000") is None
    owners = [await pipeline.owner("user_id", user) for user in ("u1", "u2", "u3")]
    assert owners[0] == first
    assert owners[2] == third
    assert len(set(owners)) == 3
    assert await pipeline.keys(owners[1]) == {"user_id:u2", "device_id:d2"}
    found = await pipeline.stores.events.get(["e1", "e2", "e3"])
    assert [found[name].one_id for name in ("e1", "e2", "e3")] == owners


async def test_the_event_that_tips_the_scale_answers_with_its_customer_after_the_rebuild(
    pipeline: Pipeline,
) -> None:
    await generic_after(pipeline, 1)
    (one,) = await pipeline.ingest(event(user_id="u1", phone=PHONE))
    (two,) = await pipeline.ingest(event(user_id="u2", phone=PHONE))
    assert one != two
    assert await pipeline.keys(two) == {"user_id:u2"}


async def test_events_that_named_only_the_shared_value_become_nobodys(pipeline: Pipeline) -> None:
    await generic_after(pipeline, 1)
    await pipeline.ingest(
        event(phone=PHONE, message_id="alone"),
        event(user_id="u1", phone=PHONE, message_id="e1"),
        event(user_id="u2", phone=PHONE, message_id="e2"),
    )
    await pipeline.stores.events.refresh()
    found = await pipeline.stores.events.get(["alone", "e1"])
    assert found["alone"].one_id is None
    assert found["e1"].one_id == await pipeline.owner("user_id", "u1")


async def test_other_evidence_keeps_people_together(pipeline: Pipeline) -> None:
    await generic_after(pipeline, 2)
    (one, *_) = await pipeline.ingest(
        event(user_id="u1", phone=PHONE),
        event(user_id="u2", phone=PHONE),
        event(user_id="u1", device_id="d1"),
        event(user_id="u2", device_id="d1"),
        event(user_id="u3", phone=PHONE),
    )
    assert await pipeline.keys(one) == {"user_id:u1", "user_id:u2", "device_id:d1"}


async def test_attributes_go_with_the_events_that_wrote_them(pipeline: Pipeline) -> None:
    await generic_after(pipeline, 2)
    for number, city in ((1, "上海"), (2, "北京"), (3, "广州")):
        traits = {"traits": {"city": city}}
        await pipeline.ingest(event(user_id=f"u{number}", phone=PHONE, kind="identify", extra=traits))
    cities = [
        (await pipeline.customer(await pipeline.owner("user_id", f"u{number}"))).attributes["city"].value
        for number in (1, 2, 3)
    ]
    assert cities == ["上海", "北京", "广州"]


async def test_a_crash_before_the_rebuild_is_made_good(pipeline: Pipeline) -> None:
    await generic_after(pipeline, 1)
    await pipeline.ingest(event(user_id="u1", phone=PHONE), event(phone=PHONE, device_id="d1"))
    await pipeline.append([event(user_id="u2", phone=PHONE)])
    entries = await pipeline.stores.log.read(0, pipeline.holder, 10, 1)
    batch = await pipeline.service.apply(entries)
    await pipeline.service.store(batch)
    await pipeline.service.finish(entries, batch)
    one = await pipeline.owner("user_id", "u1")
    assert await pipeline.owner("device_id", "d1") == one

    assert await rebuilding(pipeline.stores).run_once() == 1
    assert await rebuilding(pipeline.stores).run_once() == 0

    assert await pipeline.owner("user_id", "u1") == one
    assert await pipeline.owner("device_id", "d1") != one


async def test_a_customer_that_is_merged_before_its_rebuild_is_rebuilt_as_part_of_the_other(
    pipeline: Pipeline,
) -> None:
    await generic_after(pipeline, 1)
    (older,) = await pipeline.ingest(event(member_card="c1"))
    await pipeline.ingest(event(user_id="u1", phone=PHONE), event(phone=PHONE, device_id="d1"))
    await pipeline.append([event(user_id="u2", phone=PHONE)])
    entries = await pipeline.stores.log.read(0, pipeline.holder, 10, 1)
    batch = await pipeline.service.apply(entries)
    await pipeline.service.store(batch)
    await pipeline.service.finish(entries, batch)
    marked = await pipeline.owner("user_id", "u1")
    assert older
    assert marked
    await stewardship(pipeline.stores).merge(older, [marked], None)

    assert await rebuilding(pipeline.stores).run_once() == 1
    assert await rebuilding(pipeline.stores).run_once() == 0

    assert await pipeline.keys(older) == {"member_card:c1", "user_id:u1"}
    assert await pipeline.owner("device_id", "d1") not in (None, older)
