"""Which comparisons each type of attribute has, and what they are compared with."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from oneid.domain.catalog import (
    AttributeDefinition,
    AttributeType,
    is_number,
    is_place,
    is_text,
)
from oneid.domain.messages import parse_time
from oneid.domain.segments.periods import Period
from oneid.domain.segments.rules import Op

MAX_VALUES: Final = 1_000
MAX_DAYS: Final = 36_500
MAX_KM: Final = 20_040
"""No two places are further apart."""

PRESENCE: Final = frozenset({Op.EXISTS, Op.MISSING})
EQUALITY: Final = frozenset({Op.EQ, Op.NE})
CHOICE: Final = frozenset({Op.IN, Op.NOT_IN})
ORDER: Final = frozenset({Op.GT, Op.GTE, Op.LT, Op.LTE, Op.BETWEEN})
TEXT: Final = frozenset({Op.CONTAINS, Op.STARTS_WITH, Op.ENDS_WITH})
DAYS: Final = frozenset({Op.WITHIN_LAST, Op.WITHIN_NEXT, Op.MORE_THAN_AGO, Op.ANNIVERSARY})

ATTRIBUTE_OPS: Final[Mapping[AttributeType, frozenset[Op]]] = {
    AttributeType.STRING: PRESENCE | EQUALITY | CHOICE | TEXT,
    AttributeType.ENUM: PRESENCE | EQUALITY | CHOICE,
    AttributeType.NUMBER: PRESENCE | EQUALITY | CHOICE | ORDER,
    AttributeType.BOOLEAN: PRESENCE | EQUALITY,
    AttributeType.DATE: PRESENCE | EQUALITY | ORDER | DAYS | {Op.IN_PERIOD},
    AttributeType.LIST: PRESENCE | CHOICE | {Op.CONTAINS},
    AttributeType.GEO: PRESENCE | {Op.NEAR},
}
PROPERTY_OPS: Final = PRESENCE | EQUALITY | CHOICE | ORDER | TEXT
MEASURE_OPS: Final = EQUALITY | ORDER - {Op.BETWEEN}


def attribute_fault(definition: AttributeDefinition, op: Op, value: Any) -> str | None:
    """Why an attribute can't be compared with a value by an operator of its type, None if it can."""
    if op in DAYS:
        return None if whole(value, 0, MAX_DAYS) else f"must be a whole number of days, 0 to {MAX_DAYS}"
    if op is Op.IN_PERIOD:
        return None if value in tuple(Period) else f"must be one of {', '.join(Period)}"
    if op is Op.NEAR:
        return circle_fault(value)
    fault = value_fault(op, value, lambda one: one_fault(definition, one))
    return fault or (order_fault(*map(ordinal, value)) if op is Op.BETWEEN else None)


def ordinal(value: Any) -> float:
    """A number or a date as what it is compared by."""
    return parse_time(value).timestamp() if isinstance(value, str) else value


def order_fault(low: float, high: float) -> str | None:
    return None if low <= high else "must be the lower value and then the higher one"


def one_fault(definition: AttributeDefinition, value: Any) -> str | None:
    """Why one value is none of the attribute's type; of a list's entries."""
    if definition.type is AttributeType.LIST:
        return None if is_text(value) else "must be a text"
    return definition.misfit(value) if value is not None else "must not be null"


def property_fault(op: Op, value: Any) -> str | None:
    """Why a property can't be compared so: order is for numbers, parts are for texts."""
    if op in ORDER:
        fault = value_fault(op, value, lambda one: None if is_number(one) else "must be a number")
        return fault or (order_fault(*value) if op is Op.BETWEEN else None)
    if op in TEXT:
        return value_fault(op, value, lambda one: None if is_text(one) else "must be a text")
    return value_fault(op, value, scalar_fault)


def scalar_fault(value: Any) -> str | None:
    fits = isinstance(value, bool) or is_number(value) or is_text(value)
    return None if fits else "must be a text, a number, true or false"


def value_fault(op: Op, value: Any, fault: Callable[[Any], str | None]) -> str | None:
    """Why a value does not go with its operator, each part of it having to pass `fault`."""
    if op in PRESENCE:
        return None if value is None else f"{op} has no value"
    if op not in CHOICE and op is not Op.BETWEEN:
        return fault(value)
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_VALUES:
        return f"must be a list of 1 to {MAX_VALUES} values"
    if op is Op.BETWEEN and len(value) != 2:
        return "must be a list of two values"
    return next((reason for reason in map(fault, value) if reason), None)


def whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def circle_fault(value: Any) -> str | None:
    return None if is_circle(value) else f"must be a circle: {{lat, lon, km}}, km above 0 and up to {MAX_KM}"


def is_circle(value: Any) -> bool:
    if not isinstance(value, dict) or set(value) != {"lat", "lon", "km"}:
        return False
    near = is_number(value["km"]) and 0 < value["km"] <= MAX_KM
    return near and is_place({"lat": value["lat"], "lon": value["lon"]})
