"""Totals of events: exact, in the deployment's time zone, also in the middle of a move."""

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from oneid.domain.messages import StoredEvent
from oneid.domain.texts import KNOWN
from oneid.errors import TooLarge
from search import totals as module
from search.events import EventFilter, EventIndex
from search.totals import EventGroup, EventTotal
from tests.integration.search.factories import START, event

ZONE = "Asia/Shanghai"
FORMS = {EventGroup.HOUR: "%Y-%m-%dT%H:00+08:00", EventGroup.DAY: "%Y-%m-%d", EventGroup.MONTH: "%Y-%m"}


def random_events(seed: int, count: int) -> list[StoredEvent]:
    chance = random.Random(seed)
    return [
        event(
            f"m{i}",
            chance.choice([None, *(f"c{j}" for j in range(12))]),
            name=chance.choice(["Order Completed", "Page", "Refund"]),
            at=START + timedelta(minutes=chance.randrange(60 * 24 * 50)),
            source=chance.choice(["web", "pos"]),
            channel=chance.choice([None, "wechat", "store"]),
            **({"revenue": round(chance.uniform(-50, 500), 2)} if chance.random() < 0.7 else {}),
            quantity=chance.randrange(5),
        )
        for i in range(count)
    ]


def key(stored: StoredEvent, group: EventGroup | None) -> str:
    message = stored.message
    local = message.timestamp.astimezone(ZoneInfo(ZONE))
    match group:
        case None:
            return ""
        case EventGroup.NAME:
            return message.name
        case EventGroup.SOURCE:
            return message.source
        case EventGroup.CHANNEL:
            return message.channel or ""
        case EventGroup.WEEK:
            return (local - timedelta(days=local.weekday())).strftime("%Y-%m-%d")
        case _:
            return local.strftime(FORMS[group])


def expected(batch: Sequence[StoredEvent], group: EventGroup | None) -> list[EventTotal]:
    """Counted one by one."""
    groups: dict[str, list[StoredEvent]] = defaultdict(list)
    for stored in batch:
        groups[key(stored, group)].append(stored)
    return [
        EventTotal(
            name,
            len(found),
            len({stored.one_id for stored in found if stored.one_id}),
            sum((Decimal(str(s.message.properties.get("revenue", 0))) for s in found), Decimal(0)),
        )
        for name, found in sorted(groups.items())
    ]


@pytest.mark.parametrize("shards", [1, 3])
async def test_totals_equal_a_count_one_by_one(
    events: EventIndex, shards: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 37)
    batch = random_events(shards, 600)
    await events.store(batch)
    await events.refresh()

    for group in (None, *EventGroup):
        found = await events.totals(EventFilter(), sum="revenue", group=group, zone=ZONE)
        assert found == expected(batch, group)


async def test_names_and_times_select_what_is_added_up(events: EventIndex) -> None:
    batch = random_events(7, 200)
    await events.store(batch)
    await events.refresh()
    since, until = START + timedelta(days=10), START + timedelta(days=20)

    found = await events.totals(
        EventFilter(["Page"], since, until), sum="revenue", group=EventGroup.DAY, zone=ZONE
    )

    chosen = [s for s in batch if s.message.name == "Page" and since <= s.message.timestamp < until]
    assert found == expected(chosen, EventGroup.DAY)


async def test_money_adds_up_to_the_cent_where_floats_would_not(events: EventIndex) -> None:
    await events.store([event(f"m{i}", revenue=0.1) for i in range(1000)])
    await events.store(
        [event("big", revenue=1e15), event("small", revenue=1e-9), event("minus", revenue=-0.1)]
    )
    await events.refresh()

    (found,) = await events.totals(EventFilter(), sum="revenue")

    assert found.sum == Decimal("1000000000000099.900000001")


async def test_only_numbers_of_the_very_name_are_added(events: EventIndex) -> None:
    await events.store([event("m1", revenue=5, revenues=7, rev=1, quantity=5, paid=True, text="9")])
    await events.refresh()

    async def total(name: str) -> Decimal | None:
        return (await events.totals(EventFilter(), sum=name))[0].sum

    assert [await total(name) for name in ("revenue", "quantity", "paid", "text", "reven", "")] == [
        5,
        5,
        0,
        0,
        0,
        0,
    ]


async def test_nothing_adds_up_to_nothing(events: EventIndex) -> None:
    assert await events.totals(EventFilter(), sum="revenue") == [EventTotal("", 0, 0, Decimal(0))]
    assert await events.totals(EventFilter()) == [EventTotal("", 0, 0, None)]
    assert await events.totals(EventFilter(), group=EventGroup.NAME) == []


async def test_a_customer_whose_events_are_on_their_way_counts_once(events: EventIndex) -> None:
    await events.store(
        [event("m1", "old"), event("m2", "new"), event("m3", "older", name="Page"), event("m4", "c9")]
    )
    await events.refresh()
    former = {"old": "new", "older": "new", "absent": "c9"}

    assert await events.totals(EventFilter(), former=former) == [EventTotal("", 4, 2, None)]
    assert await events.totals(EventFilter(), group=EventGroup.NAME, former=former) == [
        EventTotal("Order Completed", 3, 2, None),
        EventTotal("Page", 1, 1, None),
    ]


async def test_days_are_those_of_the_time_zone(events: EventIndex) -> None:
    at = datetime(2026, 3, 28, 22, 30, tzinfo=UTC)
    await events.store([event("m1", at=at), event("m2", at=at + timedelta(hours=3))])
    await events.refresh()

    async def keys(zone: str, group: EventGroup) -> list[str]:
        return [total.key for total in await events.totals(EventFilter(), group=group, zone=zone)]

    assert await keys("UTC", EventGroup.DAY) == ["2026-03-28", "2026-03-29"]
    assert await keys(ZONE, EventGroup.DAY) == ["2026-03-29"]
    assert await keys("UTC", EventGroup.WEEK) == ["2026-03-23"]
    # Summer time begins between the two.
    assert await keys("Europe/Berlin", EventGroup.HOUR) == [
        "2026-03-28T23:00+01:00",
        "2026-03-29T03:00+02:00",
    ]


async def test_a_total_for_each_value_of_a_property_equals_a_count_one_by_one(
    events: EventIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 3)
    told: list[dict[str, Any]] = [
        {"campaign": "c1", "cost": 0.1},
        {"campaign": "c1", "cost": 0.2},
        {"campaign": "c2=x.y", "cost": 5},
        {"campaign": ["c1", "c3"], "cost": 1},
        {"campaign": 7},
        {"campaigns": "c1", "other": {"campaign": "c1"}},
        {},
    ]
    await events.store([event(f"m{n}", f"c{n % 2}", **one) for n, one in enumerate(told)])
    await events.refresh()

    found = await events.totals(EventFilter(), sum="cost", by="campaign")
    nested = await events.totals(EventFilter(), by="other.campaign")

    assert found == [
        EventTotal("", 2, 2, Decimal(0)),
        EventTotal("7", 1, 1, Decimal(0)),
        EventTotal("c1", 3, 2, Decimal("1.3")),
        EventTotal("c2=x.y", 1, 1, Decimal(5)),
        EventTotal("c3", 1, 1, Decimal(1)),
    ]
    assert nested == [EventTotal("", 6, 2, None), EventTotal("c1", 1, 1, None)]


async def test_a_total_for_a_long_text_is_told_by_its_beginning(events: EventIndex) -> None:
    whole = "x" * KNOWN
    await events.store([event("m1", "c1", note=f"{whole}y"), event("m2", "c2", note=whole)])
    await events.refresh()

    found = await events.totals(EventFilter(), by="note")

    assert found == [EventTotal(whole, 1, 1, None), EventTotal(f"{whole}…", 1, 1, None)]


async def test_a_property_of_too_many_values_is_refused(
    events: EventIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_VALUES", 5)
    await events.store([event(f"m{n}", "c1", order=f"o{n}") for n in range(6)])
    await events.refresh()

    with pytest.raises(TooLarge) as refused:
        await events.totals(EventFilter(), by="order")

    assert refused.value.field == ("groupByProperty",)
