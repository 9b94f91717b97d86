"""Custom scalars. Whatever they refuse is a GraphQLError, so it reaches the caller as BAD_USER_INPUT."""

import math
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NewType

import strawberry
from graphql import GraphQLError
from strawberry.scalars import JSON
from strawberry.types.scalar import ScalarDefinition

from oneid.domain.messages import format_time, parse_time

MAX_JSON_DEPTH: Final = 32
INT64: Final = range(-(2**63), 2**64)

DateTime = NewType("DateTime", str)
"""RFC 3339 text as it is stored: UTC, milliseconds, Z."""

EventBatch = NewType("EventBatch", list[object])
"""Tracking messages as they came; IngestionService validates each."""


def parse_date_time(value: object) -> DateTime:
    """RFC 3339 text to the stored form; a time without zone is UTC."""
    if not isinstance(value, str):
        raise GraphQLError("DateTime must be a string in RFC 3339 form")
    try:
        return DateTime(format_time(parse_time(value)))
    except (ValueError, OverflowError):
        raise GraphQLError("DateTime must be in RFC 3339 form, such as 2026-03-01T08:00:00Z") from None


def parse_decimal(value: object) -> Decimal:
    """Text or a whole number to a finite Decimal."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise GraphQLError("Decimal must be a number as a string") from None
    if not number.is_finite():
        raise GraphQLError("Decimal must be finite")
    return number


def parse_event_batch(value: object) -> list[object]:
    """A JSON array, its items untouched: coercing them one by one would cost more than resolving them."""
    if not isinstance(value, list):
        raise GraphQLError("EventBatch must be an array of tracking messages")
    items: list[object] = value
    return items


def parse_json(value: object) -> object:
    """Any JSON value that can be written as JSON again."""
    _check_json(value, MAX_JSON_DEPTH)
    return value


def _check_json(value: object, depth: int) -> None:
    if depth == 0:
        raise GraphQLError(f"JSON nests deeper than {MAX_JSON_DEPTH} levels")
    if isinstance(value, dict):
        members: dict[str, object] = value
        for member in members.values():
            _check_json(member, depth - 1)
    elif isinstance(value, list):
        items: list[object] = value
        for item in items:
            _check_json(item, depth - 1)
    elif isinstance(value, float) and not math.isfinite(value):
        raise GraphQLError("JSON has no number that is not finite")
    elif isinstance(value, int) and value not in INT64:
        raise GraphQLError("JSON whole numbers must fit 64 bits")


def _same(value: Any) -> Any:
    return value


SCALARS: Final[dict[object, ScalarDefinition]] = {
    DateTime: strawberry.scalar(
        name="DateTime",
        description="A moment in RFC 3339 form, UTC, such as 2026-03-01T08:00:00.000Z.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=_same,
        parse_value=parse_date_time,
    ),
    Decimal: strawberry.scalar(
        name="Decimal",
        description="An exact decimal number, written as a string.",
        serialize=lambda value: format(value, "f"),
        parse_value=parse_decimal,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="Any JSON value, up to 32 levels deep.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        serialize=_same,
        parse_value=parse_json,
    ),
    EventBatch: strawberry.scalar(
        name="EventBatch",
        description=(
            "A JSON array of tracking messages (type, messageId, userId, anonymousId, event, properties, traits, "
            "context, timestamp ...). Each is validated by itself: one bad message refuses only itself."
        ),
        serialize=_same,
        parse_value=parse_event_batch,
    ),
}
