"""When a timed condition holds for a customer: computed once from the customer's events, for every instant.

An event enters a window when it happens and leaves it when it is too old; in between nothing changes. So the
truth of a condition over all time is a list of intervals, which no passing of time has to recompute. They are
kept where the condition is *not* what it is for a customer without any event: who has done nothing has none.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby
from math import ceil
from typing import Any, Final, Protocol, TypeAlias
from zoneinfo import ZoneInfo

from oneid.domain.segments.histories import (
    DAY_MS,
    HOUR_MS,
    Occurrence,
    holds,
    matches,
    number_of,
    scalar_of,
)
from oneid.domain.segments.periods import Period, seen
from oneid.domain.segments.rules import (
    CadenceRule,
    EventRule,
    Measure,
    Number,
    SequenceRule,
    Timed,
    Window,
)

Interval: TypeAlias = tuple[int, int | None]
"""From an instant on (milliseconds since 1970) and before another one; None: for ever."""

Change: TypeAlias = tuple[int, int, Number]
"""At an instant a value enters (1) or leaves (-1) the window."""

MAX_INTERVALS: Final = 1_000
"""The latest are kept: who goes in and out of a condition more often than that has a shorter past."""


@dataclass(slots=True)
class Tally:
    """The values within the window at an instant."""

    values: list[Number] = field(default_factory=list[Number])
    total: Number = 0

    def change(self, sign: int, value: Number) -> None:
        self.total += sign * value
        if sign > 0:
            insort(self.values, value)
        else:
            del self.values[bisect_left(self.values, value)]

    def measured(self, measure: Measure) -> Number | None:
        """The measure, None where there is none without values."""
        count = len(self.values)
        match measure:
            case Measure.COUNT:
                return count
            case Measure.SUM:
                return self.total
            case Measure.AVG:
                return Fraction(self.total) / count if count else None
            case Measure.MIN:
                return self.values[0] if count else None
            case Measure.MAX:
                return self.values[-1] if count else None
            case Measure.UNIQUE:
                return len(set(self.values))


def true_for_nobody(rule: Timed) -> bool:
    """Whether a condition holds for a customer without any event."""
    return isinstance(rule, EventRule) and judged(rule, Tally())


class Measured(Protocol):
    """Values that were counted together."""

    def measured(self, measure: Measure) -> Number | None:
        """The measure, None where there is none without values."""
        ...


def judged(rule: EventRule, tally: Measured) -> bool:
    """Whether a rule is true of what was counted."""
    measured = tally.measured(rule.measure)
    return measured is not None and holds(rule.op, measured, rule.value)


def intervals(rule: Timed, ordered: Sequence[Occurrence]) -> list[Interval]:
    """The intervals in which the condition is the opposite of what it is for a customer without any event.
    `ordered`: the customer's events (`histories.in_order`)."""
    if isinstance(rule, CadenceRule):
        return overdue(rule, ordered)
    if isinstance(rule, SequenceRule):
        lasting = Window(last_days=rule.last_days)
        return toggled(changes([(at, 1) for at in completions(rule, ordered)], lasting), completed)
    usual = true_for_nobody(rule)
    found = changes(values_of(rule, ordered), rule.window)
    return toggled(found, lambda tally: judged(rule, tally) != usual)


def completed(tally: Tally) -> bool:
    return bool(tally.values)


def values_of(rule: EventRule, events: Sequence[Occurrence]) -> list[tuple[int, Number]]:
    """When and what matches. Without the number that is to be measured an event doesn't."""
    told = [event for event in events if within(rule.window, event.at)]
    found = [event for event in told if matches(rule.pattern, event)]
    if rule.property is None:
        return [(event.at, 1) for event in found]
    if rule.measure is Measure.UNIQUE:
        return different(rule.property, found)
    less = [event for event in told if rule.less and matches(rule.less, event)]
    return [*numbers(rule.property, found, 1), *numbers(rule.property, less, -1)]


def measured_at(rule: EventRule, ordered: Sequence[Occurrence], at: int) -> Number | None:
    """What a rule measures at an instant; `ordered` as for `intervals`."""
    tally = Tally()
    for _, sign, value in sorted(
        one for one in changes(values_of(rule, ordered), rule.window) if one[0] <= at
    ):
        tally.change(sign, value)
    return tally.measured(rule.measure)


def numbers(path: str, events: Iterable[Occurrence], sign: int) -> list[tuple[int, Number]]:
    told = ((event.at, number_of(event.properties, path)) for event in events)
    return [(at, sign * number) for at, number in told if number is not None]


def different(path: str, events: Iterable[Occurrence]) -> list[tuple[int, Number]]:
    """Each text, number or truth value as a number that stands for it."""
    known: dict[tuple[bool, Any], int] = {}
    told = ((event.at, scalar_of(event.properties, path)) for event in events)
    return [(at, known.setdefault(value, len(known))) for at, value in told if value is not None]


def overdue(rule: CadenceRule, events: Sequence[Occurrence]) -> list[Interval]:
    """From so many times the median after an event, if nothing happened until then, to the next event."""
    instants = sorted({event.at for event in events if matches(rule.pattern, event)})
    gaps = list[int]()
    found = list[Interval]()
    for position, at in enumerate(instants[1:], 1):
        insort(gaps, at - instants[position - 1])
        begins = at + ceil(median(gaps) * rule.times)
        following = instants[position + 1] if position + 1 < len(instants) else None
        if following is None or begins < following:
            found.append((begins, following))
    return found[-MAX_INTERVALS:]


def median(ordered: Sequence[int]) -> Fraction:
    half = len(ordered) // 2
    if len(ordered) % 2:
        return Fraction(ordered[half])
    return Fraction(ordered[half - 1] + ordered[half], 2)


def within(window: Window, at: int) -> bool:
    """Whether an event lies between the fixed ends of a window."""
    after = window.since is None or at >= milliseconds(window.since.timestamp())
    return after and (window.until is None or at < milliseconds(window.until.timestamp()))


def milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def changes(found: Iterable[tuple[int, Number]], window: Window) -> list[Change]:
    """What enters and leaves the window, in order of time."""
    if window.period is not None and window.zone is not None:
        return in_period(found, window.period, ZoneInfo(window.zone))
    entering = [(at, 1, value) for at, value in found]
    if window.last_days is None:
        return entering
    lasts = window.last_days * DAY_MS
    leaving = [(at + lasts, -1, value) for at, _, value in entering]
    return sorted([*entering, *leaving])


def in_period(found: Iterable[tuple[int, Number]], period: Period, zone: ZoneInfo) -> list[Change]:
    """What enters and leaves a period of the calendar, in order of time."""
    spans = [(at, *seen(period, at, zone), value) for at, value in found]
    entering = [(max(at, start), 1, value) for at, start, _, value in spans]
    return sorted([*entering, *((end, -1, value) for _, _, end, value in spans)])


def toggled(found: Iterable[Change], is_on: Callable[[Tally], bool]) -> list[Interval]:
    """The intervals in which `is_on`, which is false to begin with, is true."""
    tally, starts, ends = Tally(), list[int](), list[int]()
    on = False
    for at, at_once in groupby(found, key=lambda change: change[0]):
        for _, sign, value in sorted(at_once, reverse=True):
            tally.change(sign, value)
        if is_on(tally) != on:
            on = not on
            (starts if on else ends).append(at)
    closed: list[int | None] = [*ends, None] if on else [*ends]
    return list(zip(starts, closed, strict=True))[-MAX_INTERVALS:]


def completions(rule: SequenceRule, events: Sequence[Occurrence]) -> list[int]:
    """The instants at which the sequence is complete, in order."""
    patterns = [*rule.steps, *([rule.without] if rule.without else [])]
    names = {pattern.name for pattern in patterns}
    told = [event for event in events if event.name in names]
    return sorted(at for alike in groups(rule, told) for at in completed_by(rule, alike))


def groups(rule: SequenceRule, events: Sequence[Occurrence]) -> list[Sequence[Occurrence]]:
    """The events among which steps are looked for: those with the same value of a property, if that is asked."""
    if rule.same is None:
        return [events]
    found: defaultdict[tuple[bool, Any], list[Occurrence]] = defaultdict(list)
    for event in events:
        value = scalar_of(event.properties, rule.same)
        if value is not None:
            found[value].append(event)
    return list(found.values())


def completed_by(rule: SequenceRule, told: Sequence[Occurrence]) -> list[int]:
    """The instants at which events complete the sequence."""
    limit = int(rule.within_hours * HOUR_MS)
    last = strict_ends(rule, told, limit) if rule.strict else loose_ends(rule, told, limit)
    if rule.without is None:
        return [told[position].at for position in last]
    kept = (told[position] for position in last if not followed(rule, told, position, limit))
    return [event.at + limit for event in kept]


def strict_ends(rule: SequenceRule, events: Sequence[Occurrence], limit: int) -> list[int]:
    """Positions of last steps whose steps follow one another immediately."""
    length = len(rule.steps)
    return [
        end
        for end in range(length - 1, len(events))
        if events[end].at - events[end - length + 1].at <= limit
        and all(map(matches, rule.steps, events[end - length + 1 : end + 1]))
    ]


def loose_ends(rule: SequenceRule, events: Sequence[Occurrence], limit: int) -> list[int]:
    """Positions of last steps. `starts[n]`: the latest first step of which the steps up to n were seen since."""
    starts: list[int | None] = [None] * len(rule.steps)
    ends = list[int]()
    for position, event in enumerate(events):
        # From the last step to the first: one event is one step.
        for number in reversed(range(len(rule.steps))):
            start = event.at if number == 0 else starts[number - 1]
            if start is None or event.at - start > limit or not matches(rule.steps[number], event):
                continue
            starts[number] = max(start, starts[number] or start)
            if number == len(rule.steps) - 1:
                ends.append(position)
    return ends


def followed(rule: SequenceRule, events: Sequence[Occurrence], position: int, limit: int) -> bool:
    """Whether what should not happen did, within the time after the last step."""
    assert rule.without is not None
    end = events[position].at + limit
    later = events[position + 1 :]
    return any(event.at <= end and matches(rule.without, event) for event in later)
