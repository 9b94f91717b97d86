"""Computed attributes: what a customer's events add up to, at an instant."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from oneid.domain.segments.histories import DAY_MS, Occurrence, matches, number_of, property_of
from oneid.domain.segments.operators import MAX_DAYS, whole
from oneid.domain.segments.rules import EventPattern
from oneid.domain.texts import is_cut
from oneid.errors import InvalidInput

MAX_LIST: Final = 100
MAX_CHANGES: Final = 50


class Aggregate(StrEnum):
    """How events become one value. SHARES: a list of `value=0.67`, the largest first."""

    COUNT = "COUNT"
    SUM = "SUM"
    AVG = "AVG"
    MIN = "MIN"
    MAX = "MAX"
    MOST_FREQUENT = "MOST_FREQUENT"
    FIRST = "FIRST"
    LAST = "LAST"
    UNIQUE_LIST = "UNIQUE_LIST"
    UNIQUE_COUNT = "UNIQUE_COUNT"
    SHARES = "SHARES"


NUMBERS: Final = frozenset({Aggregate.SUM, Aggregate.AVG, Aggregate.MIN, Aggregate.MAX})
COUNTS: Final = frozenset({Aggregate.COUNT, Aggregate.UNIQUE_COUNT})
LISTS: Final = frozenset({Aggregate.UNIQUE_LIST, Aggregate.SHARES})


@dataclass(frozen=True, slots=True)
class Computation:
    """Events of a pattern, those of the last days if `last_days` is given, and a property of theirs."""

    pattern: EventPattern
    aggregate: Aggregate
    property: str | None = None
    last_days: int | None = None

    def check(self, type_: str) -> None:
        """Raises InvalidInput where it makes no sense for an attribute of this type."""
        if (self.property is None) != (self.aggregate is Aggregate.COUNT):
            message = "give the property that is aggregated; a COUNT has none"
            raise InvalidInput(message, field=("computed", "property"))
        if self.last_days is not None and not whole(self.last_days, 1, MAX_DAYS):
            message = f"must be a whole number of days, 1 to {MAX_DAYS}"
            raise InvalidInput(message, field=("computed", "lastDays"))
        if self.aggregate in NUMBERS | COUNTS and type_ != "NUMBER":
            raise InvalidInput(f"{self.aggregate} makes a NUMBER", field=("type",))
        if (self.aggregate in LISTS) != (type_ == "LIST"):
            raise InvalidInput("UNIQUE_LIST and SHARES make a LIST, and nothing else does", field=("type",))

    def value(self, ordered: Sequence[Occurrence], at: int) -> Any:
        """What events in order come to at an instant (milliseconds); None without any such event, and where there is
        nothing."""
        return self._of(self.matching(ordered), at)

    def course(self, ordered: Sequence[Occurrence], since: int, at: int) -> list[tuple[int, Any]]:
        """What events in order come to from one instant to another one: each value from when on; of more changes than
        MAX_CHANGES the latest."""
        found = self.matching(ordered)
        turning = {event.at for event in found} | {end for event in found if (end := self._end(event))}
        turns = sorted(turn for turn in turning if since < turn <= at)[-MAX_CHANGES:]
        told = [(turn, self._of(found, turn)) for turn in (since, *turns)]
        return [one for n, one in enumerate(told) if not n or one[1] != told[n - 1][1]]

    def _of(self, matching: Sequence[Occurrence], at: int) -> Any:
        if not matching:
            return None
        found = [event for event in matching if event.at <= at and self._recent(event, at)]
        if self.property is None:
            return len(found)
        if self.aggregate in NUMBERS:
            numbers = [number_of(event.properties, self.property) for event in found]
            return self._measured([float(number) for number in numbers if number is not None])
        values = [property_of(event.properties, self.property) for event in found]
        return self._chosen([value for value in values if isinstance(value, str | int | float)])

    def changes(self, ordered: Sequence[Occurrence], at: int) -> int | None:
        """The next instant at which time alone changes the value; None if it never does."""
        found = self.matching(ordered)
        turning = [event.at for event in found] + [end for event in found if (end := self._end(event))]
        return min((turn for turn in turning if turn > at), default=None)

    def matching(self, ordered: Sequence[Occurrence]) -> list[Occurrence]:
        return [event for event in ordered if matches(self.pattern, event)]

    def _end(self, event: Occurrence) -> int | None:
        """When an event is too old, None: never."""
        return None if self.last_days is None else event.at + self.last_days * DAY_MS

    def _recent(self, event: Occurrence, at: int) -> bool:
        return self.last_days is None or at < event.at + self.last_days * DAY_MS

    def _measured(self, numbers: Sequence[float]) -> float | None:
        match self.aggregate:
            case Aggregate.SUM:
                return round(sum(numbers), 6)
            case Aggregate.AVG:
                return round(sum(numbers) / len(numbers), 6) if numbers else None
            case Aggregate.MIN:
                return min(numbers, default=None)
            case _:
                return max(numbers, default=None)

    def _chosen(self, values: Sequence[Any]) -> Any:
        if self.aggregate is Aggregate.UNIQUE_COUNT:
            return len(set(values))
        return self._told([value for value in values if not is_cut(value)])

    def _told(self, values: Sequence[Any]) -> Any:
        match self.aggregate:
            case Aggregate.UNIQUE_LIST:
                return [str(value) for value in dict.fromkeys(values)][-MAX_LIST:] or None
            case Aggregate.SHARES:
                return shares(values)
            case Aggregate.FIRST:
                return values[0] if values else None
            case Aggregate.LAST:
                return values[-1] if values else None
            case _:
                return most_frequent(values)


def most_frequent(values: Sequence[Any]) -> Any:
    """The value that is there most often, from twice on: once is no habit. Of several the first of the alphabet."""
    counts = {value: count for value, count in Counter(values).items() if count > 1}
    return min(counts, key=lambda value: (-counts[value], str(value)), default=None)


def shares(values: Sequence[Any]) -> list[str] | None:
    counts = Counter(map(str, values)).most_common(MAX_LIST)
    return [f"{value}={count / len(values):.2f}" for value, count in counts] or None
