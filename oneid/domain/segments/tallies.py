"""What a customer's events add up to at one instant, as an index can count it for everybody at once."""

from collections.abc import Iterable
from typing import Any, Final, TypeGuard

import orjson

from oneid.domain.segments.histories import holds
from oneid.domain.segments.rules import EventRule, Measure, Op, PropertyTest, Timed

COUNTED: Final = {Measure.COUNT, Measure.SUM, Measure.AVG, Measure.MIN, Measure.MAX}
NAME_CHARACTERS: Final = 1_000


def signs(rule: EventRule) -> list[int]:
    """Of which signs of the measure less the rule's number the rule is true."""
    return [sign for sign in (-1, 0, 1) if holds(rule.op, sign, 0)]


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
    """Whether a property is one of the top level, by its own name."""
    return 0 < len(name) <= NAME_CHARACTERS and "." not in name and not name.endswith("[]")


def unmistakable(value: Any) -> bool:
    """Whether a value is a text that is no other JSON value written down."""
    if not isinstance(value, str) or not 0 < len(value) <= NAME_CHARACTERS:
        return False
    try:
        orjson.loads(value)
    except orjson.JSONDecodeError:
        return True
    return False
