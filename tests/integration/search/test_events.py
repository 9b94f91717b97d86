"""Events of a customer: in order, in pages, once each, wherever they lie."""

from dataclasses import replace
from datetime import timedelta

import pytest

from oneid.domain.messages import StoredEvent
from oneid.errors import InvalidInput, TooLarge
from search import events as module
from search.client import Search
from search.event_pages import EventPages, EventRequest
from search.events import EventFilter, EventIndex
from search.indexes import IndexNames
from search.segments.histories import Histories
from tests.integration.search.factories import START, event


def ids(found: list[StoredEvent]) -> list[str]:
    return [stored.message.message_id for stored in found]


async def test_storing_the_same_event_again_changes_nothing(events: EventIndex) -> None:
    for _ in range(2):
        assert await events.store([event("m1"), event("m2")]) == []
    await events.refresh()

    page = await events.by_customer(["c1"])
    assert (ids(page.nodes), page.total) == (["m2", "m1"], 2)


async def test_events_come_newest_first_and_ties_by_message(events: EventIndex) -> None:
    times = {"m1": 5, "m2": 9, "m3": 5, "m4": 1}
    await events.store([event(id, at=START + timedelta(seconds=s)) for id, s in times.items()])
    await events.store([event("other", "c2"), event("nobody", None)])
    await events.refresh()

    assert ids((await events.by_customer(["c1"])).nodes) == ["m2", "m3", "m1", "m4"]


async def test_of_one_instant_the_event_that_was_processed_last_is_the_newest(events: EventIndex) -> None:
    told = {"c": 1, "a": 2, "b": 3}
    await events.store([replace(event(id), sequence=2**60 + n) for id, n in told.items()])
    await events.refresh()

    first = await events.by_customer(["c1"], first=1)
    rest = await events.by_customer(["c1"], first=5, after=first.edges[0].cursor)
    assert ids([*first.nodes, *rest.nodes]) == ["b", "a", "c"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
async def test_pages_follow_each_other_without_gap_or_double(events: EventIndex, size: int) -> None:
    await events.store([event(f"m{i:02}", at=START + timedelta(seconds=i // 3)) for i in range(20)])
    await events.refresh()

    walked: list[str] = []
    after: str | None = None
    while True:
        page = await events.by_customer(["c1"], first=size, after=after)
        walked += ids(page.nodes)
        assert page.total == 20
        assert page.has_previous == (after is not None)
        if not page.has_next:
            break
        after = page.edges[-1].cursor
    assert walked == [f"m{i:02}" for i in reversed(range(20))]


async def test_names_and_times_select_events(events: EventIndex) -> None:
    for day, name in enumerate(["Page", "Order", "Page", "Order"]):
        await events.store([event(f"m{day}", name=name, at=START + timedelta(days=day))])
    await events.refresh()

    async def found(**wanted: object) -> list[str]:
        return ids((await events.by_customer(["c1"], EventFilter(**wanted))).nodes)  # type: ignore[arg-type]

    assert await found(names=["Order"]) == ["m3", "m1"]
    assert await found(names=[]) == []
    assert await found(since=START + timedelta(days=1)) == ["m3", "m2", "m1"]
    assert await found(until=START + timedelta(days=1)) == ["m0"]
    assert await found(names=["Page"], since=START + timedelta(days=1), until=START + timedelta(days=3)) == [
        "m2"
    ]


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("size", [1, 3, 50])
async def test_an_event_in_two_places_is_read_once(events: EventIndex, shards: int, size: int) -> None:
    """What a merge looks like between the copy of an event and its delete."""
    for one_id in ("c1", "c2", "c3", "c4"):
        await events.store([event(f"m{i}", one_id, at=START + timedelta(seconds=i // 2)) for i in range(6)])
    await events.refresh()

    walked: list[str] = []
    after: str | None = None
    while True:
        page = await events.by_customer(["c1", "c2", "c3", "c4"], first=size, after=after)
        walked += ids(page.nodes)
        assert page.total == 6
        if not page.has_next:
            break
        after = page.edges[-1].cursor
    assert walked == ["m5", "m4", "m3", "m2", "m1", "m0"]
    assert sorted(await events.get([f"m{i}" for i in range(9)])) == [f"m{i}" for i in range(6)]


async def test_a_customer_of_a_hundred_former_ids_is_read(events: EventIndex) -> None:
    one_ids = [f"01J{i:023}" for i in range(101)]
    await events.store([event(f"m{i:03}", one_id) for i, one_id in enumerate(one_ids)])
    await events.refresh()

    page = await events.by_customer(one_ids, first=100)
    assert (len(page.nodes), page.total, page.has_next) == (100, 101, True)


async def test_a_cursor_of_another_list_is_refused(events: EventIndex) -> None:
    with pytest.raises(InvalidInput):
        await events.by_customer(["c1"], after="bm90IGEgY3Vyc29y")


async def test_why_an_event_is_refused_names_no_value_of_it(events: EventIndex) -> None:
    secret = "13800138000" * 4_000
    (rejected,) = await events.store([event("m1", secret), event("m2")])
    assert (rejected.message_id, rejected.reason) == ("m1", "the event index refuses _routing")


def test_only_so_many_names_are_asked_for_at_once() -> None:
    assert EventFilter(["a"] * 100).clauses() == [{"terms": {"name": ["a"] * 100}}]
    with pytest.raises(TooLarge, match="at most 100 names") as caught:
        EventFilter(["a"] * 101)
    assert caught.value.field == ("names",)


async def test_asking_for_a_few_customers_does_not_number_all(
    search: Search, names: IndexNames, events: EventIndex
) -> None:
    """With a million customers that takes 0.4 s after each refresh."""
    for one_id in ("c1", "c2"):
        await events.store([event(f"of {one_id}", one_id)])
        await events.refresh()

    await EventPages(search, names.events, events).of([EventRequest(["c1", "c2"])])
    await events.by_customer(["c1", "c2"])
    await Histories(search, names.events).of({"c1": "c1", "c2": "c2"}, {"Order Completed"})
    assert await events.homes(["c1", "c2"]) == {"c1", "c2"}
    path = f"/{names.events}/_stats/fielddata"
    told = (await search.request("GET", path))["_all"]["total"]["fielddata"]
    assert told["memory_size_in_bytes"] == 0


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("at_once", [1, 3, 4, 50])
async def test_events_in_two_places_count_once_however_many_are_counted_at_a_time(
    events: EventIndex, monkeypatch: pytest.MonkeyPatch, shards: int, at_once: int
) -> None:
    for one_id in ("c1", "c2", "c3", "c4"):
        await events.store([event(f"m{number}", one_id) for number in range(6)])
    await events.store([event("of c1 alone"), event("of nobody asked", "c5")])
    await events.refresh()

    monkeypatch.setattr(module, "COUNTED_AT_ONCE", at_once)
    assert (await events.by_customer(["c1", "c2", "c3", "c4"])).total == 7


@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.parametrize("page", [1, 2, 3, 50])
async def test_where_events_lie_is_told_range_by_range_and_page_by_page(
    events: EventIndex, shards: int, page: int
) -> None:
    homes = [f"c{number}" for number in range(6)]
    await events.store([event(f"m{n} of {one_id}", one_id) for one_id in homes for n in range(3)])
    await events.store([event("of nobody", None)])
    await events.refresh()

    async def told(after: str, until: str | None) -> list[list[str]]:
        return [found async for found in events.homes_between(after, until, page=page)]

    for after, until, expected in [("", None, homes), ("c1", "c4", homes[2:5]), ("c5", None, [])]:
        pages = await told(after, until)
        assert [home for found in pages for home in found] == expected
        assert all(len(found) <= page for found in pages)
