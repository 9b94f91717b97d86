"""Computed attributes: what events come to, and when time changes it."""

from typing import Any

import pytest

from oneid.domain.computations import Aggregate, Computation
from oneid.domain.segments.histories import DAY_MS, Occurrence
from oneid.domain.segments.rules import EventPattern
from oneid.domain.texts import beginning
from oneid.errors import InvalidInput

VIEWS = ["精油", "面膜", "精油", "精油", "面膜", "精油"]


def events(*values: Any) -> list[Occurrence]:
    return [Occurrence(f"e{n}", "View", n * DAY_MS, {"topic": value}) for n, value in enumerate(values)]


def computed(aggregate: Aggregate, last_days: int | None = None) -> Computation:
    property_ = None if aggregate is Aggregate.COUNT else "topic"
    return Computation(EventPattern("View"), aggregate, property_, last_days)


LONG = beginning("油" * 2_001)


@pytest.mark.parametrize(
    ("aggregate", "values", "expected"),
    [
        (Aggregate.MOST_FREQUENT, VIEWS, "精油"),
        (Aggregate.SHARES, VIEWS, ["精油=0.67", "面膜=0.33"]),
        (Aggregate.COUNT, VIEWS, 6),
        (Aggregate.UNIQUE_COUNT, [LONG, "精油", LONG], 2),
        (Aggregate.UNIQUE_LIST, [LONG, "精油", LONG], ["精油"]),
        (Aggregate.LAST, ["精油", LONG], "精油"),
        (Aggregate.UNIQUE_COUNT, VIEWS, 2),
        (Aggregate.UNIQUE_LIST, VIEWS, ["精油", "面膜"]),
        (Aggregate.FIRST, VIEWS, "精油"),
        (Aggregate.LAST, [1, None, 2], 2),
        (Aggregate.MOST_FREQUENT, ["b", "a", "b", "a", "c"], "a"),
        (Aggregate.MOST_FREQUENT, ["a", "b"], None),
        (Aggregate.MOST_FREQUENT, [10, 9, 10, 9], 10),
        (Aggregate.SUM, [0.1, 0.2, "x"], 0.3),
        (Aggregate.AVG, [1, 2], 1.5),
        (Aggregate.MIN, [3, 1, 2], 1),
        (Aggregate.MAX, [3, 1, 2], 3),
        (Aggregate.MAX, [], None),
        (Aggregate.COUNT, [], None),
        (Aggregate.SUM, [], None),
    ],
)
def test_events_come_to_one_value(aggregate: Aggregate, values: list[Any], expected: Any) -> None:
    assert computed(aggregate).value(events(*values), 10 * DAY_MS) == expected


def test_a_window_forgets_to_the_millisecond_and_tells_when() -> None:
    count, told = computed(Aggregate.COUNT, last_days=2), events("a", "b")
    assert [count.value(told, at) for at in (-1, 0, DAY_MS, 2 * DAY_MS - 1, 2 * DAY_MS, 3 * DAY_MS)] == [
        0,
        1,
        2,
        2,
        1,
        0,
    ]
    assert [count.changes(told, at) for at in (-1, 0, DAY_MS, 2 * DAY_MS, 3 * DAY_MS)] == [
        0,
        DAY_MS,
        2 * DAY_MS,
        3 * DAY_MS,
        None,
    ]


@pytest.mark.parametrize(
    ("aggregate", "property_", "days", "type_", "field"),
    [
        (Aggregate.COUNT, "x", None, "NUMBER", "property"),
        (Aggregate.SUM, None, None, "NUMBER", "property"),
        (Aggregate.SUM, "x", 0, "NUMBER", "lastDays"),
        (Aggregate.SUM, "x", None, "STRING", "type"),
        (Aggregate.UNIQUE_LIST, "x", None, "STRING", "type"),
        (Aggregate.FIRST, "x", None, "LIST", "type"),
    ],
)
def test_a_computation_that_makes_no_sense_is_refused(
    aggregate: Aggregate, property_: str | None, days: int | None, type_: str, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        Computation(EventPattern("View"), aggregate, property_, days).check(type_)
    assert refused.value.field[-1] == field
