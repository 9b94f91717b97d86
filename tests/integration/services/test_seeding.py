"""Made-up people: whole, the same each time, and continued where a run was interrupted."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from graph import seeds
from graph.client import Graph
from graph.customers import Customers
from oneid.bootstrap import Stores, materialisation, seeder, segments, upkeep
from oneid.domain.customers import CustomerRecord
from oneid.domain.identifiers import Identifier
from oneid.domain.seeding import person
from oneid.domain.segments.definitions import SegmentKind
from oneid.services.seeding import Seed
from oneid.services.segments import NewSegment
from search.events import EventFilter
from tests.pipeline import event, open_pipeline

UNTIL = datetime(2026, 3, 1, tzinfo=UTC)


async def test_people_are_whole_customers_with_their_events(clean: None, stores: Stores) -> None:
    told = list[int]()
    await seeder(stores).seed(Seed("r", customers=30, events_each=4), told.append)
    assert told == [0, 30]

    await stores.events.refresh()
    (total,) = await stores.events.totals(EventFilter())
    assert (total.events, total.customers) == (120, 30)
    phone = Identifier("phone", "+8619900000007")
    customer = (await Customers(stores.graph).by_identifiers([phone]))[phone]
    assert [linked.identifier.key for linked in customer.identifiers] == [
        "user_id:r-7",
        "anonymous_id:r-a7",
        "phone:+8619900000007",
    ]
    assert set(customer.attributes) == {"name", "city", "age", "tier", "newsletter"}
    assert (await stores.events.by_customer([customer.one_id])).total == 4
    await stores.profiles.refresh()
    assert (await stores.profiles.search()).total == 30
    assert (await upkeep(stores).reconciliation.sweep()).drift == 0
    assert not await upkeep(stores).projection.run_once()


async def test_a_run_goes_on_where_it_stopped_and_is_not_done_twice(clean: None, stores: Stores) -> None:
    await seeder(stores).seed(Seed("r", customers=20, events_each=1), lambda done: None)
    told = list[int]()
    for _ in range(2):
        await seeder(stores).seed(Seed("r", customers=50, events_each=1), told.append)
    assert told == [20, 50, 50]
    rows = await stores.graph.read("test", "MATCH (c:Customer) RETURN count(c) AS customers")
    assert rows == [{"customers": 50}]


async def test_a_crash_between_the_stores_makes_nobody_twice(
    clean: None, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def crash(*_: object) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(seeds, "write", crash)
    with pytest.raises(RuntimeError, match="killed"):
        await seeder(stores).seed(Seed("r", customers=20, events_each=2), lambda done: None)
    monkeypatch.undo()
    await seeder(stores).seed(Seed("r", customers=20, events_each=2), lambda done: None)
    await stores.events.refresh()
    await stores.profiles.refresh()
    (total,) = await stores.events.totals(EventFilter())
    assert (total.events, total.customers) == (40, 20)
    assert (await stores.profiles.search()).total == 20


async def test_a_slice_whose_answer_was_lost_is_written_once(
    clean: None, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = seeds.write

    async def tried_again(graph: Graph, run: str, done: int, people: Sequence[CustomerRecord]) -> None:
        for _ in range(2):
            await write(graph, run, done, people)

    monkeypatch.setattr(seeds, "write", tried_again)
    await seeder(stores).seed(Seed("r", customers=20), lambda done: None)
    rows = await stores.graph.read("test", "MATCH (c:Customer) RETURN count(c) AS customers")
    assert rows == [{"customers": 20}]


async def test_where_there_are_rules_people_are_evaluated_and_judged(clean: None, stores: Stores) -> None:
    ordered = {"event": {"name": "Order Completed"}}
    await segments(stores).create(
        NewSegment("ordered", "Ordered", SegmentKind.DYNAMIC, ordered, personal=True)
    )
    await seeder(stores).seed(Seed("r", customers=20, events_each=20), lambda done: None)
    assert await upkeep(stores).evaluation.run_once() == 20
    await materialisation(stores).settle()
    rows = await stores.graph.read("test", "MATCH (t:SegmentTransition) RETURN count(t) AS entered")
    found = await segments(stores).counts([await segments(stores).get("ordered")])
    assert rows[0]["entered"] == found[0] > 0


async def test_later_events_find_them(clean: None, stores: Stores) -> None:
    await seeder(stores).seed(Seed("r", customers=3), lambda done: None)
    pipeline = await open_pipeline(stores)
    (one_id,) = await pipeline.ingest(event(user_id="r-1", device_id="d1"))
    assert await pipeline.keys(one_id) == {
        "user_id:r-1",
        "anonymous_id:r-a1",
        "phone:+8619900000001",
        "device_id:d1",
    }


def test_the_same_number_is_the_same_person() -> None:
    assert person("r", 7, UNTIL) == person("r", 7, UNTIL)
    assert person("r", 7, UNTIL) != person("r", 8, UNTIL)
