"""All conditions of a customer at once: only what was told about is computed, and the rest stays as it was."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oneid.domain.segments import conditions
from oneid.domain.segments.conditions import Condition, ConditionSet, Held, condition_id, names_of
from oneid.domain.segments.intervals import intervals
from oneid.domain.segments.rules import ANY_NAME
from tests.segment_oracle import START, Event
from tests.segment_strategies import histories, timed_rules
from tests.unit.segments.test_intervals import occurrences, parsed


def set_of(rules: list[dict[str, Any]]) -> ConditionSet:
    timed = [parsed(rule) for rule in rules]
    return ConditionSet(
        1, tuple(Condition(condition_id(one), n, one, True, True) for n, one in enumerate(timed))
    )


def alone(known: ConditionSet, events: list[Event]) -> Held:
    """Each condition by itself, over all events."""
    told = occurrences(events)
    found = {one.number: tuple(intervals(one.rule, told)) for one in known.conditions}
    return {number: kept for number, kept in found.items() if kept}


@settings(max_examples=150, deadline=None)
@given(rules=st.lists(timed_rules, min_size=1, max_size=8), events=histories())
def test_all_at_once_is_each_by_itself(rules: list[dict[str, Any]], events: list[Event]) -> None:
    known = set_of(rules)
    assert known.held(occurrences(events), None, {}) == alone(known, events)


@settings(max_examples=150, deadline=None)
@given(rules=st.lists(timed_rules, min_size=1, max_size=8), events=histories(), more=histories())
def test_what_new_events_change_is_found_by_their_names_alone(
    rules: list[dict[str, Any]], events: list[Event], more: list[Event]
) -> None:
    known, before = set_of(rules), events
    new = [Event(f"new-{event.id}", event.name, event.at, event.properties) for event in more]
    told = {event.name for event in new}
    needed = known.names(told)

    read = [one for one in occurrences([*before, *new]) if not needed.isdisjoint((one.name, ANY_NAME))]

    assert known.held(read, told, alone(known, before)) == alone(known, [*before, *new])


@settings(max_examples=150, deadline=None)
@given(
    rules=st.lists(timed_rules, min_size=1, max_size=8, unique_by=str),
    marked=st.sets(st.integers(0, 7)),
    events=histories(),
)
def test_a_condition_that_is_told_by_its_mark_is_found_by_its_own_events_alone(
    rules: list[dict[str, Any]], marked: set[int], events: list[Event]
) -> None:
    known = set_of(rules)
    whole = alone(known, events)
    told = {known.conditions[n].mark for n in marked if n < len(rules)}
    new = {one.number for one in known.conditions if one.mark in told}
    needed = known.names(told)

    read = [one for one in occurrences(events) if not needed.isdisjoint((one.name, ANY_NAME))]

    before = {number: kept for number, kept in whole.items() if number not in new}
    assert known.held(read, told, before) == whole
    assert needed == {name for one in known.conditions if one.mark in told for name in names_of(one.rule)}


def test_conditions_on_what_a_customer_never_did_are_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    computed = list[Any]()

    def counted(rule: Any, events: Any) -> list[Any]:
        computed.append(rule)
        return intervals(rule, events)

    monkeypatch.setattr(conditions, "intervals", counted)
    known = set_of([{"event": {"name": name}} for name in ("Order", "View", "Cart")])
    history = occurrences([Event("m1", "Order", START, {}), Event("m2", "View", START, {})])

    assert known.held(history, None, {}).keys() == {0, 1}
    assert len(computed) == 2
    computed.clear()
    assert known.held(history, {"View"}, {0: ((1, 2),)}) == {0: ((1, 2),), 1: ((START, None),)}
    assert computed == [known.conditions[1].rule]


def test_what_is_kept_of_a_condition_that_is_gone_goes_with_it() -> None:
    known = set_of([{"event": {"name": "Order"}}])
    assert known.held([], {"View"}, {0: ((1, 2),), 9: ((1, 2),)}) == {0: ((1, 2),)}
