"""Timed conditions that are materialised: each has a number, and each customer the intervals in which it holds."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cached_property
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
    """A condition as all customers have it. `marked`: everybody who was there when it was made is to be evaluated for
    it, or was; `ready`: everybody was."""

    id: str
    number: int
    rule: Timed
    ready: bool
    marked: bool

    @property
    def mark(self) -> str:
        """What stands for it among names of events: no event has such a name."""
        return f"{ANY_NAME}{self.id}"


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


@dataclass(frozen=True)
class ConditionSet:
    """All conditions of one moment, found by the names of the events that they ask about."""

    version: int = -1
    conditions: tuple[Condition, ...] = ()

    @cached_property
    def by_id(self) -> Mapping[str, Condition]:
        return {condition.id: condition for condition in self.conditions}

    @cached_property
    def numbers(self) -> frozenset[int]:
        return frozenset(condition.number for condition in self.conditions)

    @cached_property
    def _by_mark(self) -> Mapping[str, Condition]:
        return {condition.mark: condition for condition in self.conditions}

    @cached_property
    def _by_name(self) -> Mapping[str, Sequence[tuple[Condition, frozenset[str]]]]:
        found = defaultdict[str, list[tuple[Condition, frozenset[str]]]](list)
        for condition in self.conditions:
            names = frozenset(names_of(condition.rule))
            for name in names:
                found[name].append((condition, names))
        return found

    def _concerned(self, told: Collection[str] | None) -> Mapping[int, tuple[Condition, frozenset[str]]]:
        """By number the conditions that events of the names `told` may change, or that are told by their marks, with
        the names that they ask."""
        if told is None:
            return {one[0].number: one for ones in self._by_name.values() for one in ones}
        marks = self._by_mark.keys() & told
        names = self._by_name.keys() & ({*told, ANY_NAME} if len(marks) < len(told) else ())
        found = {one[0].number: one for name in names for one in self._by_name[name]}
        marked = (self._by_mark[mark] for mark in marks)
        return found | {one.number: (one, frozenset(names_of(one.rule))) for one in marked}

    def names(self, told: Collection[str] | None = None) -> set[str]:
        """The names of all events that decide what events of the names `told` may change; None: whatever is told.
        ANY_NAME: events of every name."""
        return {name for _, names in self._concerned(told).values() for name in names}

    def held(self, ordered: Sequence[Occurrence], told: Collection[str] | None, before: Held) -> Held:
        """What a customer with these events (`histories.in_order`, those of `names(told)` at least) has, who had
        `before`: what asks no event of a name `told`, and is not told by its mark, stays as it was."""
        concerned = self._concerned(told)
        of_name = defaultdict[str, list[Occurrence]](list)
        for event in ordered:
            of_name[event.name].append(event)
        parts: dict[str, Sequence[Occurrence]] = {**of_name, ANY_NAME: ordered}
        found = {n: kept for n, kept in before.items() if n in self.numbers and n not in concerned}
        for number, (condition, asked) in concerned.items():
            wanted = [ANY_NAME] if ANY_NAME in asked else asked
            if kept := _kept(condition.rule, [parts[name] for name in wanted if parts.get(name)]):
                found[number] = kept
        return found


def _kept(rule: Timed, parts: Sequence[Sequence[Occurrence]]) -> tuple[Interval, ...]:
    """The intervals for events that lie apart by name. Without any event of a name asked there are none."""
    if not parts:
        return ()
    told = parts[0] if len(parts) == 1 else in_order(event for part in parts for event in part)
    return tuple(intervals(rule, told))


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
