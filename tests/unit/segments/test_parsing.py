"""Rules that make no sense are refused, with the place in the rule."""

from typing import Any

import pytest

from oneid.domain.catalog import AttributeDefinition, AttributeType, Catalog
from oneid.domain.segments.parsing import MAX_DEPTH, MAX_NODES, Parser
from oneid.domain.segments.rules import All, nodes
from oneid.errors import InvalidInput, NotFound, OneIdError, TooLarge

CATALOG = Catalog(
    1,
    (
        AttributeDefinition("age", AttributeType.NUMBER),
        AttributeDefinition("born", AttributeType.DATE),
        AttributeDefinition("city", AttributeType.STRING),
        AttributeDefinition("home", AttributeType.GEO),
        AttributeDefinition("likes", AttributeType.LIST),
        AttributeDefinition("member", AttributeType.BOOLEAN),
        AttributeDefinition("skin", AttributeType.ENUM, ("dry", "oily")),
    ),
)
LEAF = {"identifier": {"type": "phone"}}


def refusal(rule: Any) -> OneIdError:
    with pytest.raises(OneIdError) as refused:
        Parser(CATALOG).parse(rule)
    return refused.value


def attribute(key: str, op: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"attribute": {"key": key, "op": op, "value": value, **more}}


def steps(second: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"sequence": {"steps": [{"name": "A"}, second], "withinHours": 1, **more}}


def window(**given: Any) -> dict[str, Any]:
    return {"event": {"name": "A", "window": given}}


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ({}, "rule"),
        ("everybody", "rule"),
        ({**LEAF, "not": LEAF}, "rule"),
        ({"some": LEAF}, "rule some"),
        ({"all": []}, "rule all"),
        ({"any": LEAF}, "rule any"),
        ({"all": [LEAF, {"not": {"any": []}}]}, "rule all 1 not any"),
        ({"identifier": {}}, "rule identifier type"),
        ({"consent": {"channel": "e-mail", "purpose": "marketing"}}, "rule consent channel"),
        ({"consent": {"channel": "email"}}, "rule consent purpose"),
        ({"consent": {"channel": "email", "purpose": "marketing", "state": "MAYBE"}}, "rule consent state"),
        ({"consent": {"channel": "email", "purpose": "marketing", "state": ["NONE"]}}, "rule consent state"),
        (attribute("age", "LIKE", 1), "rule attribute op"),
        (attribute("age", "CONTAINS", 1), "rule attribute op"),
        (attribute("city", "GT", "a"), "rule attribute op"),
        (attribute("age", "EQ", "30"), "rule attribute value"),
        (attribute("age", "EQ"), "rule attribute value"),
        (attribute("age", "EXISTS", 1), "rule attribute value"),
        (attribute("age", "IN", []), "rule attribute value"),
        (attribute("age", "IN", [1, "2"]), "rule attribute value"),
        (attribute("age", "IN", [1] * 1001), "rule attribute value"),
        (attribute("age", "BETWEEN", [1]), "rule attribute value"),
        (attribute("skin", "EQ", "Dry"), "rule attribute value"),
        (attribute("member", "EQ", "true"), "rule attribute value"),
        (attribute("likes", "CONTAINS", ["a"]), "rule attribute value"),
        (attribute("born", "GT", "someday"), "rule attribute value"),
        (attribute("born", "WITHIN_LAST", -1), "rule attribute value"),
        (attribute("born", "WITHIN_LAST", 1.5), "rule attribute value"),
        (attribute("home", "NEAR", {"lat": 1, "lon": 2}), "rule attribute value"),
        (attribute("home", "NEAR", {"lat": 1, "lon": 2, "km": 1e308}), "rule attribute value"),
        (attribute("home", "NEAR", {"lat": 1, "lon": 2, "km": 20_041}), "rule attribute value"),
        (attribute("home", "NEAR", {"lat": 1, "lon": 2, "km": 0}), "rule attribute value"),
        (attribute("age", "BETWEEN", [2, 1]), "rule attribute value"),
        (attribute("born", "BETWEEN", ["2026-01-01T01:00:00+08:00", "2025-12-31"]), "rule attribute value"),
        (
            {"event": {"name": "A", "where": [{"property": "p", "op": "BETWEEN", "value": [2, 1]}]}},
            "rule event where 0 value",
        ),
        ({"event": {}}, "rule event name"),
        ({"event": {"name": "x" * 201}}, "rule event name"),
        ({"event": {"name": "A", "count": {"op": "GTE", "value": -1}}}, "rule event count value"),
        ({"event": {"name": "A", "count": {"op": "GTE", "value": 1.5}}}, "rule event count value"),
        ({"event": {"name": "A", "count": {"op": "IN", "value": 1}}}, "rule event count op"),
        ({"event": {"name": "A", "sum": {"op": "GTE", "value": 1}}}, "rule event sum property"),
        (
            {"event": {"name": "A", "count": {"op": "GTE", "value": 1}, "sum": {"op": "GTE", "value": 1}}},
            "rule event sum",
        ),
        ({"event": {"name": "A", "window": {"lastDays": -30}}}, "rule event window lastDays"),
        ({"event": {"name": "A", "window": {"lastDays": 0}}}, "rule event window lastDays"),
        (
            {"event": {"name": "A", "window": {"lastDays": 1, "from": "2026-01-01"}}},
            "rule event window lastDays",
        ),
        ({"event": {"name": "A", "window": {"from": "2026-13-01"}}}, "rule event window from"),
        (
            {"event": {"name": "A", "window": {"from": "2026-02-01", "to": "2026-01-01"}}},
            "rule event window to",
        ),
        (
            {"event": {"name": "A", "where": [{"property": "p", "op": "GT", "value": "1"}]}},
            "rule event where 0 value",
        ),
        (
            {"event": {"name": "A", "where": [{"property": "p", "op": "NEAR", "value": 1}]}},
            "rule event where 0 op",
        ),
        ({"event": {"name": "A", "where": [{"op": "EXISTS"}]}}, "rule event where 0 property"),
        ({"sequence": {"steps": [{"name": "A"}], "withinHours": 1}}, "rule sequence steps"),
        ({"sequence": {"steps": [{"name": "A"}, {}], "withinHours": 1}}, "rule sequence steps 1 name"),
        ({"sequence": {"steps": [{"name": "A"}] * 2}}, "rule sequence withinHours"),
        ({"sequence": {"steps": [{"name": "A"}] * 2, "withinHours": 0}}, "rule sequence withinHours"),
        ({"sequence": {"steps": [{"name": "A"}] * 11, "withinHours": 1}}, "rule sequence steps"),
        (steps({"name": "*"}), "rule sequence steps 1 name"),
        (steps({"name": "B", "window": {"lastDays": 1}}), "rule sequence steps 1 window"),
        (
            steps({"name": "B", "sum": {"property": "p", "op": "GT", "value": 1}}),
            "rule sequence steps 1 sum",
        ),
        (steps({"name": "B", "count": {"op": "EQ", "value": 2}}), "rule sequence steps 1 count op"),
        (steps({"name": "B", "count": {"op": "GTE", "value": 0}}), "rule sequence steps 1 count value"),
        (steps({"name": "B", "count": {"op": "GTE", "value": 10}}), "rule sequence steps"),
        (steps({"name": "B"}, sameProperty=""), "rule sequence sameProperty"),
        ({"cadence": {"name": "*", "times": 1}}, "rule cadence name"),
        (window(period="SOON"), "rule event window period"),
        (window(period="NEXT_WEEK"), "rule event window period"),
        (window(period="TODAY", lastDays=1), "rule event window lastDays"),
        (window(period="TODAY", to="2026-01-01"), "rule event window period"),
        (window(period="TODAY", zone="Mars/Base"), "rule event window zone"),
        (window(period="TODAY", zone="../etc/passwd"), "rule event window zone"),
        (window(lastDays=1, zone="UTC"), "rule event window zone"),
        (attribute("born", "IN_PERIOD", "SOON"), "rule attribute value"),
        (attribute("born", "IN_PERIOD", "TODAY", zone="Mars/Base"), "rule attribute zone"),
        (attribute("born", "WITHIN_LAST", 1, zone="UTC"), "rule attribute zone"),
        (attribute("age", "ENDS_WITH", "1"), "rule attribute op"),
        ({"bucket": {"salt": "s", "from": 5, "to": 4}}, "rule bucket to"),
        ({"bucket": {"salt": "s", "from": 0, "to": 10_000}}, "rule bucket to"),
        ({"bucket": {"salt": "", "from": 0, "to": 1}}, "rule bucket salt"),
    ],
)
def test_a_refusal_names_the_place(rule: Any, path: str) -> None:
    refused = refusal(rule)

    assert isinstance(refused, InvalidInput)
    assert " ".join(refused.field) == path


@pytest.mark.parametrize(
    "rule",
    [
        attribute("home", "NEAR", {"lat": 1, "lon": 2, "km": 20_040}),
        attribute("age", "BETWEEN", [1, 1]),
        attribute("born", "BETWEEN", ["2025-12-31", "2026-01-01T08:00:00+08:00"]),
    ],
)
def test_bounds_may_be_equal_and_circles_as_wide_as_the_earth(rule: Any) -> None:
    assert Parser(CATALOG).parse(rule)


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        (attribute("nobody_knows", "EXISTS"), "rule attribute key"),
        ({"not": {"segment": "gone"}}, "rule not segment"),
    ],
)
def test_what_is_not_there_is_not_found(rule: Any, path: str) -> None:
    refused = refusal(rule)

    assert isinstance(refused, NotFound)
    assert " ".join(refused.field) == path


def nested(levels: int) -> dict[str, Any]:
    return LEAF if levels == 1 else {"not": nested(levels - 1)}


def test_a_rule_may_be_so_deep_and_no_deeper() -> None:
    assert len(nodes(Parser(CATALOG).parse(nested(MAX_DEPTH)))) == MAX_DEPTH

    refused = refusal(nested(MAX_DEPTH + 1))

    assert isinstance(refused, TooLarge)
    assert refused.field == ("rule", *["not"] * MAX_DEPTH)


def test_a_rule_may_be_so_wide_and_no_wider() -> None:
    rule = Parser(CATALOG).parse({"all": [LEAF] * (MAX_NODES - 1)})
    assert isinstance(rule, All)

    refused = refusal({"all": [LEAF] * MAX_NODES})

    assert isinstance(refused, TooLarge)
    assert refused.field == ("rule", "all", str(MAX_NODES - 1))
