"""Conditions that compare a date with the present: the intervals in which they hold, near an instant."""

import hashlib
import json
from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from oneid.domain.catalog import AttributeDefinition, AttributeType
from oneid.domain.messages import format_time, parse_time
from oneid.domain.segments.histories import DAY_MS
from oneid.domain.segments.intervals import Interval, milliseconds
from oneid.domain.segments.periods import Period, midnight, seen
from oneid.domain.segments.rules import AttributeRule, HeldRule, Op, Rule, nodes

RELATIVE: Final = frozenset({Op.WITHIN_LAST, Op.WITHIN_NEXT, Op.MORE_THAN_AGO, Op.ANNIVERSARY, Op.IN_PERIOD})
YEAR_DAYS: Final = 366

SINCE: Final = "@since"
"""Ends the name of the date since when an attribute has its value; no declared name has an @."""


def relative(rules: Iterable[Rule]) -> dict[str, AttributeRule]:
    """The conditions of rules that the present decides, by their name."""
    found = [node for rule in rules for node in nodes(rule) if isinstance(node, AttributeRule)]
    dates = [*(node for node in found if node.op in RELATIVE), *(unchanged(n) for n in found if n.for_days)]
    return {relative_name(node): node for node in dates}


def unchanged(rule: AttributeRule) -> AttributeRule:
    """The comparison for a value that has not changed for the days that a rule asks."""
    return AttributeRule(since(rule.definition), Op.MORE_THAN_AGO, rule.for_days)


def since(definition: AttributeDefinition) -> AttributeDefinition:
    """Since when an attribute has its value: a date that nobody declares."""
    return AttributeDefinition(f"{definition.key}{SINCE}", AttributeType.DATE)


def relative_name(rule: AttributeRule) -> str:
    """The same for the same comparison of the same attribute."""
    told = json.dumps([rule.definition.key, rule.op, rule.value, *([rule.zone] if rule.zone else [])])
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def lags(rules: Iterable[Rule]) -> set[tuple[int, int]]:
    """Number and days of what must have held for days already."""
    found = (node for rule in rules for node in nodes(rule) if isinstance(node, HeldRule) and node.days)
    return {(number, node.days) for node in found for number in node.numbers}


def lag_name(number: int, days: int) -> str:
    """The name of having held for days."""
    return f"{number}-{days}"


def lagged(intervals: Iterable[Interval], days: int) -> list[Interval]:
    """When intervals have held for so many days already."""
    shifted = [(start + days * DAY_MS, end) for start, end in intervals]
    return [(start, end) for start, end in shifted if end is None or start < end]


def date_intervals(rule: AttributeRule, value: str, years: Collection[int], zone: ZoneInfo) -> list[Interval]:
    """When the comparison holds for a date as it was written: all of it, of an anniversary those of these years and of
    the years beside them. `zone`: the deployment's."""
    at = milliseconds(parse_time(format_time(parse_time(value))).timestamp())
    if rule.op is Op.ANNIVERSARY:
        return anniversaries(day_of(value, zone), rule.value, years, local(rule, zone))
    zone = local(rule, zone)
    if rule.op is Op.IN_PERIOD:
        return [seen(Period(rule.value), at, zone)]
    lasts = rule.value * DAY_MS
    match rule.op:
        case Op.WITHIN_LAST:
            return [(at, at + lasts)]
        case Op.WITHIN_NEXT:
            return [(at - lasts + 1, at + 1)]
        case _:
            return [(at + lasts, None)]


def local(rule: AttributeRule, zone: ZoneInfo) -> ZoneInfo:
    """Where the days of a rule begin."""
    return ZoneInfo(rule.zone) if rule.zone else zone


def day_of(value: str, zone: ZoneInfo) -> date:
    """The day of a date as it was written: a day alone, or a time that names no zone, has its own; any other time the
    one that it is on in the deployment's zone."""
    told = datetime.fromisoformat(value)
    return told.astimezone(zone).date() if told.tzinfo else told.date()


def anniversaries(day: date, ahead: int, years: Collection[int], zone: ZoneInfo) -> list[Interval]:
    """From the beginning of the day so many days ahead of each return of a day until the end of it; that of
    February 29 is the 28th where a year has none."""
    if ahead >= YEAR_DAYS:
        return [(0, None)]
    returns = [returned(day, year) for year in range(min(years) - 1, max(years) + 3)]
    return [
        (midnight(back - timedelta(days=ahead), zone), midnight(back + timedelta(days=1), zone))
        for back in returns
    ]


def returned(day: date, year: int) -> date:
    if (day.month, day.day) == (2, 29) and not leap(year):
        return date(year, 2, 28)
    return day.replace(year=year)


def leap(year: int) -> bool:
    return (date(year, 3, 1) - timedelta(days=1)).day == 29
