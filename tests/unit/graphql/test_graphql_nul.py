"""Texts with a NUL, wherever in an operation they stand."""

from typing import Any

import pytest
from graphql import parse

from api.graphql.cost import Planner
from api.graphql.nul import literal_with_nul, refuse_nul
from api.graphql.schema import create_schema
from oneid.errors import InvalidInput

SCHEMA = create_schema().core
HEAD = """
query Q($by: CustomerLookup!, $rule: SegmentRule, $names: [String!], $ids: [ID!]!, $input: UpsertCustomerInput!,
        $e: IngestEventsInput!)
"""
OPERATION: Any = parse(HEAD + " { clock { now } }").definitions[0]
TYPES = Planner(SCHEMA, {}).plan(OPERATION).types


def refused(**variables: Any) -> tuple[str, ...]:
    with pytest.raises(InvalidInput) as caught:
        refuse_nul(TYPES, variables)
    return caught.value.field


def test_the_path_to_the_text_is_told() -> None:
    assert refused(by={"identifier": {"type": "phone", "value": "1\0"}}) == ("by", "identifier", "value")
    assert refused(names=["a", "\0"]) == ("names", "1")
    assert refused(ids=["\0"]) == ("ids", "0")
    rule = {"all": [{"event": {"name": "a\0b"}}]}
    assert refused(rule=rule) == ("rule", "all", "0", "event", "name")


def test_one_value_stands_for_a_list_of_one() -> None:
    assert refused(names="\0") == ("names", "0")


def test_values_and_keys_of_json_are_texts_too() -> None:
    assert refused(input={"set": {"a": [1, {"b": "\0"}]}}) == ("input", "set", "a", "1", "b")
    assert refused(input={"set": {"\0": 1}}) == ("input", "set")


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"by": None, "names": None},
        {"e": {"events": [{"type": "page", "userId": "\0"}]}},
        {"other": "\0"},
        {"by": {"nothing": "\0"}},
        {"by": 7, "names": [7], "rule": [1]},
        {"by": {"oneId": "a\\u0000"}},
    ],
)
def test_all_else_is_left_to_those_who_know_more_of_it(variables: dict[str, Any]) -> None:
    refuse_nul(TYPES, variables)


def test_what_nests_without_end_is_refused_before_anybody_runs_out_of_stack() -> None:
    rule: dict[str, Any] = {"segment": "x"}
    for _ in range(1_000):
        rule = {"not": rule}
    assert refused(rule=rule) == ("rule",)


def test_a_document_may_hold_none_in_itself() -> None:
    assert literal_with_nul(parse('{ a(b: "x\\u0000") }')) is not None
    assert literal_with_nul(parse('{ a(b: "x\\\\u0000") }')) is None
