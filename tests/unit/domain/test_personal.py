"""What is personal data: keys, rules about them, and what computes with them."""

from typing import Any

import pytest

from oneid.domain.catalog import AttributeDefinition, AttributeType, Catalog
from oneid.domain.personal import PersonalKeys
from oneid.domain.segments.parsing import Parser
from oneid.domain.segments.personal import asks_about_personal, without_values
from oneid.domain.tags.personal import computes_with_personal
from oneid.domain.tags.scorers import Scorer, check_expression
from oneid.errors import InvalidInput

CATALOG = Catalog(
    1,
    (
        AttributeDefinition("age", AttributeType.NUMBER),
        AttributeDefinition("Email", AttributeType.STRING),
        AttributeDefinition("IdCard", AttributeType.STRING, pii=True),
    ),
)
KEYS = CATALOG.personal


@pytest.mark.parametrize(
    ("key", "personal"),
    [
        *(("email", True), ("E-Mail", True), ("phone", True), ("Phone_Number", True), ("mobile phone", True)),
        *(
            ("手机号", True),
            ("idcard", True),
            ("IDCARD", True),
            ("contact.phone", True),
            ("a.idCard.b", True),
            ("phone[]", True),
            ("contacts[].idCard[].b", True),
        ),
        *(("mobile", False), ("phones", False), ("id_card", False), ("city", False), ("", False)),
    ],
)
def test_keys_are_personal_by_declaration_or_by_name(key: str, personal: bool) -> None:
    assert KEYS.cover(key) is personal


def test_without_a_declaration_the_names_of_contacts_are_still_personal() -> None:
    assert PersonalKeys().cover("Email")
    assert not PersonalKeys().cover("idcard")


def where(key: str) -> list[dict[str, Any]]:
    return [{"property": "n", "op": "GT", "value": 1}, {"property": key, "op": "EXISTS"}]


def conditions(key: str) -> list[dict[str, Any]]:
    """One rule for each place where a key may stand."""
    measured = {"property": key, "op": "GT", "value": 1}
    plain = {"name": "Seen"}
    tested = {**plain, "where": where(key)}
    return [
        {"event": tested},
        *({"event": {**plain, measure: measured}} for measure in ("sum", "avg", "min", "max", "unique")),
        {"event": {**plain, "sum": {"property": "n", "op": "GT", "value": 1, "less": tested}}},
        {"sequence": {"steps": [plain, tested], "withinHours": 1}},
        {"sequence": {"steps": [plain], "without": tested, "withinHours": 1}},
        {"sequence": {"steps": [plain, plain], "sameProperty": key, "withinHours": 1}},
        {"cadence": {**tested, "times": 2}},
        {"all": [{"identifier": {"type": "phone"}}, {"not": {"any": [{"event": tested}]}}]},
    ]


@pytest.mark.parametrize("number", range(len(conditions(""))))
def test_a_rule_is_about_what_its_conditions_test_and_measure(number: int) -> None:
    for key in ("phone", "Email", "idcard", "buyer.phone"):
        assert asks_about_personal(Parser(CATALOG).parse(conditions(key)[number]), KEYS), key
    assert not asks_about_personal(Parser(CATALOG).parse(conditions("city")[number]), KEYS)


def test_a_rule_is_about_its_attributes() -> None:
    def asks(key: str) -> bool:
        rule = Parser(CATALOG).parse({"not": {"attribute": {"key": key, "op": "EXISTS"}}})
        return asks_about_personal(rule, KEYS)

    assert (asks("age"), asks("Email"), asks("IdCard")) == (False, True, True)


def test_a_rule_without_values_keeps_all_else() -> None:
    def rule(value: Any) -> dict[str, Any]:
        test = {"property": "Phone", "op": "EQ", "value": value}
        return {
            "all": [
                {"attribute": {"key": "IdCard", "op": "IN", "value": value}},
                {"attribute": {"key": "age", "op": "GT", "value": 7}},
                {
                    "event": {
                        "name": "Seen",
                        "where": [test],
                        "sum": {"property": "n", "op": "GT", "value": 5},
                    }
                },
            ]
        }

    given = rule(["310101"])
    assert without_values(given, KEYS) == rule(None)
    assert given == rule(["310101"])


@pytest.mark.parametrize(
    "expression",
    [
        *('attributes.phone == "1"', "attributes . Email != ''", "has(attributes.idcard)"),
        *('attributes["phone"] == "1"', "attributes['IdCard'] == ''", 'attributes.contact["phone"] == ""'),
        *('attributes["ph" + "one"] == ""', 'attributes["ph\\x6fne"] == ""', 'attributes[r"phone"] == ""'),
        *('attributes["""phone"""] == ""', '"phone" in attributes', '{"a": attributes}.a.city == ""'),
        'attributes[attributes.city] == ""',
        'r"\\" != attributes["phone"] || "" == ""',
        '// "\nattributes["phone"] == ""',
        '""" " """ != attributes["phone"] || "" == ""',
    ],
)
def test_an_expression_that_may_read_personal_data_is_found_out(expression: str) -> None:
    check_expression(expression)
    assert computes_with_personal(Scorer(expression=expression), KEYS)


@pytest.mark.parametrize(
    "expression",
    [
        *(
            "attributes.age > 3.0",
            'attributes["age"] > 3',
            '"phone" in identifiers',
            'attributes.city == "phone"',
        ),
        *("attributes.likes[0] == 'tea'", 'attributes.city == "attributes[x]"', "size(identifiers) > 1"),
    ],
)
def test_an_expression_about_other_things_is_not(expression: str) -> None:
    check_expression(expression)
    assert not computes_with_personal(Scorer(expression=expression), KEYS)


def test_a_model_reads_its_features() -> None:
    def reads(name: str) -> bool:
        logistic = {"kind": "LOGISTIC", "coefficients": {"age": 1, name: 2}}
        leaf = {"value": 1}
        tree = {"feature": "age", "threshold": 1, "left": leaf, "right": leaf}
        root = {"feature": name, "threshold": 1, "left": tree, "right": leaf}
        found = {
            computes_with_personal(Scorer(model=model), KEYS)
            for model in (logistic, {"kind": "TREE", "root": root})
        }
        (answer,) = found
        return answer

    assert [reads(name) for name in ("phone", "Email=anna@x.cn", "idcard", "city=phone")] == [
        *[True] * 3,
        False,
    ]


def test_a_raw_text_hides_no_loop() -> None:
    with pytest.raises(InvalidInput, match="no loops"):
        check_expression('r"\\" == "" || [1].all(x, true) || "" == ""')
