"""Stages of lifecycles: what passes while nobody looks, and what merging and splitting does to who is where."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from graph.transitions import Transitions
from oneid.bootstrap import Stores, attributes, stewardship, upkeep, work
from oneid.domain.catalog import AttributeType
from oneid.domain.computations import Aggregate, Computation
from oneid.domain.identifiers import Identifier
from oneid.domain.lifecycles import Lifecycle
from oneid.domain.segments.definitions import SegmentKind
from oneid.domain.segments.rules import EventPattern
from oneid.services.attributes import DefinitionChange
from oneid.services.lifecycles import NewStage
from oneid.services.segments import NewSegment, SegmentChange, SegmentService
from oneid.services.stewardship import Split
from tests.integration.segments.conftest import HandClock
from tests.integration.segments.test_instants import ORDERED, ingest
from tests.pipeline import Pipeline, event

DAY = timedelta(days=1)


def seen(user: str, at: datetime, name: str = "Seen") -> dict[str, Any]:
    return event(user_id=user, at=at, extra={"event": name})


def quiet(days: int) -> dict[str, Any]:
    return {"not": {"event": {"name": "Seen", "window": {"lastDays": days}}}}


async def swept(stores: Stores) -> None:
    upkept = upkeep(stores)
    while (
        await upkept.evaluation.wake()
        or await upkept.evaluation.run_once()
        or await upkept.judging.wake()
        or await upkept.projection.run_once()
    ):
        pass


async def told(stores: Stores) -> list[tuple[str, str, float]]:
    """By key of a segment what happened, and so many days after ORDERED, in order of time."""
    names = {one.id: one.key for one in await work.segments(stores).page(100)}
    found = [one for one in await Transitions(stores.graph).page(100) if one.segment in names]
    told = [((moment(one.at) - ORDERED) / DAY, names[one.segment], one.kind.value) for one in found]
    return [(key, kind, at) for at, key, kind in sorted(told)]


def moment(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)


async def created(segments: SegmentService, key: str, rule: dict[str, Any]) -> None:
    await segments.create(NewSegment(key, key, SegmentKind.DYNAMIC, rule, personal=True))


async def sleepers(stores: Stores) -> Lifecycle:
    """Awake, dormant after 60 days, lost after 90."""
    did = {"event": {"name": "Seen"}}
    stages = [
        NewStage("awake", "Awake", did),
        NewStage("dormant", "Dormant", {"all": [did, quiet(60)]}),
        NewStage("lost", "Lost", {"all": [did, quiet(90)]}, ("dormant",)),
    ]
    return await work.lifecycles(stores).define("sleep", "Sleep", stages, personal=True)


async def test_stages_that_came_and_went_while_nobody_looked_are_told_with_their_instants(
    pipeline: Pipeline, stores: Stores, segments: SegmentService, clock: HandClock
) -> None:
    clock.at = ORDERED
    await sleepers(stores)
    dormant = {"lifecycle": "sleep", "stage": "dormant"}
    await created(segments, "asleep", {"stage": dormant})
    await created(segments, "deep-asleep", {"stage": {**dormant, "inForDays": 7}})
    await ingest(pipeline, seen("u1", ORDERED))

    clock.at = ORDERED + 120 * DAY
    await swept(stores)

    expected = [
        ("asleep", "ENTERED", 60),
        ("deep-asleep", "ENTERED", 67),
        ("asleep", "LEFT", 90),
        ("deep-asleep", "LEFT", 90),
    ]
    assert await told(stores) == expected
    clock.at += DAY
    await swept(stores)
    assert await told(stores) == expected


async def test_whoever_an_edit_of_what_a_stage_names_brings_there_comes_at_once(
    pipeline: Pipeline, stores: Stores, segments: SegmentService, clock: HandClock
) -> None:
    clock.at = ORDERED
    await created(segments, "readers", {"event": {"name": "Read"}})
    did = {"event": {"name": "Seen"}}
    stages = [NewStage("new", "New", did), NewStage("reader", "Reader", {"segment": "readers"})]
    await work.lifecycles(stores).define("reading", "Reading", stages, personal=True)
    await created(segments, "staged", {"stage": {"lifecycle": "reading", "stage": "reader"}})
    (one_id,) = await ingest(pipeline, seen("u1", ORDERED))

    clock.at = ORDERED + DAY
    await segments.update("readers", SegmentChange(rule=did, personal=True))
    await swept(stores)

    found = await stores.graph.read(
        "test", "MATCH (s:StageChange {oneId: $id}) RETURN s.target AS to ORDER BY s.sequence", id=one_id
    )
    assert [row["to"] for row in found] == ["new", "reader"]
    assert await segments.counts([await segments.get("staged")]) == [1]
    assert await told(stores) == []


async def test_a_computed_attribute_that_time_changed_while_nobody_looked_changed_then(
    pipeline: Pipeline, stores: Stores, segments: SegmentService, clock: HandClock
) -> None:
    clock.at = ORDERED
    count = Computation(EventPattern("Seen"), Aggregate.COUNT, None, 30)
    await attributes(stores).define(DefinitionChange("recent", AttributeType.NUMBER, computed=count))
    for number in (1, 2):
        compared = {"key": "recent", "op": "GTE", "value": number}
        await created(segments, f"seen-{number}", {"attribute": compared})
    await ingest(pipeline, seen("u1", ORDERED))
    clock.at = ORDERED + 10 * DAY
    await ingest(pipeline, seen("u1", ORDERED + 10 * DAY))

    clock.at = ORDERED + 100 * DAY
    await swept(stores)

    assert await told(stores) == [
        ("seen-1", "ENTERED", 0),
        ("seen-2", "ENTERED", 10),
        ("seen-2", "LEFT", 30),
        ("seen-1", "LEFT", 40),
    ]
    await swept(stores)
    assert len(await told(stores)) == 4


async def test_what_somebody_does_before_the_sweep_tells_what_time_changed_as_well(
    pipeline: Pipeline, stores: Stores, segments: SegmentService, clock: HandClock
) -> None:
    clock.at = ORDERED
    count = Computation(EventPattern("Seen"), Aggregate.COUNT, None, 30)
    await attributes(stores).define(DefinitionChange("recent", AttributeType.NUMBER, computed=count))
    await created(segments, "seen", {"attribute": {"key": "recent", "op": "GTE", "value": 1}})
    await created(segments, "came", {"event": {"name": "Came"}})
    await ingest(pipeline, seen("u1", ORDERED))

    clock.at = ORDERED + 50 * DAY
    await ingest(pipeline, seen("u1", clock.at, "Came"))
    await swept(stores)

    assert await told(stores) == [("seen", "ENTERED", 0), ("seen", "LEFT", 30), ("came", "ENTERED", 50)]


async def test_birthdays_of_years_that_nobody_looked_at_are_told(
    pipeline: Pipeline, stores: Stores, segments: SegmentService, clock: HandClock
) -> None:
    await attributes(stores).define(DefinitionChange("birthday", AttributeType.DATE))
    clock.at = ORDERED
    traits = {"traits": {"birthday": "1990-05-20"}}
    await ingest(pipeline, event(kind="identify", user_id="u1", at=clock.at, extra=traits))
    await created(segments, "birthday", {"attribute": {"key": "birthday", "op": "ANNIVERSARY", "value": 0}})

    clock.at = ORDERED.replace(year=2030)
    await swept(stores)

    days = [datetime(year, 5, 20 + n, tzinfo=UTC) for year in (2026, 2027, 2028, 2029) for n in (0, 1)]
    assert [at for _, _, at in await told(stores)] == [(day - ORDERED) / DAY for day in days]


async def where(stores: Stores, lifecycle: Lifecycle) -> dict[str, int]:
    await stores.profiles.refresh()
    (found,) = await work.lifecycles(stores).distributions([lifecycle])
    return {stage: count for stage, count in found.items() if count}


async def on(stores: Stores, lifecycle: Lifecycle, day: date) -> dict[str, int]:
    counts = (await work.lifecycles(stores).trend(lifecycle, day, day))[day]
    return {stage: count for stage, count in counts.items() if count}


async def changed(stores: Stores, one_id: str) -> list[tuple[str | None, str, str | None]]:
    query = """
    MATCH (s:StageChange {oneId: $oneId})
    RETURN s.source AS source, s.target AS target, s.reason AS reason ORDER BY s.at, s.sequence
    """
    rows = await stores.graph.read("test.changes", query, oneId=one_id)
    return [(row["source"], row["target"], row["reason"]) for row in rows]


@pytest.mark.parametrize("by_hand", [False, True])
async def test_after_a_merge_and_a_split_trend_and_matrix_tell_what_the_distribution_tells(
    pipeline: Pipeline, stores: Stores, clock: HandClock, by_hand: bool
) -> None:
    """One who is awake and one who is dormant become one, who is dormant; and two again."""
    clock.at = ORDERED
    lifecycle = await sleepers(stores)
    old, stranger = await ingest(pipeline, seen("old", ORDERED), seen("s", ORDERED, "No"))
    clock.at = ORDERED + 61 * DAY
    (young,) = await ingest(pipeline, seen("young", clock.at))
    await swept(stores)
    assert await where(stores, lifecycle) == {"awake": 1, "dormant": 1}

    clock.at += DAY
    await stewardship(stores).merge(young, [old], None)
    await stewardship(stores).merge(stranger, [young], None)
    if by_hand:
        await work.lifecycles(stores).move(stranger, "sleep", "lost", "she said so")
    await upkeep(stores).rehoming.run_once()
    await swept(stores)

    now = "lost" if by_hand else "dormant"
    assert await where(stores, lifecycle) == {now: 1}
    assert await on(stores, lifecycle, clock.at.date()) == {now: 1}
    assert (None, "dormant", "merged") in await changed(stores, stranger)
    first = ORDERED.date()
    for since in (first, clock.at.date()):
        rows = await work.lifecycles(stores).matrix(lifecycle, since, clock.at.date())
        sums = Counter[str | None]()
        for row in rows:
            sums[row.source] += row.count
        assert dict(sums) == await on(stores, lifecycle, since)

    before = dict(await where(stores, lifecycle))
    parts = await stewardship(stores).split(Split(stranger, [Identifier("user_id", "young")]))
    await upkeep(stores).rehoming.run_once()
    await swept(stores)

    after = await where(stores, lifecycle)
    assert set(parts) == {stranger, young}
    assert sum(after.values()) == sum(before.values()) + 1
    assert await on(stores, lifecycle, clock.at.date()) == after
