"""What time does to segments: nobody has to ask, and nothing is computed again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from graph.conditions import Conditions, Evaluated
from graph.memberships import Memberships
from oneid.bootstrap import Stores, materialisation, searchable, upkeep
from oneid.domain.catalog import AttributeType
from oneid.domain.segments.conditions import timed
from oneid.services.attributes import AttributeService, DefinitionChange
from oneid.services.audiences import AudienceService
from oneid.services.upserts import Upsert, UpsertService
from tests.integration.segments.conftest import HandClock
from tests.pipeline import Pipeline, event

ORDERED = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WITHIN_30_DAYS = {"event": {"name": "Order", "window": {"lastDays": 30}}}
MILLISECOND = timedelta(milliseconds=1)


def order(user: str, at: datetime, **properties: Any) -> dict[str, Any]:
    return event(user_id=user, at=at, extra={"event": "Order", "properties": properties})


async def ingest(pipeline: Pipeline, *items: dict[str, Any]) -> list[str]:
    """The ONE-IDs of messages, whose customers are found by searches now."""
    await pipeline.append(items, ORDERED + timedelta(days=60))
    found = [received.one_id or "" for received in await pipeline.drain()]
    await searchable(pipeline.stores)(found)
    return found


async def count(audiences: AudienceService, rule: dict[str, Any]) -> int:
    return (await audiences.count(await audiences.read(rule, personal=True)))[0]


async def test_who_ordered_within_thirty_days_is_in_until_exactly_thirty_days(
    pipeline: Pipeline, audiences: AudienceService, clock: HandClock
) -> None:
    await ingest(pipeline, order("u1", ORDERED))
    ends = ORDERED + timedelta(days=30)
    found = list[int]()
    for clock.at in (ORDERED - MILLISECOND, ORDERED, ends - MILLISECOND, ends):
        found.append(await count(audiences, WITHIN_30_DAYS))

    assert found == [0, 1, 1, 0]


async def test_passing_time_changes_no_document(
    pipeline: Pipeline, stores: Stores, audiences: AudienceService, clock: HandClock
) -> None:
    (one_id,) = await ingest(pipeline, order("u1", ORDERED))
    clock.at = ORDERED
    assert await count(audiences, WITHIN_30_DAYS) == 1
    before = await stores.profiles.fingerprints([one_id])

    clock.at = ORDERED + timedelta(days=31)
    assert await count(audiences, WITHIN_30_DAYS) == 0

    assert await upkeep(stores).evaluation.run_once() == 0
    assert await stores.profiles.fingerprints([one_id]) == before


async def test_an_event_that_comes_late_counts_from_when_it_happened(
    pipeline: Pipeline, audiences: AudienceService, clock: HandClock
) -> None:
    rule = {"event": {"name": "Order", "count": {"op": "GTE", "value": 2}, "window": {"lastDays": 30}}}
    await ingest(pipeline, order("u1", ORDERED))
    clock.at = ORDERED + timedelta(days=29)
    assert await count(audiences, rule) == 0

    await ingest(pipeline, order("u1", ORDERED - timedelta(hours=1)))

    assert await count(audiences, rule) == 1
    clock.at = ORDERED + timedelta(days=30) - timedelta(hours=1)
    assert await count(audiences, rule) == 0


async def test_a_condition_that_was_never_ready_is_made_ready_by_the_next_who_asks(
    pipeline: Pipeline, stores: Stores, audiences: AudienceService, clock: HandClock
) -> None:
    """As after a kill between making a condition and computing it."""
    await ingest(pipeline, order("u1", ORDERED))
    rule = await audiences.read(WITHIN_30_DAYS, personal=True)
    (made,) = await Conditions(stores.graph).make(timed(rule))
    assert not made.ready

    clock.at = ORDERED
    await audiences.query(rule)
    assert await count(audiences, WITHIN_30_DAYS) == 1
    assert [one.ready for one in (await Conditions(stores.graph).all()).conditions] == [True]


async def test_a_condition_that_is_not_taken_any_more_stops_no_other_one(
    pipeline: Pipeline, stores: Stores, audiences: AudienceService, clock: HandClock
) -> None:
    await ingest(pipeline, order("u1", ORDERED))
    where = [{"property": "amount", "op": "BETWEEN", "value": [2, 1]}]
    told = orjson.dumps({"event": {"name": "Order", "count": {"op": "GTE", "value": 1}, "where": where}})
    row = {"id": "old", "number": 1, "rule": told.decode(), "names": ["Order"], "ready": True, "usedAt": 1}
    await stores.graph.write("test.old", "CREATE (k:Condition) SET k = $row", row=row)

    clock.at = ORDERED

    assert await count(audiences, WITHIN_30_DAYS) == 1
    assert (await Conditions(stores.graph).all()).conditions == ()
    await materialisation(stores).numbers(timed(await audiences.read(WITHIN_30_DAYS, personal=True)))
    assert [one.ready for one in (await Conditions(stores.graph).all()).conditions] == [True]


async def test_a_mark_that_comes_during_an_evaluation_stays_and_what_was_found_is_kept(
    pipeline: Pipeline, stores: Stores
) -> None:
    conditions = Conditions(stores.graph)
    (one_id,) = await pipeline.ingest(order("u1", ORDERED))
    await conditions.mark([one_id or ""])
    (seen,) = await conditions.unevaluated(10, 0)
    await conditions.mark([one_id or ""])

    await conditions.keep([Evaluated(seen, {7: ((1, 2),)}, {}, None)])

    (still,) = await conditions.unevaluated(10, 0)
    assert still.held == {7: ((1, 2),)}
    await conditions.keep([Evaluated(seen, {7: ((5, 6),)}, {}, None)])
    assert await conditions.unevaluated(10, 0) == [still]
    await conditions.keep([Evaluated(still, {7: ((3, 4),)}, {}, None)])
    assert await conditions.unevaluated(10, 0) == []
    await conditions.keep([Evaluated(seen, {7: ((5, 6),)}, {}, None)])
    await conditions.mark([one_id or ""])
    (after,) = await conditions.unevaluated(10, 0)
    assert after.held == {7: ((3, 4),)}


async def test_who_saw_the_last_mark_is_believed_though_somebody_kept_something_older_meanwhile(
    pipeline: Pipeline, stores: Stores
) -> None:
    conditions = Conditions(stores.graph)
    (one_id,) = await pipeline.ingest(order("u1", ORDERED))
    await conditions.mark([one_id or ""])
    (older,) = await conditions.unevaluated(10, 0)
    await conditions.mark([one_id or ""])
    (newest,) = await conditions.unevaluated(10, 0)

    await conditions.keep([Evaluated(older, {7: ((1, 2),)}, {}, None)])
    await conditions.keep([Evaluated(newest, {}, {}, None)])

    assert await conditions.unevaluated(10, 0) == []
    await conditions.mark([one_id or ""])
    assert [one.held for one in await conditions.unevaluated(10, 0)] == [{}]


async def test_who_is_not_to_be_judged_yet_waits_for_all_of_the_events(
    pipeline: Pipeline, stores: Stores
) -> None:
    conditions = Conditions(stores.graph)
    (one_id,) = await pipeline.ingest(order("u1", ORDERED))
    await conditions.mark([one_id or ""])
    (seen,) = await conditions.unevaluated(10, 0)
    await Memberships(stores.graph).defer([one_id or ""], seen.seen + 1)

    await conditions.keep([Evaluated(seen, {7: ((1, 2),)}, {}, None)])

    (still,) = await conditions.unevaluated(10, 0)
    assert still.held == {}


async def test_events_that_no_condition_asks_mark_nobody(
    pipeline: Pipeline, stores: Stores, audiences: AudienceService
) -> None:
    await materialisation(stores).numbers(timed(await audiences.read(WITHIN_30_DAYS, personal=True)))
    await pipeline.ingest(event(user_id="u1"), event(user_id="u2", extra={"event": "Order"}))

    marked = await Conditions(stores.graph).unevaluated(10, 0)

    assert [customer.one_ids for customer in marked] == [(await pipeline.owner("user_id", "u2"),)]


@pytest.mark.parametrize(
    ("today", "days", "expected"),
    [
        ("2026-03-01T12:00:00", 0, 0),
        ("2026-05-04T12:00:00", 0, 1),
        ("2026-05-01T12:00:00", 2, 0),
        ("2026-05-01T12:00:00", 3, 1),
        ("2026-12-31T23:00:00", 150, 1),
    ],
)
async def test_birthdays_return_every_year(
    pipeline: Pipeline,
    stores: Stores,
    audiences: AudienceService,
    attributes: AttributeService,
    clock: HandClock,
    today: str,
    days: int,
    expected: int,
) -> None:
    await attributes.define(DefinitionChange("born", AttributeType.DATE))
    upserts = UpsertService(stores.graph, clock, "CN")
    one_id, _ = await upserts.upsert(Upsert([("user_id", "u1")], set={"born": "1990-05-04"}))
    await searchable(stores)([one_id])
    clock.at = datetime.fromisoformat(today).replace(tzinfo=UTC)

    rule = {"attribute": {"key": "born", "op": "ANNIVERSARY", "value": days}}

    assert await count(audiences, rule) == expected


async def test_who_was_born_on_february_29_celebrates_on_the_28th_in_other_years(
    pipeline: Pipeline,
    stores: Stores,
    audiences: AudienceService,
    attributes: AttributeService,
    clock: HandClock,
) -> None:
    await attributes.define(DefinitionChange("born", AttributeType.DATE))
    upserts = UpsertService(stores.graph, clock, "CN")
    one_id, _ = await upserts.upsert(Upsert([("user_id", "u1")], set={"born": "2000-02-29"}))
    await searchable(stores)([one_id])
    rule = {"attribute": {"key": "born", "op": "ANNIVERSARY", "value": 0}}
    found = dict[str, int]()
    for day in ("2026-02-28", "2026-03-01", "2028-02-28", "2028-02-29"):
        clock.at = datetime.fromisoformat(day).replace(tzinfo=UTC)
        found[day] = await count(audiences, rule)

    assert found == {"2026-02-28": 1, "2026-03-01": 0, "2028-02-28": 0, "2028-02-29": 1}


async def test_who_is_near_a_place_is_found(
    pipeline: Pipeline,
    stores: Stores,
    audiences: AudienceService,
    attributes: AttributeService,
    clock: HandClock,
) -> None:
    await attributes.define(DefinitionChange("home", AttributeType.GEO))
    upserts = UpsertService(stores.graph, clock, "CN")
    shanghai, _ = await upserts.upsert(
        Upsert([("user_id", "u1")], set={"home": {"lat": 31.23, "lon": 121.47}})
    )
    suzhou, _ = await upserts.upsert(Upsert([("user_id", "u2")], set={"home": {"lat": 31.30, "lon": 120.58}}))
    await searchable(stores)([shanghai, suzhou])

    async def within(km: float) -> int:
        circle = {"lat": 31.2, "lon": 121.5, "km": km}
        return await count(audiences, {"attribute": {"key": "home", "op": "NEAR", "value": circle}})

    assert [await within(km) for km in (1, 20, 200)] == [0, 1, 2]
