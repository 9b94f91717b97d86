"""Periods of the calendar: where they begin and end, also where the clocks change."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from oneid.domain.segments.periods import PAST, Period, seen, span

SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")


def at(text: str, zone: ZoneInfo = SHANGHAI) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


@pytest.mark.parametrize(
    ("period", "first", "end"),
    [
        ("YESTERDAY", "2026-02-28", "2026-03-01"),
        ("TODAY", "2026-03-01", "2026-03-02"),
        ("TOMORROW", "2026-03-02", "2026-03-03"),
        ("LAST_WEEK", "2026-02-16", "2026-02-23"),
        ("THIS_WEEK", "2026-02-23", "2026-03-02"),
        ("NEXT_WEEK", "2026-03-02", "2026-03-09"),
        ("LAST_MONTH", "2026-02-01", "2026-03-01"),
        ("THIS_MONTH", "2026-03-01", "2026-04-01"),
        ("NEXT_MONTH", "2026-04-01", "2026-05-01"),
        ("LAST_YEAR", "2025-01-01", "2026-01-01"),
        ("THIS_YEAR", "2026-01-01", "2027-01-01"),
        ("NEXT_YEAR", "2027-01-01", "2028-01-01"),
    ],
)
def test_a_period_begins_and_ends_at_midnights_of_its_zone(period: str, first: str, end: str) -> None:
    sunday = at("2026-03-01T00:00:00")

    assert span(Period(period), sunday, SHANGHAI) == (at(first), at(end))


@pytest.mark.parametrize("period", Period)
def test_an_instant_is_seen_in_a_period_exactly_while_it_lies_in_it(period: Period) -> None:
    told = at("2026-01-31T23:30:00")
    first, end = seen(period, told, SHANGHAI)

    for now, inside in ((first - 1, False), (first, True), (end - 1, True), (end, False)):
        low, high = span(period, now, SHANGHAI)
        assert (low <= told < high) is inside


def test_a_day_in_which_the_clocks_go_forward_has_twenty_three_hours() -> None:
    first, end = span(Period.TODAY, at("2026-03-08T12:00:00", NEW_YORK), NEW_YORK)

    assert end - first == 23 * 3_600_000


def test_at_the_ends_of_the_calendar_a_period_is_empty() -> None:
    last = at("9999-12-31T00:00:00")

    assert span(Period.NEXT_YEAR, last, SHANGHAI) == (last, last)


def test_what_has_happened_lies_in_no_coming_period() -> None:
    assert {period.value for period in set(Period) - PAST} == {
        "TOMORROW",
        "NEXT_WEEK",
        "NEXT_MONTH",
        "NEXT_YEAR",
    }
