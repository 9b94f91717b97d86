"""Limits on the shape of documents."""

from time import perf_counter

import pytest
from graphql import parse

from api.graphql.limits import LIMITS, Limits, over_limit


def refusal(text: str, limits: Limits = LIMITS) -> str | None:
    error = over_limit(parse(text), limits)
    return error.message if error else None


def nested(depth: int) -> str:
    return "{ " + "a { " * (depth - 1) + "a" + " }" * depth


def aliased(count: int) -> str:
    return "{ " + " ".join(f"a{n}: a" for n in range(count)) + " }"


def test_a_document_at_the_depth_limit_passes_and_one_level_more_does_not() -> None:
    assert refusal(nested(12)) is None
    assert refusal(nested(13)) == "the operation nests deeper than 12 levels"


def test_inline_fragments_add_no_depth_but_hide_none() -> None:
    inside = "... on Q { " * 20 + "a" + " }" * 20
    assert refusal("{ " + inside + " }") is None
    assert refusal("{ a { " * 1 + "... on Q { " + nested(12)[2:-2] + " } } }") is not None


def test_named_fragments_count_with_their_own_depth() -> None:
    fragment = "fragment F on Q " + nested(11)
    assert refusal("{ a { ...F } } " + fragment) is None
    assert refusal("{ a { a { ...F } } } " + fragment) == "the operation nests deeper than 12 levels"


def test_introspection_is_exempt_from_the_depth_limit() -> None:
    assert refusal("{ __schema { " + nested(15)[2:-2] + " } }") is None


def test_aliases_are_counted_over_the_whole_operation() -> None:
    assert refusal(aliased(15)) is None
    assert refusal(aliased(16)) == "the operation uses more than 15 aliases"


def test_aliases_in_a_fragment_count_as_often_as_it_is_spread() -> None:
    fragment = "fragment F on Q { x: a y: a }"
    spread = "{ " + " ".join(f"a{n} {{ ...F }}" for n in range(7)) + " } "
    assert refusal(spread + fragment) is None
    assert refusal(spread.replace("{ a0", "{ z: a a0") + fragment) is None
    assert refusal(spread.replace("{ a0", "{ y: a z: a a0") + fragment) is not None


def test_directives_are_limited_in_all_and_on_one_node() -> None:
    three = "@skip(if: false) " * 3
    assert refusal("{ " + " ".join(f"f{n} {three}" for n in range(16)) + " }") is None
    assert refusal("{ " + " ".join(f"f{n} {three}" for n in range(17)) + " }") is not None
    assert refusal("{ a " + "@skip(if: false) " * 4 + " }") == "one place has more than 3 directives"


def test_the_same_field_may_stand_twenty_times_in_one_selection() -> None:
    assert refusal("{ " + "a " * 20 + "}") is None
    assert refusal("{ " + "a " * 21 + "}") is not None
    assert refusal("{ " + "... on Q { a } " * 21 + "}") is not None
    assert refusal("fragment F on Q { a } { " + "...F " * 21 + "}") is not None


def test_a_fragment_cycle_ends() -> None:
    assert refusal("{ ...A } fragment A on Q { a { ...B } } fragment B on Q { ...A }") is None


def test_fragments_that_double_each_other_a_hundred_times_cost_nothing() -> None:
    chain = " ".join(f"fragment F{n} on Q {{ x: a ...F{n + 1} y: a ...F{n + 1} }}" for n in range(100))
    started = perf_counter()
    assert (
        refusal("{ ...F0 } " + chain + " fragment F100 on Q { a }")
        == "the operation uses more than 15 aliases"
    )
    assert perf_counter() - started < 0.2


@pytest.mark.parametrize("limit", Limits.__dataclass_fields__)
def test_every_limit_has_a_positive_value(limit: str) -> None:
    assert getattr(LIMITS, limit) > 0
