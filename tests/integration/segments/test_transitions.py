"""Entering and leaving: once for each change, by what customers do and by time alone."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from graph.memberships import Memberships
from graph.segments import Segments
from graph.transitions import Transitions
from oneid.bootstrap import Stores, attributes, building, searchable, stewardship, upkeep
from oneid.bootstrap.work import tags
from oneid.domain.catalog import AttributeType
from oneid.domain.segments.definitions import Segment, SegmentKind
from oneid.domain.segments.membership import TransitionKind
from oneid.services.attributes import DefinitionChange
from oneid.services.segments import NewSegment, SegmentChange, SegmentService
from oneid.services.tags import NewTag
from tests.integration.segments.conftest import HandClock
from tests.integration.segments.test_instants import MILLISECOND, ORDERED, WITHIN_30_DAYS, ingest, order
from tests.pipeline import Pipeline, event

ENTERED, LEFT = TransitionKind.ENTERED, TransitionKind.LEFT


async def created(segments: SegmentService, key: str, rule: dict[str, Any]) -> Segment:
    return await segments.create(NewSegment(key, key, SegmentKind.DYNAMIC, rule, personal=True))


async def told(stores: Stores) -> list[tuple[str, TransitionKind, int]]:
    """Who entered and left, in order: ONE-ID, what, and when in milliseconds."""
    found = await Transitions(stores.graph).page(1000)
    return [(one.one_id, one.kind, one.at) for one in found]


async def swept(stores: Stores) -> None:
    work = upkeep(stores)
    while await work.judging.wake() or await work.projection.run_once():
        pass


def ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


async def test_a_customer_enters_by_an_event_and_leaves_at_the_very_end_of_the_window(
    pipeline: Pipeline, stores: Stores, segments: SegmentService, clock: HandClock
) -> None:
    clock.at = ORDERED + timedelta(seconds=3)
    await created(segments, "recent", WITHIN_30_DAYS)
    (one_id,) = await ingest(pipeline, order("u1", ORDERED))
    ends = ORDERED + timedelta(days=30)

    clock.at = ends - MILLISECOND
    await swept(stores)
    assert await told(stores) == [(one_id, ENTERED, ms(ORDERED + timedelta(seconds=3)))]
    clock.at = ends + timedelta(seconds=4)
    await swept(stores)
    await swept(stores)

    assert (await told(stores))[1:] == [(one_id, LEFT, ms(ends))]


async def test_what_begins_and_ends_while_nobody_looks_is_told_with_its_instants(
    pipeline: Pipeline, stores: Stores, segments: SegmentService, clock: HandClock
) -> None:
    """A sequence that is true only a day later, and for a day; the clock jumps over both."""
    clock.at = ORDERED
    steps = {"steps": [{"name": "Cart"}], "without": {"name": "Order"}, "withinHours": 24, "lastDays": 1}
    await created(segments, "left-behind", {"sequence": steps})
    (one_id,) = await ingest(pipeline, event(user_id="u1", at=ORDERED, extra={"event": "Cart"}))

    clock.at = ORDERED + timedelta(days=40)
    await swept(stores)

    day = timedelta(days=1)
    assert await told(stores) == [(one_id, ENTERED, ms(ORDERED + day)), (one_id, LEFT, ms(ORDERED + 2 * day))]


async def test_what_time_changes_for_many_is_told_in_its_order(
    pipeline: Pipeline, stores: Stores, segments: SegmentService, clock: HandClock
) -> None:
    clock.at = ORDERED
    await created(segments, "recent", WITHIN_30_DAYS)
    times = [ORDERED - timedelta(hours=hours) for hours in (3, 9, 1, 12, 6)]
    await ingest(pipeline, *(order(f"u{n}", at) for n, at in enumerate(times)))

    clock.at = ORDERED + timedelta(days=40)
    await swept(stores)

    left = [at for _, kind, at in await told(stores) if kind is LEFT]
    assert left == [ms(at + timedelta(days=30)) for at in sorted(times)]


async def test_who_is_in_a_segment_when_it_is_made_or_edited_did_not_enter(
    pipeline: Pipeline, stores: Stores, segments: SegmentService, clock: HandClock
) -> None:
    clock.at = ORDERED + timedelta(days=1)
    first, second = await ingest(pipeline, order("u1", ORDERED), order("u2", ORDERED))
    twice = {"event": {"name": "Order", "count": {"op": "GTE", "value": 2}}}
    segment = await created(segments, "buyers", WITHIN_30_DAYS)
    await segments.update(segment.id, SegmentChange(rule=twice, personal=True))
    assert await told(stores) == []

    await ingest(pipeline, order("u1", ORDERED))
    assert await told(stores) == [(first, ENTERED, ms(clock.at))]
    await segments.update(segment.id, SegmentChange(rule=WITHIN_30_DAYS, announced=True, personal=True))

    assert await told(stores) == [(first, ENTERED, ms(clock.at)), (second, ENTERED, ms(clock.at))]
    assert not (await segments.get(segment.id)).building


async def test_whom_a_change_puts_on_a_list_enters_and_whom_it_takes_off_leaves(
    pipeline: Pipeline, stores: Stores, segments: SegmentService, clock: HandClock
) -> None:
    first, second, third = await ingest(pipeline, *(order(f"u{n}", ORDERED) for n in range(3)))
    begun = NewSegment("list", "List", SegmentKind.STATIC, members=[first], personal=True)
    list_ = await segments.create(begun)
    assert await told(stores) == []

    clock.at = ORDERED + timedelta(hours=1)
    for _ in range(2):
        await segments.update(list_.id, SegmentChange(add=[first, second, third], personal=True))
    clock.at = ORDERED + timedelta(hours=2)
    for _ in range(2):
        await segments.update(list_.id, SegmentChange(remove=[first, third], personal=True))

    assert await told(stores) == [
        *((one_id, ENTERED, ms(ORDERED + timedelta(hours=1))) for one_id in sorted([second, third])),
        *((one_id, LEFT, ms(ORDERED + timedelta(hours=2))) for one_id in sorted([first, third])),
    ]
    found = await Transitions(stores.graph).page(10)
    assert {one.segment for one in found} == {list_.id}
    assert len({one.sequence for one in found}) == len({one.id for one in found}) == 4


async def test_a_snapshot_is_entered_by_nobody(
    pipeline: Pipeline, stores: Stores, segments: SegmentService, clock: HandClock
) -> None:
    clock.at = ORDERED
    await ingest(pipeline, order("u1", ORDERED))
    await segments.create(NewSegment("s", "S", SegmentKind.SNAPSHOT, WITHIN_30_DAYS, personal=True))
    assert await told(stores) == []


async def test_a_segment_within_a_segment_is_entered_with_it(
    pipeline: Pipeline, stores: Stores, segments: SegmentService, clock: HandClock
) -> None:
    clock.at = ORDERED
    inner = await created(segments, "inner", {"event": {"name": "Nothing"}})
    outer = await created(segments, "outer", {"not": {"segment": "inner"}})
    (one_id,) = await ingest(pipeline, order("u1", ORDERED))
    assert [(t.segment, t.kind) for t in await Transitions(stores.graph).page(10)] == [(outer.id, ENTERED)]

    await segments.update(inner.id, SegmentChange(rule=WITHIN_30_DAYS, personal=True))
    assert len(await told(stores)) == 1
    clock.at = ORDERED + timedelta(days=31)
    await swept(stores)

    last = await Transitions(stores.graph).page(10)
    assert [(t.one_id, t.segment, t.kind) for t in last[1:]] == [
        (one_id, inner.id, LEFT),
        (one_id, outer.id, ENTERED),
    ]


async def test_a_birthday_enters_at_midnight_of_the_time_zone_and_leaves_at_the_next(
    pipeline: Pipeline, stores: Stores, segments: SegmentService, clock: HandClock
) -> None:
    await attributes(stores).define(DefinitionChange("birthday", AttributeType.DATE))
    clock.at = datetime.fromisoformat("2026-05-01T09:00:00Z")
    traits = {"traits": {"birthday": "1990-05-20"}}
    (one_id,) = await ingest(pipeline, event(kind="identify", user_id="u1", at=clock.at, extra=traits))
    today = {"attribute": {"key": "birthday", "op": "ANNIVERSARY", "value": 0}}
    await created(segments, "birthday", today)

    clock.at = datetime.fromisoformat("2026-05-25T00:00:00Z")
    await swept(stores)

    days = [ms(datetime.fromisoformat(f"2026-05-{day}T00:00:00Z")) for day in (20, 21)]
    assert await told(stores) == [(one_id, ENTERED, days[0]), (one_id, LEFT, days[1])]


async def test_what_is_changed_while_its_older_form_is_about_to_be_built_is_as_it_was_changed(
    pipeline: Pipeline,
    stores: Stores,
    segments: SegmentService,
    clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A tag moves, and a segment that names it is given another rule by somebody else."""
    clock.at = ORDERED
    for tag in (NewTag("top"), NewTag("buyer", rule={"event": {"name": "Order"}})):
        await tags(stores).create(tag, personal=True)
    await created(segments, "tagged", {"tag": {"tag": "top", "includeDescendants": True}})
    other = await created(segments, "other", {"event": {"name": "Else"}})
    build, changed = Segments.build, SegmentChange(rule=other.rule, personal=True)

    async def overtaken(store: Segments, told: Sequence[Segment]) -> set[str]:
        monkeypatch.setattr(Segments, "build", build)
        await segments.update("tagged", changed)
        return await build(store, told)

    monkeypatch.setattr(Segments, "build", overtaken)
    await tags(stores).move("buyer", "top")

    tagged, stored = await segments.get("tagged"), await stores.percolator.stored()
    assert (tagged.building, tagged.conditions) == (0, other.conditions)
    assert stored[tagged.id] == stored[other.id]


async def test_whom_the_older_rule_would_put_in_stays_out_when_the_rule_changes_meanwhile(
    pipeline: Pipeline,
    stores: Stores,
    segments: SegmentService,
    clock: HandClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock.at = ORDERED
    await created(segments, "buyers", {"event": {"name": "Else"}})
    await ingest(pipeline, order("u1", ORDERED))
    join = Memberships.join

    async def overtaken(store: Memberships, *told: Any) -> set[str] | None:
        monkeypatch.setattr(Memberships, "join", join)
        await segments.update("buyers", SegmentChange(rule={"event": {"name": "No"}}, personal=True))
        return await join(store, *told)

    monkeypatch.setattr(Memberships, "join", overtaken)
    await segments.update("buyers", SegmentChange(rule={"event": {"name": "Order"}}, personal=True))
    await ingest(pipeline, event(user_id="u1", at=ORDERED))

    assert await told(stores) == []


async def test_an_older_query_never_replaces_a_newer_one(stores: Stores, clean: None) -> None:
    newer, older = {"term": {"holding": "n"}}, {"term": {"holding": "o"}}
    await stores.percolator.store({"s": (2, newer)})
    await stores.percolator.store({"s": (1, older)})
    assert (await stores.percolator.stored())["s"] == newer
    await stores.percolator.store({"s": (3, older)})
    assert (await stores.percolator.stored())["s"] == older


async def test_many_who_judge_at_once_tell_it_once(
    pipeline: Pipeline, stores: Stores, segments: SegmentService, clock: HandClock
) -> None:
    clock.at = ORDERED
    await created(segments, "everybody", {"not": {"event": {"name": "Nothing"}}})
    await pipeline.ingest(*(order(f"u{n}", ORDERED) for n in range(20)))

    await asyncio.gather(*(swept(stores) for _ in range(4)), searchable(stores)([]))

    found = await told(stores)
    assert len(found) == len({one_id for one_id, _, _ in found}) == 20


async def test_who_merges_goes_on_where_both_were(
    pipeline: Pipeline, stores: Stores, segments: SegmentService, clock: HandClock
) -> None:
    clock.at = ORDERED
    await created(segments, "buyers", WITHIN_30_DAYS)
    buyer, other = await ingest(pipeline, order("u1", ORDERED), event(user_id="u2", at=ORDERED))
    assert await told(stores) == [(buyer, ENTERED, ms(ORDERED))]

    await stewardship(stores).merge(other, [buyer], reason="the same person")
    await swept(stores)

    assert len(await told(stores)) == 1
    await searchable(stores)([other])
    assert len(await told(stores)) == 1


@pytest.mark.parametrize("lost", ["queries", "building"])
async def test_what_a_kill_left_undone_is_done_by_the_next_who_builds(
    pipeline: Pipeline, stores: Stores, segments: SegmentService, clock: HandClock, lost: str
) -> None:
    clock.at = ORDERED
    (one_id,) = await ingest(pipeline, order("u1", ORDERED))
    segment = await created(segments, "buyers", WITHIN_30_DAYS)
    if lost == "queries":
        await stores.percolator.store({}, [segment.id])
    else:
        await stores.graph.write(
            "test.lose", "MATCH (s:Segment) SET s.building = 7 WITH s MATCH (c:Customer) REMOVE c.segments"
        )

    assert await building(stores).build() == 1
    assert await building(stores).build() == 0

    clock.at = ORDERED + timedelta(days=30)
    await swept(stores)
    assert await told(stores) == [(one_id, LEFT, ms(clock.at))]
