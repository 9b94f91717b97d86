"""What is computed again for a customer, and how much is read for it."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from graph.conditions import Conditions, Evaluated
from oneid.bootstrap import Stores, materialisation
from oneid.bootstrap.work import evaluation
from oneid.domain.segments.conditions import from_stored, timed
from oneid.errors import Retriable
from oneid.services.audiences import AudienceService
from oneid.services.evaluation import EvaluationService
from search.segments import histories
from tests.integration.segments.conftest import HandClock
from tests.integration.segments.test_instants import ORDERED, ingest, order
from tests.pipeline import Pipeline, event

DID_ORDER = {"event": {"name": "Order"}}
DID_VIEW = {"event": {"name": "View"}}


async def test_marks_of_a_customer_add_up_and_one_for_everything_stays_one(
    pipeline: Pipeline, stores: Stores, audiences: AudienceService
) -> None:
    conditions = Conditions(stores.graph)
    (one_id,) = await pipeline.ingest(order("u1", ORDERED))
    assert one_id
    await conditions.make(timed(await audiences.read({"any": [DID_ORDER, DID_VIEW]}, personal=True)))

    await conditions.mark_told({one_id: {"Order", "Nothing"}})
    await conditions.mark_told({one_id: {"Order", "View"}})
    (marked,) = await conditions.unevaluated(10, 0)
    assert marked.told == frozenset({"Order", "View"})
    await conditions.mark([one_id])
    await conditions.mark_told({one_id: {"Order"}})
    (marked,) = await conditions.unevaluated(10, 0)
    assert marked.told is None

    await conditions.keep([Evaluated(marked, {}, {}, None)])
    await conditions.mark_told({one_id: {"View"}})
    assert [one.told for one in await conditions.unevaluated(10, 0)] == [frozenset({"View"})]


async def test_what_an_event_does_not_concern_is_not_computed_again(
    pipeline: Pipeline, stores: Stores, audiences: AudienceService, clock: HandClock
) -> None:
    clock.at = ORDERED
    await ingest(pipeline, order("u1", ORDERED))
    ordered = timed(await audiences.read(DID_ORDER, personal=True))
    await audiences.query(await audiences.read({"any": [DID_ORDER, DID_VIEW]}, personal=True))
    (number,) = [one.number for one in await Conditions(stores.graph).use(ordered)]
    await stores.graph.write(
        "test", "MATCH (c:Customer) SET c.conditions = $told", told=f'{{"{number}": [[5, 6]]}}'
    )

    await ingest(pipeline, event(user_id="u1", extra={"event": "View"}))

    rows = await stores.graph.read("test", "MATCH (c:Customer) RETURN c.conditions AS conditions")
    kept = from_stored(rows[0]["conditions"])
    assert kept[number] == ((5, 6),)
    assert len(kept) == 2


async def test_a_condition_is_not_ready_before_everybody_whom_others_evaluated_meanwhile_has_it(
    pipeline: Pipeline, stores: Stores, audiences: AudienceService, monkeypatch: pytest.MonkeyPatch
) -> None:
    conditions, keep = Conditions(stores.graph), Conditions.keep
    (one_id,) = await ingest(pipeline, order("u1", ORDERED))
    await conditions.mark([one_id])
    before = await conditions.unevaluated(10, 0)

    async def overtaken(self: Conditions, found: Iterable[Evaluated]) -> int:
        monkeypatch.setattr(Conditions, "keep", keep)
        await self.mark([one_id])
        await self.keep([Evaluated(one, {}, {}, None) for one in before])
        return await self.keep(found)

    monkeypatch.setattr(Conditions, "keep", overtaken)
    rule = await audiences.read(DID_ORDER, personal=True)
    (number,) = (await materialisation(stores).numbers(timed(rule))).values()

    rows = await stores.graph.read("test", "MATCH (c:Customer) RETURN c.conditions AS conditions")
    assert list(from_stored(rows[0]["conditions"])) == [number]


async def test_bringing_everybody_up_goes_on_where_it_was_given_up(
    pipeline: Pipeline, stores: Stores, audiences: AudienceService, monkeypatch: pytest.MonkeyPatch
) -> None:
    conditions, keep = Conditions(stores.graph), Conditions.keep
    first, second = await ingest(pipeline, order("u1", ORDERED), order("u2", ORDERED))
    rules = timed(await audiences.read(DID_ORDER, personal=True))
    kept = list[str]()

    async def away(_: Any) -> None:
        raise Retriable("the index is away")

    async def noted(self: Conditions, found: Iterable[Evaluated]) -> int:
        told = list(found)
        kept.extend(one.customer.one_ids[0] for one in told)
        return await keep(self, told)

    with monkeypatch.context() as patched:
        patched.setattr(EvaluationService, "all", away)
        with pytest.raises(Retriable):
            await materialisation(stores).numbers(rules)
    (condition,) = (await conditions.all()).conditions
    marked = await conditions.unevaluated(10, 0)
    assert {(one.one_ids[0], one.told) for one in marked} == {
        (one_id, frozenset({condition.mark})) for one_id in (first, second)
    }
    await evaluation(stores).evaluate([first or ""])

    monkeypatch.setattr(Conditions, "keep", noted)
    assert await materialisation(stores).numbers(rules) == {condition.id: condition.number}
    assert kept == [second]
    rows = await stores.graph.read("test", "MATCH (c:Customer) RETURN c.conditions AS conditions")
    assert [list(from_stored(row["conditions"])) for row in rows] == [[condition.number]] * 2


async def test_conditions_are_read_again_where_they_have_changed(
    pipeline: Pipeline, stores: Stores, audiences: AudienceService
) -> None:
    here, elsewhere = Conditions(stores.graph), Conditions(stores.graph)
    assert (await here.all()).conditions == ()
    made = await elsewhere.make(timed(await audiences.read(DID_ORDER, personal=True)))
    known = await here.all()
    assert known.conditions == tuple(made)
    assert await here.all() is known
    await elsewhere.ready([made[0].id])
    assert [one.ready for one in (await here.all()).conditions] == [True]
    await elsewhere.forget(0, -1.0)
    assert (await here.all()).conditions == ()
    await elsewhere.mark_told({"nobody": {"Order"}})


async def test_of_somebody_with_very_many_events_the_latest_are_read_and_not_all_at_once(
    pipeline: Pipeline, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("PAGE", 4), ("AT_ONCE", 8), ("MAX_EVENTS", 7)):
        monkeypatch.setattr(histories, name, value)
    at = [ORDERED + timedelta(hours=n) for n in range(10)]
    told = [*(order("bot", one) for one in at), *(order(u, one) for u in ("u1", "u2") for one in at[:5])]
    found = await ingest(pipeline, *told)
    bot, first, second = dict.fromkeys(found)
    owners = {one_id: one_id for one_id in (first, bot, second)}

    read = {
        owner: sorted(e.at for e in events)
        async for owner, events in stores.histories.each(owners, ["Order"])
    }

    hours = [round(one.timestamp() * 1000) for one in at]
    assert read == {bot: hours[3:], first: hours[:5], second: hours[:5]}
    parts = await stores.histories._parts({one: [one] for one in owners}, ["Order"])  # pyright: ignore[reportPrivateUsage]
    assert [list(part) for part in parts] == [[first], [bot], [second]]
