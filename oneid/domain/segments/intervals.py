"""When a timed condition holds for a customer: computed once from the customer's events, for every instant.

An event enters a window when it happens and leaves it when it is too old; in between nothing changes. So the
truth of a condition over all time is a list of intervals, which no passing of time has to recompute. They are
kept where the condition is *not* what it is for a customer without any event: who has done nothing has none.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

from oneid.domain.segments.histories import DAY_MS, HOUR_MS, Occurrence, matches, number_of, scalar_of
from oneid.domain.segments.measures import Middle, Tally, in_units, judged
from oneid.domain.segments.periods import Period, seen
from oneid.domain.segments.rules import (
    CadenceRule,
    EventPattern,
    EventRule,
    Measure,
    Number,
    SequenceRule,
    Timed,
    Window,
)

Interval: TypeAlias = tuple[int, int | None]
"""From an instant on (milliseconds since 1970) and before another one; None: for ever."""

Change: TypeAlias = tuple[int, int, int]
"""At an instant a value enters (1) or leaves (-1) the window."""

Found: TypeAlias = list[tuple[int, int]]
"""When which value comes, in the unit of its rule."""

MAX_INTERVALS: Final = 1_000
"""The latest are kept: who goes in and out of a condition more often than that has a shorter past."""


def true_for_nobody(rule: Timed) -> bool:
    """Whether a condition holds for a customer without any event."""
    return isinstance(rule, EventRule) and judged(rule, Tally(rule.measure))


def intervals(rule: Timed, ordered: Sequence[Occurrence]) -> list[Interval]:
    """The intervals in which the condition is the opposite of what it is for a customer without any event.
    `ordered`: the customer's events (`histories.in_order`)."""
    if isinstance(rule, CadenceRule):
        return overdue(rule, ordered)
    if isinstance(rule, SequenceRule):
        lasting = Window(last_days=rule.last_days)
        found = changes([(at, 1) for at in completions(rule, ordered)], lasting)
        return toggled(found, Tally(Measure.COUNT), completed)
    usual = true_for_nobody(rule)
    values, unit = values_of(rule, ordered)
    scaled = replace(rule, value=int(rule.value * unit))
    return toggled(
        changes(values, rule.window), Tally(rule.measure), lambda tally: judged(scaled, tally) != usual
    )


def completed(tally: Tally) -> bool:
    return tally.count > 0


def values_of(rule: EventRule, events: Sequence[Occurrence]) -> tuple[Found, int]:
    """When which value comes, and how many of its units are one. Without the number that is to be measured an event
    doesn't match."""
    low, high = reach(rule.window)
    told = [event for event in events if low <= event.at < high]
    found = [event for event in told if matches(rule.pattern, event)]
    if rule.property is None:
        return [(event.at, 1) for event in found], 1
    if rule.measure is Measure.UNIQUE:
        return different(rule.property, found), 1
    less = [event for event in told if rule.less and matches(rule.less, event)]
    numbers = [*numbered(rule.property, found, 1), *numbered(rule.property, less, -1)]
    values, unit = in_units([number for _, number in numbers], rule.value)
    return [(at, value) for (at, _), value in zip(numbers, values, strict=True)], unit


def measured_at(rule: EventRule, ordered: Sequence[Occurrence], at: int) -> Number | None:
    """What a rule measures at an instant; `ordered` as for `intervals`."""
    tally = Tally(rule.measure)
    values, unit = values_of(rule, ordered)
    for when, sign, value in changes(values, rule.window):
        if when <= at:
            tally.change(sign, value)
    ratio = tally.ratio(rule.measure)
    return None if ratio is None else Fraction(ratio[0], ratio[1] * unit)


def numbered(path: str, events: Iterable[Occurrence], sign: int) -> list[tuple[int, Number]]:
    told = ((event.at, number_of(event.properties, path)) for event in events)
    return [(at, sign * number) for at, number in told if number is not None]


def different(path: str, events: Iterable[Occurrence]) -> Found:
    """Each text, number or truth value as a number that stands for it."""
    known: dict[tuple[bool, Any], int] = {}
    told = ((event.at, scalar_of(event.properties, path)) for event in events)
    return [(at, known.setdefault(value, len(known))) for at, value in told if value is not None]


def overdue(rule: CadenceRule, events: Sequence[Occurrence]) -> list[Interval]:
    """From so many times the median after an event, if nothing happened until then, to the next event."""
    instants = sorted({event.at for event in events if matches(rule.pattern, event)})
    gaps, found = Middle(), list[Interval]()
    for position, at in enumerate(instants[1:], 1):
        gaps.add(at - instants[position - 1])
        begins = at - (-gaps.twice() * rule.times.numerator) // (2 * rule.times.denominator)
        following = instants[position + 1] if position + 1 < len(instants) else None
        if following is None or begins < following:
            found.append((begins, following))
    return found[-MAX_INTERVALS:]


def reach(window: Window) -> tuple[float, float]:
    """The fixed ends of a window, the second one excluded."""
    low = milliseconds(window.since.timestamp()) if window.since else float("-inf")
    return low, milliseconds(window.until.timestamp()) if window.until else float("inf")


def milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def changes(found: Iterable[tuple[int, int]], window: Window) -> list[Change]:
    """What enters and leaves the window, in order of time."""
    if window.period is not None and window.zone is not None:
        told = in_period(found, window.period, ZoneInfo(window.zone))
    elif window.last_days is not None:
        lasts = window.last_days * DAY_MS
        told = [change for at, value in found for change in ((at, 1, value), (at + lasts, -1, value))]
    else:
        told = [(at, 1, value) for at, value in found]
    # Of what happens at one instant nothing can leave before it has come: the order is kept.
    return sorted(told, key=itemgetter(0))


def in_period(found: Iterable[tuple[int, int]], period: Period, zone: ZoneInfo) -> list[Change]:
    """What enters and leaves a period of the calendar."""
    spans = [(at, *seen(period, at, zone), value) for at, value in found]
    return [
        change for at, start, end, value in spans for change in ((max(at, start), 1, value), (end, -1, value))
    ]


def toggled(found: Iterable[Change], tally: Tally, is_on: Callable[[Tally], bool]) -> list[Interval]:
    """The intervals in which `is_on`, which is false to begin with, is true of a tally of what was found."""
    starts, ends = list[int](), list[int]()
    on = False
    for at, at_once in groupby(found, key=itemgetter(0)):
        for _, sign, value in at_once:
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
    limit = round(rule.within_hours * HOUR_MS)
    last = strict_ends(rule, told, limit) if rule.strict else loose_ends(rule, told, limit)
    if rule.without is None:
        return [told[position].at for position in last]
    followed = followed_by(rule.without, told, limit)
    return [told[position].at + limit for position in last if not followed(position)]


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


def followed_by(without: EventPattern, events: Sequence[Occurrence], limit: int) -> Callable[[int], bool]:
    """Tells of a position whether what should not happen does, within the time after it."""
    unwanted = [position for position, event in enumerate(events) if matches(without, event)]

    def followed(position: int) -> bool:
        later = bisect_right(unwanted, position)
        return later < len(unwanted) and events[unwanted[later]].at <= events[position].at + limit

    return followed
