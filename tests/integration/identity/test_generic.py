"""Values that too many share: they join nobody any more, and whom they had joined are rebuilt without them."""

from typing import Any

import pytest

from graph import pauses
from graph.rules import RulesStore
from oneid.bootstrap import rebuilding, stewardship
from oneid.clock import sequence
from oneid.domain.decisions import DecisionKind
from oneid.domain.identifiers import Identifier
from oneid.domain.messages import Item
from oneid.domain.rules import RulesChange, TypeChange
from oneid.errors import Retriable
from oneid.log.events import Entry
from oneid.services.stewardship import Split
from oneid.services.upserts import Upsert, UpsertService
from tests.pipeline import Pipeline, event, open_pipeline
from tests.rehoming import look_again

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
    await pipeline.stores.events.refresh()
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


async def test_events_that_name_the_shared_value_beside_what_was_linked_since_stay_their_customers(
    pipeline: Pipeline,
) -> None:
    await generic_after(pipeline, 1)
    await pipeline.ingest(
        event(phone=PHONE), event(user_id="u1", phone=PHONE), event(user_id="u2", phone=PHONE)
    )
    (one,) = await pipeline.ingest(event(user_id="u1", device_id="d1"))
    assert await pipeline.ingest(event(device_id="d1", phone=PHONE, message_id="later")) == [one]
    await look_again(pipeline.stores)
    assert (await pipeline.stores.events.get(["later"]))["later"].one_id == one


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


async def test_a_batch_gives_the_same_customers_as_its_events_one_by_one(pipeline: Pipeline) -> None:
    await generic_after(pipeline, 2, "device_id")
    named = [{"device_id": f"d{n}", "phone": PHONE} for n in (1, 2, 3)]
    items = [*(event(**keys) for keys in named), *(event(device_id=f"d{n}", user_id=f"u{n}") for n in (1, 2))]
    for wrapped in ([items], [[item] for item in items]):
        for entry in wrapped:
            await pipeline.append(entry)
        batch = await pipeline.drain()
        owners = [await pipeline.owner("device_id", f"d{n}") for n in (1, 2, 3)]
        assert [await pipeline.keys(owner) for owner in owners] == [
            {"device_id:d1", "user_id:u1"},
            {"device_id:d2", "user_id:u2"},
            {"device_id:d3"},
        ]
        assert [received.one_id for received in batch] == [*owners, *owners[:2]]
        await pipeline.stores.events.refresh()
        found = await pipeline.stores.events.get([item["messageId"] for item in items])
        assert [found[item["messageId"]].one_id for item in items] == [*owners, *owners[:2]]
        await begin_again(pipeline, items)


async def begin_again(pipeline: Pipeline, items: list[Item]) -> None:
    await pipeline.stores.graph.write(
        "test.wipe", "MATCH (n) WHERE n:Customer OR n:Identifier OR n:Decision OR n:Division DETACH DELETE n"
    )
    for item in items:
        item["messageId"] += "-again"


async def test_the_event_that_tips_the_scale_finds_its_customer_after_the_rebuild(pipeline: Pipeline) -> None:
    """As a deployment would that had known all along: u2 is no longer over the limit of d2's customer."""
    await generic_after(pipeline, 2, "device_id")
    await RulesStore(pipeline.stores.graph).change(RulesChange(types=(TypeChange("user_id", limit=1),)).apply)
    await pipeline.ingest(
        event(device_id="d1", phone=PHONE),
        event(device_id="d2", phone=PHONE),
        event(device_id="d1", user_id="u1"),
        event(device_id=["d2", "d3"], user_id="u2", phone=PHONE),
    )
    assert await pipeline.keys(await pipeline.owner("device_id", "d1")) == {"device_id:d1", "user_id:u1"}
    assert await pipeline.keys(await pipeline.owner("device_id", "d2")) == {
        "device_id:d2",
        "device_id:d3",
        "user_id:u2",
    }


async def half_done(pipeline: Pipeline) -> list[Entry]:
    """An entry whose second message makes a phone generic; the first one is applied."""
    await generic_after(pipeline, 1)
    await pipeline.ingest(event(user_id="u1", phone=PHONE), event(phone=PHONE, device_id="d1"))
    first, *rest = event(member_card="c1"), event(user_id="u2", phone=PHONE), event(member_card=["c1", "c2"])
    await pipeline.append([first, *rest])
    entries = await pipeline.stores.log.read(0, pipeline.holder, 10, 1)
    batch = await pipeline.service.apply(entries)
    assert [received.message.payload for received in pipeline.service.waiting] == rest
    assert [received.one_id for received in batch] == [await pipeline.owner("member_card", "c1"), None, None]
    return entries


async def test_a_crash_before_the_rebuild_is_made_good(pipeline: Pipeline) -> None:
    entries = await half_done(pipeline)
    one = await pipeline.owner("user_id", "u1")
    assert await pipeline.owner("device_id", "d1") == one

    following = await open_pipeline(pipeline.stores, "another")
    batch = await following.process(entries)

    assert await pipeline.owner("user_id", "u1") == one
    assert await pipeline.owner("device_id", "d1") not in (None, one)
    card = await pipeline.owner("member_card", "c1")
    assert [received.one_id for received in batch] == [card, await pipeline.owner("user_id", "u2"), card]
    assert await pipeline.keys(card) == {"member_card:c1", "member_card:c2"}
    (created,) = await pipeline.decisions(batch[0].message.message_id)
    assert created.kind is DecisionKind.CREATED
    assert await pipeline.stores.log.backlog(0) == 0


async def test_identities_are_not_rebuilt_from_the_log_in_the_middle_of_a_batch(pipeline: Pipeline) -> None:
    graph = pipeline.stores.graph
    entries = await half_done(pipeline)
    with pytest.raises(Retriable):
        await pauses.pause(graph, "somebody", sequence() + 10**10)
    await (await open_pipeline(pipeline.stores, "another")).process(entries)
    assert entries[0].id in (await pauses.pause(graph, "somebody", sequence() + 10**10))[0]
    await pauses.resume(graph, "somebody")


async def test_a_customer_that_is_merged_before_its_rebuild_is_rebuilt_as_part_of_the_other(
    pipeline: Pipeline,
) -> None:
    (older,) = await pipeline.ingest(event(member_card="c9"))
    entries = await half_done(pipeline)
    marked = await pipeline.owner("user_id", "u1")
    assert older
    assert marked
    await stewardship(pipeline.stores).merge(older, [marked], None)

    assert await rebuilding(pipeline.stores).run_once() == 1
    assert await rebuilding(pipeline.stores).run_once() == 0

    assert await pipeline.keys(older) == {"member_card:c9", "user_id:u1"}
    assert await pipeline.owner("device_id", "d1") not in (None, older)
    await (await open_pipeline(pipeline.stores, "another")).process(entries)
    assert await pipeline.keys(await pipeline.owner("user_id", "u2")) == {"user_id:u2"}


async def test_what_is_written_directly_is_not_the_shared_values(pipeline: Pipeline) -> None:
    await generic_after(pipeline, 1)
    await pipeline.ingest(event(user_id="u1", phone=PHONE), event(user_id="u2", phone=PHONE))
    upserts = UpsertService(pipeline.stores.graph, pipeline.stores.clock, "CN")
    named = [("phone", PHONE), ("member_card", "c1"), ("device_id", "d1")]
    one, _ = await upserts.upsert(Upsert(named, set={"tier": "gold"}))
    written = (await pipeline.customer(one)).attributes["tier"]
    assert (written.value, written.identifier) == ("gold", "member_card:c1")
    _, off = await stewardship(pipeline.stores).split(Split(one, [Identifier("device_id", "d1")]))
    assert "tier" not in (await pipeline.customer(off)).attributes
