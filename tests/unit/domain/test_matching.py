"""What is compared of a person."""

import pytest

from oneid.domain.customers import AttributeValue
from oneid.domain.matching import Comparison, MatchField, comparable, tidied


@pytest.mark.parametrize(
    ("value", "comparison", "expected"),
    [
        ("  Anna-Maria  LI ", Comparison.NAME, "anna maria li"),
        ("1984-05-17", Comparison.CODE, "19840517"),
        ("ＡＢ 12", Comparison.CODE, "ab12"),
        ("王小明", Comparison.NAME, "王小明"),
        (2119, Comparison.CODE, "2119"),
        (" - ", Comparison.TEXT, None),
        ("", Comparison.NAME, None),
        (None, Comparison.NAME, None),
        (True, Comparison.CODE, None),
        (["Anna"], Comparison.NAME, None),
    ],
)
def test_values_are_compared_without_their_accidents(
    value: object, comparison: Comparison, expected: str | None
) -> None:
    assert tidied(value, comparison) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("name", "anna"),
        ("address.city", "basel"),
        ("address", None),
        ("address.street", None),
        ("name.first", None),
        ("gone", None),
        ("missing", None),
    ],
)
def test_a_dot_leads_into_an_object(path: str, expected: str | None) -> None:
    held = {"name": "Anna", "address": {"city": "Basel"}, "gone": None}
    attributes = {
        key: AttributeValue(value, "2026-01-01T00:00:00.000Z", "test") for key, value in held.items()
    }
    assert comparable(attributes, MatchField(path, Comparison.TEXT)) == expected
