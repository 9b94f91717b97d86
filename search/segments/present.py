"""The two ways to ask what only time decides.

A search compares intervals and dates with an instant that is passed in. A stored query can't: it asks for names
that the document carries, of all that holds for the customer at the instant of the comparison. A test holds both
equal.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from oneid.domain.messages import format_time
from oneid.domain.segments.dates import lag_name, relative_name
from oneid.domain.segments.histories import DAY_MS
from oneid.domain.segments.intervals import milliseconds
from oneid.domain.segments.periods import Period, span
from oneid.domain.segments.rules import AttributeRule, Op
from search.segments.holding import holds
from search.typed import field_of

Query: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Instant:
    """When a rule is asked, and the IANA time zone in which days begin."""

    at: datetime
    zone: str

    def held(self, number: int) -> Query:
        """Who has the intervals of a number at the instant."""
        return holds(number, milliseconds(self.at.timestamp()))

    def any_held(self, numbers: Sequence[int], days: int) -> Query:
        """Who has the intervals of one of these numbers at the instant, and had them so many days before."""
        at = milliseconds(self.at.timestamp())
        instants = (at, at - days * DAY_MS) if days else (at,)
        each = [{"bool": {"filter": [holds(number, one) for one in instants]}} for number in numbers]
        return {"bool": {"should": each, "minimum_should_match": 1}}

    def relative(self, rule: AttributeRule) -> Query:
        """Whose date compares so with the instant."""
        if rule.op is Op.ANNIVERSARY:
            return {"terms": {"anniversaries": self._anniversaries(rule)}}
        return {"range": {field_of(rule.definition): self._bounds(rule)}}

    def _zone(self, rule: AttributeRule) -> ZoneInfo:
        return ZoneInfo(rule.zone or self.zone)

    def _bounds(self, rule: AttributeRule) -> dict[str, str]:
        if rule.op is Op.IN_PERIOD:
            first, end = span(Period(rule.value), milliseconds(self.at.timestamp()), self._zone(rule))
            return {"gte": stamped(first), "lt": stamped(end)}
        distance = timedelta(days=rule.value)
        match rule.op:
            case Op.WITHIN_LAST:
                return {"gt": format_time(self.at - distance), "lte": format_time(self.at)}
            case Op.WITHIN_NEXT:
                return {"gte": format_time(self.at), "lt": format_time(self.at + distance)}
            case _:
                return {"lte": format_time(self.at - distance)}

    def _anniversaries(self, rule: AttributeRule) -> list[str]:
        days = self._days(rule)
        told = {f"{day:%m-%d}" for day in days}
        if any((day.month, day.day) == (2, 28) and (day + timedelta(days=1)).month == 3 for day in days):
            told.add("02-29")
        return [f"{rule.definition.key}={day}" for day in sorted(told)]

    def _days(self, rule: AttributeRule) -> list[date]:
        """Today and the days that follow, so many."""
        today = self.at.astimezone(self._zone(rule)).date()
        return [today + timedelta(days=number) for number in range(rule.value + 1)]


def stamped(at: int) -> str:
    """Milliseconds since 1970 as a stored time."""
    return format_time(datetime.fromtimestamp(at / 1000, UTC))


class Told:
    """What a stored query asks: the names in `holding`."""

    def held(self, number: int) -> Query:
        return {"term": {"holding": str(number)}}

    def any_held(self, numbers: Sequence[int], days: int) -> Query:
        names = [lag_name(number, days) if days else str(number) for number in numbers]
        return {"terms": {"holding": names}}

    def relative(self, rule: AttributeRule) -> Query:
        return {"term": {"holding": relative_name(rule)}}


def holding(numbers: Iterable[int], dates: Iterable[str]) -> list[str]:
    """The names of what holds: numbers of intervals and names of comparisons of dates."""
    return [*map(str, sorted(numbers)), *sorted(dates)]
