"""Numbers of properties whose names look like a number's beginning, and customers with more events than count."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from oneid.domain.segments.rules import EventPattern, EventRule, Measure, Op
from search.buyers import Buyers
from search.client import Search
from search.events import EventFilter, EventIndex
from search.indexes import IndexNames
from search.ranges import EVERYTHING
from search.segments import histories as module
from search.segments.histories import Histories
from search.segments.tallies import Tallies
from tests.integration.search.factories import START, event

DAY = timedelta(days=1)


@pytest.mark.parametrize(("name", "amount"), [("amount", 5), ("amount=x", 7), ("amount=x=", 9)])
async def test_a_name_with_an_equals_sign_is_no_other_name(
    search: Search, names: IndexNames, events: EventIndex, name: str, amount: int
) -> None:
    amounts: dict[str, Any] = {"amount=x": 7, "amount": 5, "amount=x=": 9}
    await events.store([event("m1", **amounts)])
    await events.refresh()
    rules = [
        EventRule(EventPattern("Order Completed"), Measure.SUM, name, op, amount) for op in (Op.GTE, Op.GT)
    ]
    buyers, tallies = Buyers(search, names.events), Tallies(search, names.events)

    (total,) = await events.totals(EventFilter(), sum=name, former={})
    spent_so_much = await tallies.otherwise(rules, START + DAY, EVERYTHING, [])
    spent = buyers.between("Order Completed", name, START - DAY, START + DAY)
    (bought,) = [one async for page in spent for one in page]

    assert total.sum == Decimal(amount)
    assert spent_so_much == [["c1"], []]
    assert bought.amount == amount


async def test_of_a_customer_with_too_many_events_the_latest_count(
    search: Search, names: IndexNames, events: EventIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAGE", 3)
    monkeypatch.setattr(module, "MAX_EVENTS", 4)
    told = [event(f"{who}{n}", who, at=START + n * DAY) for who in ("a", "b", "c") for n in range(9)]
    await events.store([*told, event("former", "b2", at=START + 20 * DAY), event("one", "d")])
    await events.store([event("view", "d", name="View", at=START + DAY)])

    found = await Histories(search, names.events).of(
        {"a": "a", "b": "b", "b2": "b", "c": "c", "d": "d", "e": "e"}, {"Order Completed", "View"}
    )

    assert {one_id: [one.message_id for one in events] for one_id, events in found.items()} == {
        "a": ["a5", "a6", "a7", "a8"],
        "b": ["b6", "b7", "b8", "former"],
        "c": ["c5", "c6", "c7", "c8"],
        "d": ["one", "view"],
        "e": [],
    }
