"""Periods of the calendar, such as this week: from when on and until when an instant lies in one of them."""

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo


class Period(StrEnum):
    """A day, a week from Monday, a month or a year, seen from the present."""

    YESTERDAY = "YESTERDAY"
    TODAY = "TODAY"
    TOMORROW = "TOMORROW"
    LAST_WEEK = "LAST_WEEK"
    THIS_WEEK = "THIS_WEEK"
    NEXT_WEEK = "NEXT_WEEK"
    LAST_MONTH = "LAST_MONTH"
    THIS_MONTH = "THIS_MONTH"
    NEXT_MONTH = "NEXT_MONTH"
    LAST_YEAR = "LAST_YEAR"
    THIS_YEAR = "THIS_YEAR"
    NEXT_YEAR = "NEXT_YEAR"

    @property
    def unit(self) -> str:
        """DAY, WEEK, MONTH or YEAR."""
        return self.value.partition("_")[2] or "DAY"

    @property
    def ahead(self) -> int:
        """How many units after the present one: -1, 0 or 1."""
        first = self.value.partition("_")[0]
        return {"YESTERDAY": -1, "LAST": -1, "TOMORROW": 1, "NEXT": 1}.get(first, 0)


YEARS: Final = range(3, 9_998)
PAST: Final = frozenset(period for period in Period if period.ahead <= 0)
"""The periods in which something can have happened."""


def span(period: Period, now: int, zone: ZoneInfo) -> tuple[int, int]:
    """The period as it is at an instant: from its first millisecond on, and before this other one."""
    return around(period.unit, now, period.ahead, zone)


def seen(period: Period, at: int, zone: ZoneInfo) -> tuple[int, int]:
    """From when on and until when an instant lies in the period: what is today lies in yesterday tomorrow."""
    return around(period.unit, at, -period.ahead, zone)


def around(unit: str, at: int, ahead: int, zone: ZoneInfo) -> tuple[int, int]:
    """The unit of the calendar in which an instant lies, or one of its neighbours, in milliseconds since 1970; empty
    at the ends of what a calendar can tell."""
    if datetime.fromtimestamp(at / 1000, UTC).year not in YEARS:
        return at, at
    first = beginning(unit, datetime.fromtimestamp(at / 1000, zone).date())
    first = stepped(unit, first, ahead)
    return midnight(first, zone), midnight(stepped(unit, first, 1), zone)


def beginning(unit: str, day: date) -> date:
    """The first day of the unit that a day is in."""
    match unit:
        case "DAY":
            return day
        case "WEEK":
            return day - timedelta(days=day.weekday())
        case "MONTH":
            return day.replace(day=1)
        case _:
            return day.replace(month=1, day=1)


def stepped(unit: str, first: date, count: int) -> date:
    """The first day of another unit, so many later."""
    match unit:
        case "DAY":
            return first + timedelta(days=count)
        case "WEEK":
            return first + timedelta(weeks=count)
        case "MONTH":
            years, month = divmod(first.month - 1 + count, 12)
            return first.replace(year=first.year + years, month=month + 1)
        case _:
            return first.replace(year=first.year + count)


def midnight(day: date, zone: ZoneInfo) -> int:
    """When a day begins, in milliseconds since 1970."""
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)
