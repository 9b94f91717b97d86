"""What a customer's events add up to at one instant, as an index can count it for everybody at once."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeGuard

import orjson

from oneid.domain.segments.measures import Ratio
from oneid.domain.segments.rules import EventRule, Measure, Number, Op, PropertyTest, Timed

COUNTED: Final = {Measure.COUNT, Measure.SUM, Measure.AVG, Measure.MIN, Measure.MAX}
NAME_CHARACTERS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Tallied:
    """How many events count, and the sum and the ends of their numbers."""

    count: int = 0
    total: Number = 0
    least: Number | None = None
    most: Number | None = None

    def ratio(self, measure: Measure) -> Ratio | None:
        """The measure, None where there is none without values."""
        match measure:
            case Measure.COUNT:
                return self.count, 1
            case Measure.SUM:
                return self.total, 1
            case Measure.AVG:
                return (self.total, self.count) if self.count else None
            case Measure.MIN:
                return None if self.least is None else (self.least, 1)
            case Measure.MAX:
                return None if self.most is None else (self.most, 1)
            case Measure.UNIQUE:
                raise ValueError("different values don't add up")

    def __add__(self, other: "Tallied") -> "Tallied":
        """What two parts of one customer's events come to."""
        least = [one for one in (self.least, other.least) if one is not None]
        most = [one for one in (self.most, other.most) if one is not None]
        return Tallied(
            self.count + other.count,
            self.total + other.total,
            min(least, default=None),
            max(most, default=None),
        )


NOTHING: Final = Tallied()


def countable(rule: Timed) -> TypeGuard[EventRule]:
    """Whether the index decides a rule as the events themselves do: it keeps numbers of the top level exactly, and
    texts so that only those that can't be taken for a number or a truth value are what they seem."""
    return (
        isinstance(rule, EventRule)
        and rule.measure in COUNTED
        and rule.less is None
        and (rule.property is None or plain(rule.property))
        and all(exact(test) for test in rule.pattern.where)
    )


def exact(test: PropertyTest) -> bool:
    """Whether the index decides a test as the events themselves do."""
    values: Iterable[Any] = test.value if test.op in (Op.IN, Op.NOT_IN) else [test.value]
    told = test.op in (Op.EQ, Op.NE, Op.IN, Op.NOT_IN) and all(unmistakable(value) for value in values)
    return told and plain(test.property)


def plain(name: str) -> bool:
    """Whether a property is one of the top level."""
    return 0 < len(name) <= NAME_CHARACTERS and "." not in name


def unmistakable(value: Any) -> bool:
    """Whether a value is a text that is no other JSON value written down."""
    if not isinstance(value, str) or not 0 < len(value) <= NAME_CHARACTERS:
        return False
    try:
        orjson.loads(value)
    except orjson.JSONDecodeError:
        return True
    return False
