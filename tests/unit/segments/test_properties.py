"""What a test of an event finds at the name of a property."""

from typing import Any

import pytest
from hypothesis import given, settings

from oneid.domain.segments.histories import number_of, passes, property_of, scalar_of
from oneid.domain.segments.parsing import property_test
from oneid.domain.segments.rules import Op, PropertyTest
from search.flat import flatten
from tests.segment_oracle import START, Event, pattern
from tests.segment_strategies import properties, tests

ORDER: dict[str, Any] = {
    "products": [{"product_id": "p1"}, {"product_id": "p2", "price": 5}, [{"product_id": "p3"}], "p4", None],
    "buyer": {"address": [{"city": "上海"}]},
}


@pytest.mark.parametrize(
    ("path", "op", "value", "passed"),
    [
        ("products.product_id", Op.EQ, "p2", True),
        ("products.product_id", Op.EQ, "p3", True),
        ("products.product_id", Op.EQ, "p4", False),
        ("products.product_id", Op.NE, "p2", False),
        ("products.product_id", Op.NE, "p4", True),
        ("products.price", Op.GTE, 5, True),
        ("products.colour", Op.EXISTS, None, False),
        ("products.colour", Op.MISSING, None, True),
        ("buyer.address.city", Op.EQ, "上海", True),
        ("products.product_id.more", Op.EXISTS, None, False),
    ],
)
def test_dots_lead_into_each_object_of_a_list_and_one_that_passes_is_enough(
    path: str, op: Op, value: Any, passed: bool
) -> None:
    assert passes(PropertyTest(path, op, value), ORDER) is passed


@pytest.mark.parametrize("path", ["products[].product_id", "buyer[].address[].city", "products[]"])
def test_brackets_behind_the_name_of_a_list_change_nothing(path: str) -> None:
    assert property_of(ORDER, path) == property_of(ORDER, path.replace("[]", "")) is not None


def test_a_name_that_ends_in_brackets_itself_goes_before_that_of_a_list() -> None:
    assert property_of({"size[]": "L", "size": ["M"]}, "size[]") == "L"
    assert property_of({"size[]": {"of": "L"}, "size": [{"of": "M"}]}, "size[].of") == "L"


def test_what_lies_in_a_list_is_neither_a_number_nor_one_value() -> None:
    assert number_of(ORDER, "products.price") is None
    assert scalar_of(ORDER, "products.price") is None


@settings(max_examples=500, deadline=None)
@given(test=tests, held=properties)
def test_a_property_passes_exactly_when_brute_force_says_so(
    test: dict[str, Any], held: dict[str, Any]
) -> None:
    expected = pattern({"name": "Order", "where": [test]}, Event("e", "Order", START, held))

    assert passes(property_test(test, ()), flatten(held)) is expected
