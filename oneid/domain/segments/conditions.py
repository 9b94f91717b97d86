"""Timed conditions that are materialised: each has a number, and each customer the intervals in which it holds."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeAlias

import orjson

from oneid.domain.messages import format_time
from oneid.domain.segments.histories import Occurrence, in_order
from oneid.domain.segments.intervals import Interval, intervals
from oneid.domain.segments.rules import ANY_NAME, CadenceRule, EventRule, Rule, SequenceRule, Timed, nodes

Held: TypeAlias = Mapping[int, tuple[Interval, ...]]
"""The intervals of one customer by the number of the condition."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition as all customers have it. `ready`: everybody who was there when it was made has it."""

    id: str
    number: int
    rule: Timed
    ready: bool


def condition_id(rule: Timed) -> str:
    """The same for the same condition, whoever writes it and wherever in a rule."""
    told = [type(rule).__name__, asdict(rule)]
    canonical = json.dumps(told, sort_keys=True, default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def timed(rule: Rule) -> dict[str, Timed]:
    """The timed conditions of a rule, by id."""
    found = (node for node in nodes(rule) if isinstance(node, Timed))
    return {condition_id(node): node for node in found}


def names_of(rule: Timed) -> set[str]:
    """The names of the events that decide a condition; ANY_NAME: events of every name do."""
    if isinstance(rule, CadenceRule):
        return {rule.pattern.name}
    if isinstance(rule, EventRule):
        return {rule.pattern.name, *([rule.less.name] if rule.less else [])}
    return {pattern.name for pattern in (*rule.steps, *([rule.without] if rule.without else []))}


def held(conditions: Iterable[Condition], events: Iterable[Occurrence]) -> Held:
    """What a customer with these events has."""
    told = in_order(events)
    by_name: defaultdict[str, list[Occurrence]] = defaultdict(list)
    for event in told:
        by_name[event.name].append(event)
    by_name[ANY_NAME] = told
    found = {
        condition.number: tuple(intervals(condition.rule, asked(condition.rule, by_name)))
        for condition in conditions
    }
    return {number: kept for number, kept in found.items() if kept}


def asked(rule: Timed, by_name: Mapping[str, list[Occurrence]]) -> list[Occurrence]:
    """The events that a condition asks, in order."""
    told = [by_name[name] for name in names_of(rule) if name in by_name]
    return told[0] if len(told) == 1 else in_order(event for events in told for event in events)


def to_stored(found: Held) -> str:
    """The JSON kept in the graph: number -> [[from, until], ...]."""
    return orjson.dumps(found, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SORT_KEYS).decode()


def from_stored(stored: str | None) -> Held:
    rows: dict[str, list[list[Any]]] = orjson.loads(stored or "{}")
    return {int(number): tuple((start, end) for start, end in kept) for number, kept in rows.items()}


def written(rule: Timed) -> dict[str, Any]:
    """A condition as a caller would write it: what `parsing` makes the same condition of."""
    match rule:
        case EventRule():
            return {"event": written_event(rule)}
        case SequenceRule():
            return {"sequence": written_steps(rule)}
        case CadenceRule():
            return {"cadence": {**asdict(rule.pattern), "times": float(rule.times)}}


def written_event(rule: EventRule) -> dict[str, Any]:
    # What is no small whole number was a float, and reads back as the same number.
    value = rule.value if isinstance(rule.value, int) and abs(rule.value) < 2**63 else float(rule.value)
    told: dict[str, Any] = {"op": rule.op, "value": value}
    if rule.property:
        told["property"] = rule.property
    if rule.less:
        told["less"] = asdict(rule.less)
    ends = {"from": moment(rule.window.since), "to": moment(rule.window.until)}
    calendar = {"period": rule.window.period, "zone": rule.window.zone}
    window = {"lastDays": rule.window.last_days, **ends, **calendar}
    return {**asdict(rule.pattern), rule.measure.value: told, "window": window}


def written_steps(rule: SequenceRule) -> dict[str, Any]:
    return {
        "steps": [asdict(step) for step in rule.steps],
        "withinHours": float(rule.within_hours),
        "strict": rule.strict,
        "without": asdict(rule.without) if rule.without else None,
        "lastDays": rule.last_days,
        "sameProperty": rule.same,
    }


def moment(given: datetime | None) -> str | None:
    return format_time(given) if given else None
