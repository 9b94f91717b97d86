"""Of whom a condition on events is otherwise than of somebody without any, in ranges and by owner."""

from collections.abc import Sequence
from datetime import timedelta
from fractions import Fraction
from itertools import product
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Final

import pytest

from oneid.domain.segments.rules import EventPattern, EventRule, Measure, Op
from search import ranges as module
from search.client import Search
from search.events import EventIndex
from search.indexes import IndexNames
from search.profiles import ProfileIndex
from search.ranges import EVERYTHING, within
from search.segments.tallies import Tallies
from tests.integration.search.factories import START, customer, event

AT: Final = START + timedelta(days=1)
COMPARED: Final = {Op.EQ: eq, Op.NE: ne, Op.GT: gt, Op.GTE: ge, Op.LT: lt, Op.LTE: le}
SPENT: Final[dict[str, list[Any]]] = {
    "a": [10],
    "b": [0.1, 0.2, 0.3],
    "c": [-5, 5],
    "d": [1e300, 0.7],
    "e": ["10", None],
}
VALUES: Final = [Fraction(0), Fraction(1, 5), Fraction(3, 5), Fraction(2), Fraction(10), Fraction(-5)]


def rule(measure: Measure, op: Op = Op.GTE, value: Fraction | int = 1) -> EventRule:
    named = None if measure is Measure.COUNT else "amount"
    return EventRule(EventPattern("Order Completed"), measure, named, op, value)


def measured(measure: Measure, amounts: Sequence[Any]) -> Fraction | None:
    numbers = [Fraction(repr(amount)) for amount in amounts if isinstance(amount, int | float)]
    match measure:
        case Measure.COUNT:
            return Fraction(len(amounts))
        case Measure.SUM:
            return sum(numbers, Fraction())
        case Measure.AVG:
            return sum(numbers, Fraction()) / len(numbers) if numbers else None
        case Measure.MIN:
            return min(numbers, default=None)
        case _:
            return max(numbers, default=None)


def true(rule: EventRule, amounts: Sequence[Any]) -> bool:
    found = measured(rule.measure, amounts)
    return found is not None and bool(COMPARED[rule.op](found, rule.value))


@pytest.fixture
async def tallies(search: Search, names: IndexNames, events: EventIndex) -> Tallies:
    listed = [(who, n, amount) for who, amounts in SPENT.items() for n, amount in enumerate(amounts)]
    await events.store([event(f"{who}{n}", who, amount=amount) for who, n, amount in listed])
    await events.store([event("nobody", None, amount=10), event("later", "a", at=AT + timedelta(days=1))])
    found = Tallies(search, names.events)
    await found.refresh()
    return found


@pytest.mark.parametrize("shards", [1, 3])
async def test_each_comparison_of_each_measure_is_decided_exactly(tallies: Tallies, shards: int) -> None:
    measures = [measure for measure in Measure if measure is not Measure.UNIQUE]
    rules = [rule(*asked) for asked in product(measures, COMPARED, VALUES)]

    found = await tallies.otherwise(rules, AT, EVERYTHING, [])

    for one, otherwise in zip(rules, found, strict=True):
        expected = {who for who, amounts in SPENT.items() if true(one, amounts) != true(one, [])}
        assert set(otherwise) == expected, (shards, one)


@pytest.mark.parametrize("shards", [1, 3])
async def test_events_under_several_one_ids_are_their_owners(tallies: Tallies, shards: int) -> None:
    owners = {"a": "c", "c": "c", "b": "b"}
    rules = [rule(Measure.COUNT, Op.GTE, 3), rule(Measure.AVG, Op.GT, 3), rule(Measure.MIN, Op.LT, 0)]

    found = await tallies.otherwise_of(rules, AT, owners)

    assert [set(one) for one in found] == [{"b", "c"}, {"c"}, {"c"}], shards


async def test_a_range_holds_neither_its_beginning_nor_those_aside(tallies: Tallies) -> None:
    (found,) = await tallies.otherwise([rule(Measure.COUNT)], AT, ("a", "d"), ["c"])
    assert set(found) == {"b", "d"}


@pytest.mark.parametrize("drawn", [1, 64])
async def test_ranges_hold_everybody_once(
    search: Search, names: IndexNames, profiles: ProfileIndex, monkeypatch: pytest.MonkeyPatch, drawn: int
) -> None:
    monkeypatch.setattr(module, "DRAWN", drawn)
    people = [customer(f"c{number:03}", sequence=number) for number in range(300)]
    assert not await profiles.write(people, [])
    await profiles.refresh()

    found = await profiles.ranges(30)

    counts = [await profiles.count(within("oneId", among)) for among in found]
    assert sum(counts) == len(people)
    assert (len(found), found[0][0], found[-1][1]) == (10, "", None)
    assert [until for _, until in found[:-1]] == [after for after, _ in found[1:]]
    assert drawn == 1 or max(counts) < 60
