"""What operations cost."""

from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse

from api.graphql.charges import AGGREGATION, PREVIEW, QUERY
from api.graphql.cost import Plan, Planner
from api.graphql.limits import fragments_of
from api.graphql.schema import create_schema
from api.graphql.scopes import EVERY_KEY, Scope

SCHEMA = create_schema().core


def plan(text: str) -> Plan:
    document = parse(text)
    operation = next(d for d in document.definitions if isinstance(d, OperationDefinitionNode))
    return Planner(SCHEMA, fragments_of(document)).plan(operation)


def cost(text: str, **variables: Any) -> int:
    return plan(text).cost(variables)


def test_an_object_costs_one_and_its_scalars_nothing() -> None:
    assert cost("{ clock { now offsetSeconds } }") == 1


def test_a_page_counts_what_stands_under_it_as_often_as_it_is_long() -> None:
    assert cost("{ customers(first: 10) { nodes { oneId } } }") == 1 + 10
    assert cost("{ customers(first: 10) { edges { node { oneId } } } }") == 1 + 10 * 2
    assert cost("{ customers(last: 7) { nodes { oneId } } }") == 1 + 7


def test_a_page_without_size_has_fifty_entries() -> None:
    assert cost("{ customers { nodes { oneId } } }") == 1 + 50


def test_pages_within_pages_multiply() -> None:
    text = "{ customers(first: 100) { nodes { events(first: 100) { nodes { id } } } } }"
    assert cost(text) == 1 + 100 * (1 + 1 + 100)


def test_a_total_count_costs_one() -> None:
    assert cost("{ customers(first: 1) { totalCount } }") == 2


def test_page_info_is_not_multiplied() -> None:
    assert cost("{ customers(first: 100) { pageInfo { hasNextPage } } }") == 2


def test_variables_decide_and_their_defaults_where_they_are_missing() -> None:
    text = "query Q($n: Int = 20) { customers(first: $n) { nodes { oneId } } }"
    assert cost(text, n=30) == 31
    assert cost(text) == 21
    assert cost("query Q($n: Int) { customers(first: $n) { nodes { oneId } } }") == 51


@pytest.mark.parametrize(("given", "size"), [(-5, 0), (10**30, 100), ("x", 100), (None, 50)])
def test_nonsense_sizes_neither_lower_the_cost_below_zero_nor_overflow_it(given: Any, size: int) -> None:
    assert cost("query Q($n: Int) { customers(first: $n) { nodes { oneId } } }", n=given) == 1 + size


def test_lists_of_ids_count_each() -> None:
    assert cost('{ nodes(ids: ["a", "b", "c"]) { id } }') == 3
    assert cost("query Q($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=["a"] * 40) == 40


def test_n_aliases_cost_n_times() -> None:
    one = cost("{ customers(first: 10) { nodes { oneId } } }")
    many = " ".join(f"a{n}: customers(first: 10) {{ nodes {{ oneId }} }}" for n in range(9))
    assert cost("{ " + many + " }") == 9 * one


def test_a_field_that_stands_twice_costs_once_as_it_runs_once() -> None:
    assert cost("{ clock { now } clock { offsetSeconds } ...F } fragment F on Query { clock { now } }") == 1


def test_fragments_cost_what_they_hold() -> None:
    text = "{ customers(first: 3) { nodes { ...F } } } fragment F on Customer { identifiers { type } }"
    assert cost(text) == 1 + 3 * 2


def test_what_is_asked_of_one_type_of_a_node_counts() -> None:
    text = "members(first: 100) { nodes { events(first: 100) { nodes { id } } } }"
    below = QUERY + 100 * (1 + 1 + 100)
    assert cost(f'{{ node(id: "a") {{ ... on Segment {{ {text} }} }} }}') == 1 + below
    many = f"query Q($ids: [ID!]!) {{ nodes(ids: $ids) {{ ...F }} }} fragment F on Segment {{ {text} }}"
    assert cost(many, ids=["a"] * 100) == 100 * (1 + below)


def test_of_several_types_the_most_expensive_counts_whatever_they_have_in_common() -> None:
    few, many = "members(first: 1) { nodes { id } }", "members(first: 100) { nodes { id } }"
    for segment, household, most in ((few, many, 1 + 100), (many, few, QUERY + 100)):
        text = (
            f'{{ node(id: "a") {{ id ... on Segment {{ {segment} }} ... on Household {{ {household} }} }} }}'
        )
        assert cost(text) == 1 + most
    text = f'{{ node(id: "a") {{ ... on Segment {{ {few} }} ... on Tag {{ children {{ id }} }} }} }}'
    assert cost(text) == 1 + QUERY + 1


def test_what_stands_under_an_interface_counts_for_the_types_that_it_covers() -> None:
    text = "... on Household { members(first: 100) { nodes { id } } }"
    assert cost(f'{{ node(id: "a") {{ ... on Node {{ {text} }} }} }}') == 102
    assert cost(f'{{ node(id: "a") {{ ... @include(if: true) {{ {text} }} }} }}') == 102
    customers = (
        "{ customers(first: 5) { nodes { ... on Node { id } ... on Customer { events { totalCount } } } } }"
    )
    assert cost(customers) == 1 + 5 * (1 + 1 + 1)


def test_what_asks_a_store_by_itself_costs_more() -> None:
    assert cost('{ segmentPreview(rule: { segment: "x" }) { count } }') == PREVIEW
    assert cost("{ identityHealth { warnings } }") == AGGREGATION
    assert cost('{ segmentDiff(a: "x", b: "y") { added stayed } }') == 1 + 2 * QUERY
    assert cost("{ scoreModels { distribution { scored } } }") == 10 * (1 + AGGREGATION)


def test_lists_that_nobody_pages_through_have_a_length_too() -> None:
    rule = '{ segment: "x" }'
    assert cost(
        f"{{ segmentPreview(rule: {rule}, sample: 7) {{ sample {{ oneId }} nodes {{ count }} }} }}"
    ) == (PREVIEW + 7 + 1)
    assert cost(
        f"query Q($n: Int) {{ segmentPreview(rule: {rule}, sample: $n) {{ sample {{ oneId }} }} }}"
    ) == (PREVIEW + 10)
    health = "{ identityHealth { largestCustomers { customer { oneId } } mostSharedValues { demotions } } }"
    assert cost(health) == AGGREGATION + 10 * (1 + 1) + 10
    assert cost("{ customers(first: 100) { nodes { segments { count } tags { method } } } }") == 1 + 100 * (
        1 + 10 + 10
    )
    assert cost("{ tags { children { path } } }") == 100 * (1 + 10)


def test_a_mutation_costs_ten() -> None:
    text = "mutation M($i: AdvanceClockInput!) { advanceClock(input: $i) { userErrors { code } } }"
    assert cost(text) == 11


def test_a_plan_names_the_scope_of_each_root_field_once() -> None:
    found = plan("{ clock { now } b: clock { now } eventTotals { key } __typename }")
    assert found.scopes == (("clock", Scope.CUSTOMERS_READ), ("eventTotals", Scope.ANALYTICS_READ))


def test_a_plan_names_the_scope_of_each_type_that_is_shown() -> None:
    text = '{ segment(key: "x") { key members { totalCount nodes { oneId tags { method } } } } }'
    assert plan(text).scopes == (
        ("segment", Scope.SEGMENTS_READ),
        ("Customer", Scope.CUSTOMERS_READ),
        ("Segment", Scope.SEGMENTS_READ),
        ("TagAssignment", Scope.SEGMENTS_READ),
    )
    assert plan('{ node(id: "x") { id ... on Customer { oneId } } }').scopes == (("node", EVERY_KEY),)
    assert plan('{ node(id: "x") { ... on Customer { createdAt } } }').scopes == (
        ("node", EVERY_KEY),
        ("Customer", Scope.CUSTOMERS_READ),
    )


def test_the_answer_to_a_mutation_may_name_what_was_written() -> None:
    text = "mutation { upsertCustomer(input: { identifiers: [] }) { customer { %s } } }"
    write = ("upsertCustomer", Scope.CUSTOMERS_WRITE)
    assert plan(text % "oneId id version").scopes == (write,)
    assert plan(text % "oneId createdAt").scopes == (write, ("Customer", Scope.CUSTOMERS_READ))
