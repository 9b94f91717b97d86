"""Custom scalars."""

from decimal import Decimal
from typing import Any

import pytest
from graphql import GraphQLError

from api.graphql.scalars import parse_date_time, parse_decimal, parse_event_batch, parse_json


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("2026-03-01T08:00:00Z", "2026-03-01T08:00:00.000Z"),
        ("2026-03-01T16:00:00.5+08:00", "2026-03-01T08:00:00.500Z"),
        ("2026-03-01", "2026-03-01T00:00:00.000Z"),
    ],
)
def test_times_are_taken_to_utc_milliseconds(given: str, stored: str) -> None:
    assert parse_date_time(given) == stored


@pytest.mark.parametrize(
    "given", ["", "yesterday", "2026-13-01", "0001-01-01T00:00:00+14:00", 5, None, "9" * 5000]
)
def test_what_is_no_time_is_refused(given: Any) -> None:
    with pytest.raises(GraphQLError):
        parse_date_time(given)


def test_decimals_stay_exact() -> None:
    assert parse_decimal("0.1") + parse_decimal("0.2") == Decimal("0.3")


@pytest.mark.parametrize("given", ["x", "NaN", "Infinity", "", None, []])
def test_what_is_no_finite_decimal_is_refused(given: Any) -> None:
    with pytest.raises(GraphQLError):
        parse_decimal(given)


@pytest.mark.parametrize("given", [{}, "[]", None, 1])
def test_an_event_batch_is_an_array(given: Any) -> None:
    with pytest.raises(GraphQLError):
        parse_event_batch(given)


def test_an_event_batch_keeps_its_items_untouched() -> None:
    items = [None, 1, {"type": "nonsense"}]
    assert parse_event_batch(items) is items


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth - 1):
        value = [value]
    return value


def test_json_nests_up_to_32_levels() -> None:
    assert parse_json(nested(32)) == nested(32)
    with pytest.raises(GraphQLError, match="deeper"):
        parse_json(nested(33))


@pytest.mark.parametrize("given", [float("inf"), float("nan"), {"a": [2**64]}, -(2**63) - 1])
def test_numbers_that_json_cannot_carry_are_refused(given: Any) -> None:
    with pytest.raises(GraphQLError):
        parse_json(given)


def test_the_largest_numbers_pass() -> None:
    assert parse_json([2**64 - 1, -(2**63)]) == [2**64 - 1, -(2**63)]
