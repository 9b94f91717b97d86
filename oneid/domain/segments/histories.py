"""What a customer did, as far as rules ask: events in order, and tests of their properties."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from oneid.domain.catalog import is_number
from oneid.domain.segments.rules import ANY_NAME, DENIALS, EventPattern, Number, Op, PropertyTest

DAY_MS = 86_400_000
HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Occurrence:
    """An event: `at` in milliseconds since 1970; `sequence`: its place in the order of processing."""

    message_id: str
    name: str
    at: int
    properties: Mapping[str, Any]
    sequence: int = 0


def in_order(events: Iterable[Occurrence]) -> list[Occurrence]:
    """Each event once, by time; those of one instant as they were processed."""
    once = {event.message_id: event for event in events}
    return sorted(once.values(), key=lambda event: (event.at, event.sequence, event.message_id))


def matches(pattern: EventPattern, event: Occurrence) -> bool:
    """Whether an event is of the name and passes every test."""
    return pattern.name in (event.name, ANY_NAME) and all(
        passes(test, event.properties) for test in pattern.where
    )


def passes(test: PropertyTest, properties: Mapping[str, Any]) -> bool:
    """Whether a property passes a test. Of a list one entry that passes is enough, also in a list within it."""
    held = entries(property_of(properties, test.property))
    positive = any(compare(DENIALS.get(test.op, test.op), entry, test.value) for entry in held)
    return positive != (test.op in DENIALS)


def entries(value: Any) -> list[Any]:
    """A value as a list, lists within it opened."""
    if isinstance(value, list):
        return [entry for one in value for entry in entries(one)]
    return [] if value is None else [value]


def property_of(properties: Mapping[str, Any], path: str) -> Any:
    """A property by its name, or by a path of names with dots between; None if there is none. Behind the name of a
    list there may be `[]`."""
    if path in properties:
        return properties[path]
    name, dot, rest = path.partition(".")
    # A name that ends so itself, as forms send it, goes first.
    below = properties.get(name, properties.get(name.removesuffix("[]")))
    return below_of(below, rest) if dot else below


def below_of(value: Any, path: str) -> Any:
    """What lies at a path in an object; in a list of objects the list of what lies there in each."""
    if isinstance(value, Mapping):
        return property_of(value, path)
    if not isinstance(value, list):
        return None
    found = (below_of(entry, path) for entry in value)
    return [one for one in found if one is not None] or None


def scalar_of(properties: Mapping[str, Any], path: str) -> tuple[bool, Any] | None:
    """A property that is a text, a number or a truth value, so that true is not 1; None if it is none."""
    value = property_of(properties, path)
    return (isinstance(value, bool), value) if isinstance(value, str | int | float) else None


def number_of(properties: Mapping[str, Any], path: str) -> Number | None:
    """A property's exact number, None if it is none."""
    value = property_of(properties, path)
    return exact(value) if is_number(value) else None


def exact(number: int | float) -> Number:
    """A number as it was written: 11.77 is 1177/100. Whole ones are int, which is many times as quick."""
    if isinstance(number, int):
        return number
    fraction = Fraction(Decimal(repr(number)))
    return int(fraction) if fraction.denominator == 1 else fraction


def compare(op: Op, held: Any, value: Any) -> bool:
    """One comparison of what is held with what a rule says; false where their types differ."""
    match op:
        case Op.EXISTS:
            return True
        case Op.EQ:
            return same(held, value)
        case Op.IN:
            return any(same(held, one) for one in value)
        case Op.CONTAINS:
            return isinstance(held, str) and value in held
        case Op.STARTS_WITH:
            return isinstance(held, str) and held.startswith(value)
        case Op.ENDS_WITH:
            return isinstance(held, str) and held.endswith(value)
        case Op.BETWEEN:
            return is_number(held) and value[0] <= held <= value[1]
        case _:
            return is_number(held) and holds(op, held, value)


def same(held: Any, value: Any) -> bool:
    """Equality of JSON values: true is not 1."""
    return held == value and isinstance(held, bool) == isinstance(value, bool)


def holds(op: Op, number: Number | float, value: Number | float) -> bool:
    """An ordered comparison of two numbers."""
    match op:
        case Op.EQ:
            return number == value
        case Op.NE:
            return number != value
        case Op.GT:
            return number > value
        case Op.GTE:
            return number >= value
        case Op.LT:
            return number < value
        case _:
            return number <= value
