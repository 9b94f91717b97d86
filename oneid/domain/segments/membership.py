"""Which segments a customer is in, and when that changes: judged at each instant at which it can change."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from oneid.domain.catalog import AttributeDefinition, AttributeType
from oneid.domain.lifecycles import Lifecycle
from oneid.domain.segments.dates import date_intervals, lag_name, lagged, relative_name
from oneid.domain.segments.intervals import Interval
from oneid.domain.segments.rules import AttributeRule, Op


class TransitionKind(StrEnum):
    """What happened between a customer and a segment."""

    ENTERED = "ENTERED"
    LEFT = "LEFT"


@dataclass(frozen=True, slots=True)
class Transition:
    """A customer entered or left a segment. `at`: milliseconds since 1970 by the business clock; `sequence`: its
    place in the order of the deployment."""

    id: str
    segment: str
    one_id: str
    kind: TransitionKind
    at: int
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Membership:
    """What was judged last: the segments; how often it was written; and the next instant (milliseconds) at which
    time alone may change it."""

    segments: frozenset[str] = frozenset()
    seen: int = 0
    wake_at: int | None = None


@dataclass(frozen=True, slots=True)
class Live:
    """The segments that are rules, as judging needs them. `silent`: those that nobody enters or leaves now; `lags`:
    numbers that must have held for days."""

    version: int = 0
    ids: frozenset[str] = frozenset()
    silent: frozenset[str] = frozenset()
    dates: tuple[AttributeRule, ...] = ()
    lags: tuple[tuple[int, int], ...] = ()
    lifecycles: tuple[Lifecycle, ...] = ()


@dataclass(frozen=True, slots=True)
class Course:
    """The intervals of a customer by name: numbers of conditions, and comparisons of dates."""

    numbers: Mapping[int, Sequence[Interval]]
    dates: Mapping[str, Sequence[Interval]] = field(default_factory=dict[str, Sequence[Interval]])

    def holding(self, at: int) -> tuple[list[int], list[str]]:
        """What holds at an instant."""
        numbers = [number for number, kept in self.numbers.items() if within(kept, at)]
        return numbers, [name for name, kept in self.dates.items() if within(kept, at)]

    def changes(self) -> set[int]:
        """Every instant at which something begins or ends to hold."""
        kept = [*self.numbers.values(), *self.dates.values()]
        return {at for intervals in kept for pair in intervals for at in pair if at is not None}


def course(
    numbers: Mapping[int, Sequence[Interval]],
    live: Live,
    dates: Mapping[str, str],
    years: Collection[int],
    zone: ZoneInfo,
) -> Course:
    """The course of a customer in these years and those beside them. `dates`: the declared dates that it has, by
    key, as they were written; `zone`: where a rule names none."""
    compared = [rule for rule in live.dates if rule.definition.key in dates]
    found = {
        relative_name(rule): date_intervals(rule, dates[rule.definition.key], years, zone)
        for rule in compared
    }
    for number, days in live.lags:
        if number in numbers:
            found[lag_name(number, days)] = lagged(numbers[number], days)
    return Course(numbers, found)


def compared_date(key: str, op: str, value: int | str, zone: str | None = None) -> AttributeRule:
    """A comparison of a date as a segment keeps it."""
    return AttributeRule(AttributeDefinition(key, AttributeType.DATE), Op(op), value, zone=zone)


def kept_date(rule: AttributeRule) -> tuple[Any, ...]:
    """The arguments of `compared_date`."""
    return (rule.definition.key, str(rule.op), rule.value, *([rule.zone] if rule.zone else []))


def within(intervals: Iterable[Interval], at: int) -> bool:
    return any(start <= at and (end is None or at < end) for start, end in intervals)
