"""The cache of prepared documents."""

import pytest
from graphql import GraphQLSyntaxError

from api.graphql import documents
from api.graphql.documents import CACHED_LENGTH, CLOSED_RULES, OPEN_RULES, prepare_once, prepared
from api.graphql.schema import create_schema

SCHEMA = create_schema().core


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    prepare_once.cache_clear()


def test_the_second_time_a_document_is_neither_parsed_nor_validated() -> None:
    first = prepared(SCHEMA, "{ clock { now } }", True)
    second = prepared(SCHEMA, "{ clock { now } }", True)
    assert second is first
    assert (prepare_once.cache_info().hits, prepare_once.cache_info().misses) == (1, 1)


def test_a_refused_document_is_remembered_too() -> None:
    first = prepared(SCHEMA, "{ nothing }", True)
    assert [error.message for error in first.errors] == ["Cannot query field 'nothing' on type 'Query'."]
    assert prepared(SCHEMA, "{ nothing }", True) is first


def test_whether_introspection_is_open_is_part_of_the_key() -> None:
    assert not prepared(SCHEMA, "{ __schema { queryType { name } } }", True).errors
    assert len(prepared(SCHEMA, "{ __schema { queryType { name } } }", False).errors) == 2


def test_rule_classes_are_made_once() -> None:
    assert documents.OPEN_RULES is OPEN_RULES
    assert CLOSED_RULES[:-1] == OPEN_RULES


def test_long_documents_leave_no_trace() -> None:
    prepared(SCHEMA, "{ clock { now } }" + " " * CACHED_LENGTH, True)
    assert prepare_once.cache_info().currsize == 0


def test_two_thousand_tokens_pass_and_one_more_does_not() -> None:
    fields = [f"f{n}" for n in range(1999)]
    assert prepared(SCHEMA, "{ " + " ".join(fields[:1998]) + " }", True).errors
    with pytest.raises(GraphQLSyntaxError, match="more than 2000 tokens"):
        prepared(SCHEMA, "{ " + " ".join(fields) + " }", True)


def test_an_operation_is_found_by_name_and_alone_without() -> None:
    both = prepared(SCHEMA, "query A { clock { now } } query B { __typename }", True)
    assert both.plan("A") is not None
    assert both.plan("C") is None
    assert both.plan(None) is None
    assert prepared(SCHEMA, "query A { clock { now } }", True).plan(None) is not None
