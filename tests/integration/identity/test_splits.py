"""Taking a merge back: unlink and split, driven through the services on the real graph and index."""

import pytest

from graph.customers import Customers
from graph.decisions import DecisionLog
from oneid.bootstrap import stewardship, upkeep
from oneid.domain.decisions import DecisionKind
from oneid.domain.identifiers import Identifier
from oneid.errors import InvalidInput, NotFound
from oneid.services.stewardship import Split, StewardshipService
from tests.integration.identity.test_reprocessing import reprocess
from tests.pipeline import Pipeline, event
from tests.rehoming import look_again

PHONE = "+8613800138000"


@pytest.fixture
def steward(pipeline: Pipeline) -> StewardshipService:
    return stewardship(pipeline.stores)


def ids(*keys: str) -> list[Identifier]:
    return [Identifier.from_key(key) for key in keys]


async def events_of(pipeline: Pipeline, one_id: str) -> list[str]:
    record = await pipeline.customer(one_id)
    page = await pipeline.stores.events.by_customer([record.one_id, *record.former_one_ids])
    return sorted(event.message.message_id for event in page.nodes)


async def test_an_unlinked_identifier_goes_where_the_next_evidence_says(
    pipeline: Pipeline, steward: StewardshipService
) -> None:
    (one,) = await pipeline.ingest(event(user_id="u1", phone="13800138000", message_id="first"))
    assert await steward.unlink(Identifier("phone", "+8613800138000"), "wrong number") == one
    two, again = await pipeline.ingest(
        event(user_id="u2", phone="13800138000", message_id="second"),
        event(phone="13800138000", message_id="third"),
    )
    assert again == two != one
    assert await pipeline.keys(one) == {"user_id:u1"}
    assert await pipeline.keys(two) == {"user_id:u2", "phone:+8613800138000"}
    await pipeline.stores.events.refresh()
    assert await events_of(pipeline, one or "") == ["first"]
    assert await events_of(pipeline, two or "") == ["second", "third"]
    (unlinked,) = await DecisionLog(pipeline.stores.graph).page(10, kinds=[DecisionKind.UNLINKED])
    assert (unlinked.one_id, unlinked.manual, unlinked.reason) == (one, True, "wrong number")
    assert unlinked.dropped == (Identifier("phone", "+8613800138000"),)


async def test_unlinking_what_nobody_has_is_refused(pipeline: Pipeline, steward: StewardshipService) -> None:
    with pytest.raises(NotFound):
        await steward.unlink(Identifier("phone", "+8613800138000"), None)
    assert await DecisionLog(pipeline.stores.graph).page(10) == []


async def test_a_split_gives_the_former_one_id_back_with_events_and_attributes(
    pipeline: Pipeline, steward: StewardshipService
) -> None:
    one, two = await pipeline.ingest(
        event(
            user_id="u1", message_id="e1", kind="identify", extra={"traits": {"city": "上海", "vip": True}}
        ),
        event(
            anonymous_id="a1", message_id="e2", kind="identify", extra={"traits": {"city": "北京", "age": 30}}
        ),
    )
    await pipeline.ingest(event(user_id="u1", anonymous_id="a1", message_id="e3"))
    assert one
    assert two
    assert (await pipeline.customer(two)).one_id == one

    assert await steward.split(Split(one, ids("anonymous_id:a1"))) == (one, two)

    kept, off = await pipeline.customer(one), await pipeline.customer(two)
    assert (off.one_id, off.former_one_ids, kept.former_one_ids) == (two, (), ())
    assert await pipeline.keys(one) == {"user_id:u1"}
    assert await pipeline.keys(two) == {"anonymous_id:a1"}
    assert {key: held.value for key, held in kept.attributes.items()} == {"city": "上海", "vip": True}
    assert {key: held.value for key, held in off.attributes.items()} == {"city": "北京", "age": 30}
    assert await events_of(pipeline, one) == ["e1", "e3"]
    assert await events_of(pipeline, two) == ["e2"]


async def test_the_part_with_the_oldest_identifier_keeps_the_one_id(
    pipeline: Pipeline, steward: StewardshipService
) -> None:
    (one,) = await pipeline.ingest(event(user_id="u1", anonymous_id="a1"))
    await pipeline.ingest(event(user_id="u1", device_id="d1"))
    assert one

    kept, off = await steward.split(Split(one, ids("user_id:u1", "anonymous_id:a1")))

    assert kept == one
    assert off != one
    assert await pipeline.keys(kept) == {"user_id:u1", "anonymous_id:a1"}
    assert await pipeline.keys(off) == {"device_id:d1"}


async def test_a_sticky_split_is_respected_by_later_evidence(
    pipeline: Pipeline, steward: StewardshipService
) -> None:
    (one,) = await pipeline.ingest(event(user_id="u1", anonymous_id="a1"))
    assert one
    kept, off = await steward.split(Split(one, ids("anonymous_id:a1"), sticky=True))

    both, late = await pipeline.ingest(
        event(user_id="u1", anonymous_id="a1", message_id="both"),
        event(anonymous_id="a1", device_id="d1", message_id="late"),
    )
    (third,) = await pipeline.ingest(event(user_id="u1", device_id="d1", message_id="third"))

    assert (both, late, third) == (kept, off, kept)
    assert await pipeline.keys(kept) == {"user_id:u1"}
    assert await pipeline.keys(off) == {"anonymous_id:a1", "device_id:d1"}
    (demoted,) = await DecisionLog(pipeline.stores.graph).page(10, message_id="third")
    assert (demoted.kind, demoted.dropped) == (DecisionKind.DEMOTED, (Identifier("device_id", "d1"),))


async def test_a_split_that_is_not_sticky_is_undone_by_the_next_evidence(
    pipeline: Pipeline, steward: StewardshipService
) -> None:
    (one,) = await pipeline.ingest(event(user_id="u1", anonymous_id="a1"))
    assert one
    kept, off = await steward.split(Split(one, ids("anonymous_id:a1")))
    assert await pipeline.ingest(event(user_id="u1", anonymous_id="a1")) == [kept]
    assert (await pipeline.customer(off)).one_id == kept
    assert await pipeline.keys(kept) == {"user_id:u1", "anonymous_id:a1"}


async def test_merging_a_split_back_makes_no_cycle(pipeline: Pipeline, steward: StewardshipService) -> None:
    one, two = await pipeline.ingest(event(user_id="u1"), event(anonymous_id="a1"))
    await pipeline.ingest(event(user_id="u1", anonymous_id="a1"))
    assert one
    assert two
    for sticky in (False, True):
        assert await steward.split(Split(one, ids("anonymous_id:a1"), sticky)) == (one, two)
        assert await steward.merge(one, [two], "one after all") == one
    assert await steward.split(Split(one, ids("anonymous_id:a1"))) == (one, two)
    assert await steward.merge(two, [one], "the other way round") == two
    assert (await pipeline.customer(one)).one_id == two
    assert (await pipeline.customer(two)).former_one_ids == (one,)
    assert await pipeline.ingest(event(user_id="u1", anonymous_id="a1")) == [two]


async def test_other_former_one_ids_follow_the_identifiers_they_named(
    pipeline: Pipeline, steward: StewardshipService
) -> None:
    one, two, three = await pipeline.ingest(
        event(user_id="u1"), event(anonymous_id="a1"), event(device_id="d1")
    )
    await pipeline.ingest(event(user_id="u1", anonymous_id="a1"), event(user_id="u1", device_id="d1"))
    assert one
    assert await steward.split(Split(one, ids("anonymous_id:a1", "device_id:d1"))) == (one, two)
    found = await Customers(pipeline.stores.graph).by_one_ids([one or "", two or "", three or ""])
    assert {asked: record.one_id for asked, record in found.items()} == {one: one, two: two, three: two}


async def test_events_that_a_merge_was_still_to_move_go_where_what_they_name_has_stayed(
    pipeline: Pipeline, steward: StewardshipService
) -> None:
    one, two = await pipeline.ingest(
        event(user_id="u1", message_id="e1"), event(phone=PHONE, anonymous_id="a1", message_id="e2")
    )
    await pipeline.ingest(
        event(anonymous_id="a1", message_id="e3"),
        event(phone=PHONE, message_id="e4"),
        event(user_id="u1", phone=PHONE, message_id="e5"),
    )
    assert one
    assert await steward.split(Split(one, ids(f"phone:{PHONE}"), sticky=True)) == (one, two)
    assert await events_of(pipeline, one) == ["e1", "e2", "e3", "e5"]
    assert await events_of(pipeline, two or "") == ["e4"]
    await pipeline.ingest(event(phone=PHONE, anonymous_id="a1", message_id="e6"))
    await look_again(pipeline.stores)
    assert await events_of(pipeline, one) == ["e1", "e2", "e3", "e5"]
    assert await events_of(pipeline, two or "") == ["e4", "e6"]


async def test_events_under_a_former_one_id_that_follows_the_part_go_where_what_they_name_has_stayed(
    pipeline: Pipeline, steward: StewardshipService
) -> None:
    one, two, three = await pipeline.ingest(
        event(user_id="u1", message_id="e1"),
        event(phone=PHONE, message_id="e2"),
        event(device_id="d1", message_id="e3"),
    )
    await pipeline.ingest(
        event(device_id="d1", member_card="c1", message_id="e4"),
        event(member_card="c1", message_id="e5"),
        event(user_id="u1", phone=PHONE, device_id="d1", message_id="e6"),
    )
    assert one
    assert await steward.split(Split(one, ids(f"phone:{PHONE}", "device_id:d1"))) == (one, two)
    assert (await pipeline.customer(three)).one_id == two
    await look_again(pipeline.stores)
    assert await events_of(pipeline, one) == ["e1", "e4", "e5", "e6"]
    assert await events_of(pipeline, two or "") == ["e2", "e3"]


@pytest.mark.parametrize(
    ("named", "error"),
    [([], InvalidInput), (["user_id:u2"], NotFound), (["user_id:u1", "anonymous_id:a1"], InvalidInput)],
)
async def test_a_refused_split_changes_nothing(
    pipeline: Pipeline, steward: StewardshipService, named: list[str], error: type[Exception]
) -> None:
    (one,) = await pipeline.ingest(event(user_id="u1", anonymous_id="a1"))
    before = await pipeline.customer(one)
    with pytest.raises(error):
        await steward.split(Split(one or "", ids(*named)))
    assert await pipeline.customer(one) == before
    assert await DecisionLog(pipeline.stores.graph).page(10, kinds=[DecisionKind.SPLIT]) == []


async def test_an_event_stored_just_after_the_split_follows_by_the_second_look(
    pipeline: Pipeline, steward: StewardshipService
) -> None:
    (one,) = await pipeline.ingest(event(user_id="u1", anonymous_id="a1", message_id="e1"))
    await pipeline.append([event(anonymous_id="a1", message_id="slow")])
    (entry,) = await pipeline.stores.log.read(0, pipeline.holder, 10, 1)
    batch = await pipeline.service.apply([entry])
    assert one
    _, off = await steward.split(Split(one, ids("anonymous_id:a1")))
    await pipeline.service.store(batch)
    await pipeline.service.finish([entry], batch)
    await pipeline.stores.events.refresh()
    assert await events_of(pipeline, one) == ["e1", "slow"]

    rehoming = upkeep(pipeline.stores).rehoming
    await pipeline.stores.graph.write("test.due", "MATCH (d:Division) SET d.moveAfter = 1")
    assert await rehoming.run_once() == 1
    assert await rehoming.run_once() == 0
    assert await events_of(pipeline, one) == ["e1"]
    assert await events_of(pipeline, off) == ["slow"]


async def test_events_of_after_the_split_stay_where_they_were_resolved_to(
    pipeline: Pipeline, steward: StewardshipService
) -> None:
    (one,) = await pipeline.ingest(event(user_id="u1", phone=PHONE, message_id="e1"))
    assert one
    _, off = await steward.split(Split(one, ids(f"phone:{PHONE}"), sticky=True))
    await pipeline.ingest(event(user_id="u1", email="x@y.cn", message_id="e2"))
    assert await pipeline.ingest(event(email="x@y.cn", phone=PHONE, message_id="e3")) == [one]
    await look_again(pipeline.stores)
    assert await events_of(pipeline, one) == ["e1", "e2", "e3"]
    assert await events_of(pipeline, off) == []


async def test_events_that_name_what_was_split_off_and_has_come_back_since_are_not_the_parts(
    pipeline: Pipeline, steward: StewardshipService
) -> None:
    (one,) = await pipeline.ingest(event(user_id="u1", phone=PHONE, message_id="e1"))
    assert one
    _, off = await steward.split(Split(one, ids(f"phone:{PHONE}")))
    await steward.unlink(Identifier.from_key(f"phone:{PHONE}"), None)
    await pipeline.ingest(event(user_id="u1", phone=PHONE, message_id="e2"))
    assert await pipeline.ingest(event(phone=PHONE, message_id="e3")) == [one]
    await look_again(pipeline.stores)
    assert await events_of(pipeline, one) == ["e1", "e2", "e3"]
    assert await events_of(pipeline, off) == []


async def test_what_is_merged_in_after_a_split_keeps_its_history_live_and_reprocessed(
    pipeline: Pipeline, steward: StewardshipService
) -> None:
    one, two = await pipeline.ingest(
        event(user_id="u1", phone=PHONE, message_id="e1"), event(user_id="u2", phone=PHONE, message_id="e2")
    )
    assert one
    assert two
    _, off = await steward.split(Split(one, ids(f"phone:{PHONE}")))
    await steward.merge(one, [two], None)
    for again in (look_again, reprocess, look_again):
        await again(pipeline.stores)
        assert await pipeline.stores.events.homes([one, two, off]) == {one}
        assert await events_of(pipeline, one) == ["e1", "e2"]


async def test_who_had_the_identifier_before_and_is_merged_in_keeps_what_named_it_alone(
    pipeline: Pipeline, steward: StewardshipService
) -> None:
    (one,) = await pipeline.ingest(event(phone=PHONE, message_id="e1"))
    await pipeline.ingest(event(user_id="u1", phone=PHONE, message_id="e2"))
    await steward.unlink(Identifier.from_key(f"phone:{PHONE}"), None)
    (two,) = await pipeline.ingest(event(user_id="u2", phone=PHONE, message_id="e3"))
    assert one
    assert two
    _, off = await steward.split(Split(two, ids(f"phone:{PHONE}")))
    await steward.merge(two, [one], None)
    for again in (look_again, reprocess, look_again):
        await again(pipeline.stores)
        assert await events_of(pipeline, two) == ["e1", "e2", "e3"]
        assert await events_of(pipeline, off) == []


async def test_an_event_stored_just_after_the_split_follows_although_its_customer_was_merged_away_since(
    pipeline: Pipeline, steward: StewardshipService
) -> None:
    (one, two) = await pipeline.ingest(
        event(user_id="u1", anonymous_id="a1", message_id="e1"), event(user_id="u2", message_id="e2")
    )
    await pipeline.append([event(anonymous_id="a1", message_id="slow")])
    entries = await pipeline.stores.log.read(0, pipeline.holder, 10, 1)
    batch = await pipeline.service.apply(entries)
    assert one
    assert two
    _, off = await steward.split(Split(one, ids("anonymous_id:a1")))
    await steward.merge(two, [one], None)
    await pipeline.service.store(batch)
    await pipeline.service.finish(entries, batch)
    await upkeep(pipeline.stores).rehoming.run_once()
    await look_again(pipeline.stores)
    assert await events_of(pipeline, two) == ["e1", "e2"]
    assert await events_of(pipeline, off) == ["slow"]
    assert await pipeline.stores.events.homes([one, two]) == {two}
