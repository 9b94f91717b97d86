"""JSON that OpenSearch and every reader of it can take."""

import json

import pytest

from search.encoding import dumps


@pytest.mark.parametrize("value", [1, -(2**63) + 1, 2**63 - 1, 1.5, "漢字", None, True, [1, {"a": "b"}]])
def test_plain_values_read_back_as_they_were(value: object) -> None:
    assert json.loads(dumps({"value": value})) == {"value": value}


def test_an_integer_beyond_64_bits_becomes_a_double() -> None:
    assert json.loads(dumps({"value": 10**30})) == {"value": 1e30}


def test_an_integer_beyond_a_double_becomes_text() -> None:
    assert json.loads(dumps({"value": [10**400]}))["value"] == [f"{10**400:#x}"]


def test_keys_can_be_sorted_also_where_numbers_are_too_big() -> None:
    assert dumps({"b": 1, "a": 10**30}, sort_keys=True) == b'{"a": 1e+30, "b": 1}'
    assert dumps({"b": 1, "a": 2}, sort_keys=True) == b'{"a":2,"b":1}'
