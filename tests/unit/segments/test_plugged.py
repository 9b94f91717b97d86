"""What a condition of another module stands for is one condition to whoever wrote the rule."""

from typing import Any

from oneid.domain.catalog import Catalog
from oneid.domain.segments.conditions import timed
from oneid.domain.segments.parsing import Json, Parser, Path
from oneid.domain.segments.rules import AnyOf, EventPattern, EventRule, Measure, Op, Rule
from oneid.services.previews import parts_of
from search.segments.compiler import Compiler
from search.segments.limits import clauses
from search.segments.present import Told


def plugged(parser: Parser, given: Json, path: Path) -> Rule:
    names = ("Order", "View", "Cart")
    return AnyOf(tuple(EventRule(EventPattern(one), Measure.COUNT, None, Op.GTE, 1) for one in names))


def parsed(written: dict[str, Any]) -> Rule:
    return Parser(Catalog(), plugs={"rfm": plugged}).parse(written)


def test_a_preview_counts_the_nodes_that_were_written_and_no_others() -> None:
    written = {"all": [{"rfm": {}}, {"not": {"rfm": {}}}]}
    assert [path for path, _ in parts_of(parsed(written), ("rule",))] == [
        ("rule",),
        ("rule", "all", "0"),
        ("rule", "all", "1"),
        ("rule", "all", "1", "not"),
    ]


def test_what_it_stands_for_is_asked_of_the_index() -> None:
    rule = parsed({"rfm": {}})
    query = Compiler(Told(), dict.fromkeys(timed(rule), 7)).compile(rule)
    assert query == {"bool": {"should": [{"term": {"holding": "7"}}] * 3, "minimum_should_match": 1}}
    assert clauses(query) == 3
