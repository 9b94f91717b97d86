"""Intervals of timed conditions against brute force, at the instants where something may change."""

from datetime import datetime, timedelta
from time import process_time
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given, settings

from oneid.domain.catalog import Catalog
from oneid.domain.segments.conditions import condition_id, from_stored, timed, to_stored, written
from oneid.domain.segments.histories import Occurrence, in_order
from oneid.domain.segments.intervals import intervals, true_for_nobody
from oneid.domain.segments.parsing import Parser
from oneid.domain.segments.rules import Timed
from search.flat import flatten
from tests.segment_oracle import DAY, HOUR, START, ZONE, Event, Person, is_member
from tests.segment_strategies import accounts, histories, net_rules, timed_rules


def parsed(rule: dict[str, Any]) -> Timed:
    (found,) = timed(Parser(Catalog(), zone=ZONE).parse(rule)).values()
    return found


def occurrences(events: list[Event]) -> list[Occurrence]:
    """As the index tells of them, processed in this order; their ids say nothing of it."""
    return in_order(
        Occurrence(f"{-n}-{event.id}", event.name, event.at, flatten(event.properties), n)
        for n, event in enumerate(events)
    )


def true_at(rule: Timed, events: list[Event], now: int) -> bool:
    within = any(
        start <= now and (end is None or now < end) for start, end in intervals(rule, occurrences(events))
    )
    return within != true_for_nobody(rule)


def turning_points(events: list[Event]) -> set[int]:
    """Every instant at which any condition of the strategies can turn, and one millisecond on either side."""
    spans = [0, *(days * DAY for days in (1, 2, 7, 30)), *(hours * HOUR for hours in (1, 24, 48, 240))]
    spans += [a + b for a in spans for b in spans]
    points = {event.at + span for event in events for span in [*spans, HOUR // 2]}
    points |= {point for event in events for zone in ZONES for point in midnights(event.at, zone)}
    return {point + near for point in points for near in (-1, 0, 1)}


ZONES = ("UTC", "America/New_York", "Asia/Kathmandu")


def midnights(at: int, zone: str) -> list[int]:
    """When periods that begin after an instant begin: days, weeks, months, years."""
    day = datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    months = [divmod(day.month + n, 12) for n in range(3)]
    firsts = [day.replace(year=day.year + years, month=month + 1, day=1) for years, month in months]
    years = [day.replace(year=day.year + n, month=1, day=1) for n in (1, 2)]
    told = [*(day + timedelta(days=n) for n in range(15)), *firsts, *years]
    return [round(one.timestamp() * 1000) for one in told]


@settings(max_examples=400, deadline=None)
@given(rule=timed_rules, events=histories())
def test_a_condition_holds_exactly_when_brute_force_says_so(
    rule: dict[str, Any], events: list[Event]
) -> None:
    condition, person = parsed(rule), Person(events=events)
    points = sorted(turning_points(events) | {START})

    kept = intervals(condition, occurrences(events))

    usual = true_for_nobody(condition)
    for now in points[:: max(1, len(points) // 80)]:
        within = any(start <= now and (end is None or now < end) for start, end in kept)
        assert (within != usual) == is_member(rule, person, now), now


@settings(max_examples=200, deadline=None)
@given(rule=timed_rules)
def test_a_condition_reads_back_from_its_stored_form_as_the_same(rule: dict[str, Any]) -> None:
    condition = parsed(rule)

    again = parsed(orjson.loads(orjson.dumps(written(condition))))

    assert again == condition
    assert condition_id(again) == condition_id(condition)


def test_who_ordered_within_thirty_days_leaves_at_exactly_thirty_days() -> None:
    rule = parsed({"event": {"name": "Order", "window": {"lastDays": 30}}})

    assert intervals(rule, [Occurrence("m1", "Order", START, {})]) == [(START, START + 30 * DAY)]


def test_without_any_event_there_is_no_interval_whatever_the_rule() -> None:
    rule = parsed({"event": {"name": "Order", "count": {"op": "EQ", "value": 0}}})

    assert true_for_nobody(rule)
    assert intervals(rule, []) == []
    assert intervals(rule, [Occurrence("m1", "Order", START, {})]) == [(START, None)]


def test_the_same_event_told_twice_counts_once() -> None:
    rule = parsed({"event": {"name": "Order", "count": {"op": "GTE", "value": 2}}})

    assert intervals(rule, in_order([Occurrence("m1", "Order", START, {})] * 2)) == []


def test_money_is_added_exactly() -> None:
    told = {"property": "amount", "op": "EQ", "value": 0.3}
    rule = parsed({"event": {"name": "Order", "sum": told}})
    events = [Occurrence(f"m{n}", "Order", START + n, {"amount": 0.1}) for n in range(3)]

    assert intervals(rule, events) == [(START + 2, None)]


def test_intervals_come_back_from_the_graph_as_they_were() -> None:
    held = {3: ((1, 2), (5, None)), 12: ((0, 7),)}

    assert from_stored(to_stored(held)) == held
    assert from_stored(None) == {}


def test_an_order_without_a_second_one_counts_only_once_the_time_is_over() -> None:
    told = {"steps": [{"name": "Cart"}], "without": {"name": "Order"}, "withinHours": 2}
    rule = parsed({"sequence": told})
    cart = Occurrence("m1", "Cart", START, {})

    assert intervals(rule, [cart]) == [(START + 2 * HOUR, None)]
    assert intervals(rule, [cart, Occurrence("m2", "Order", START + 2 * HOUR, {})]) == []
    assert true_at(rule, [Event("m1", "Cart", START)], START + 2 * HOUR)


def bought(*told: tuple[str, int, float]) -> list[Occurrence]:
    """Events by name, day and amount."""
    return [
        Occurrence(f"m{n}", name, START + day * DAY, {"amount": amount})
        for n, (name, day, amount) in enumerate(told)
    ]


@pytest.mark.parametrize("window", [None, {"from": "2026-01-01", "to": "2026-02-01"}])
def test_what_is_taken_off_a_sum_counts_from_when_it_happened(window: dict[str, Any] | None) -> None:
    told = {"property": "amount", "op": "GTE", "value": 100, "less": {"name": "Refund"}}
    rule = parsed({"event": {"name": "Order", "sum": told, **({"window": window} if window else {})}})
    events = bought(("Order", 1, 150), ("Refund", 2, 100), ("Order", 3, 60))

    assert intervals(rule, events) == [(START + DAY, START + 2 * DAY), (START + 3 * DAY, None)]


def test_a_measure_of_a_value_that_is_there_twice_stays_when_one_of_them_leaves() -> None:
    told = {"property": "amount", "op": "GTE", "value": 5}
    rule = parsed({"event": {"name": "Order", "max": told, "window": {"lastDays": 2}}})
    events = bought(("Order", 0, 5), ("Order", 1, 5), ("Order", 1, 1))

    assert intervals(rule, events) == [(START, START + 3 * DAY)]


WINDOW = {"window": {"lastDays": 30}}


@pytest.mark.parametrize(
    "rule",
    [
        {"event": {"name": "Order", "sum": {"property": "amount", "op": "GTE", "value": 99.9}, **WINDOW}},
        {"event": {"name": "Order", "avg": {"property": "amount", "op": "GTE", "value": 9.9}, **WINDOW}},
        {"event": {"name": "Order", "max": {"property": "amount", "op": "GTE", "value": 999.8}, **WINDOW}},
        {"event": {"name": "Order", "unique": {"property": "amount", "op": "GTE", "value": 400}, **WINDOW}},
        {"cadence": {"name": "Order", "times": 1.5}},
        {"sequence": {"steps": [{"name": "Order"}], "without": {"name": "View"}, "withinHours": 900}},
        {"sequence": {"steps": [{"name": "Order"}, {"name": "Order"}], "withinHours": 900, "strict": True}},
    ],
)
def test_twenty_thousand_events_of_one_customer_are_evaluated_in_seconds_not_minutes(
    rule: dict[str, Any],
) -> None:
    span = DAY // 50
    events = [Occurrence(f"m{n}", "Order", START + n * span, {"amount": n / 10}) for n in range(20_000)]
    condition, ordered = parsed(rule), in_order(events)

    start = process_time()
    intervals(condition, ordered)

    assert process_time() - start < 3  # quadratic ways take 8 to 15 seconds


@settings(max_examples=150, deadline=None)
@given(rule=net_rules(), events=accounts())
def test_a_net_sum_holds_exactly_when_brute_force_says_so(rule: dict[str, Any], events: list[Event]) -> None:
    condition, person = parsed(rule), Person(events=events)

    kept = intervals(condition, occurrences(events))

    for now in sorted({event.at + near for event in events for near in (-1, 0, 1)}):
        within = any(start <= now and (end is None or now < end) for start, end in kept)
        assert (within != true_for_nobody(condition)) == is_member(rule, person, now), now
