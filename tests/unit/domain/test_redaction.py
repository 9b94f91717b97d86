"""Redaction: the values of an erased person leave the events of others, and nothing else does."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneid.domain.messages import Message
from oneid.domain.redaction import Redactor, forgotten_rule, unmistakable
from oneid.domain.rules import IdentityRules
from oneid.domain.tombstones import keys_named

NOW = datetime(2026, 1, 5, 8, tzinfo=UTC)
RULES = IdentityRules()
KEYS = ["phone:+8613800138000", "email:anna@example.cn", "user_id:42", "anonymous_id:cookie-of-anna"]


def redact(payload: dict[str, Any]) -> dict[str, Any]:
    return Redactor(KEYS, RULES, "CN").redact(payload)


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ({"userId": 42}, {"userId": None}),
        ({"userId": "43"}, {"userId": "43"}),
        ({"properties": {"quantity": 42, "sku": "42"}}, {"properties": {"quantity": 42, "sku": "42"}}),
        ({"properties": {"tel": "+86 138-0013-8000"}}, {"properties": {"tel": None}}),
        ({"properties": {"tel": 13800138000}}, {"properties": {"tel": None}}),
        ({"properties": {"log": ["x", "ANNA@example.cn"]}}, {"properties": {"log": ["x", None]}}),
        (
            {"properties": {"text": "Anna: anna@EXAMPLE.cn, of 2019, 13800138000", "paid": True, "no": None}},
            {"properties": {"text": "Anna: , of 2019, ", "paid": True, "no": None}},
        ),
        (
            {
                "context": {
                    "externalIds": [{"type": "phone", "id": "008613800138000"}, {"type": "x", "id": "y"}]
                }
            },
            {"context": {"externalIds": [{"type": "phone", "id": None}, {"type": "x", "id": "y"}]}},
        ),
    ],
)
def test_values_go_in_every_notation_and_neighbours_stay(
    payload: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert redact(payload) == expected


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)


@given(payload=st.dictionaries(st.text(max_size=8), json, max_size=5))
def test_what_names_nobody_erased_is_left_as_it_is(payload: dict[str, Any]) -> None:
    assert Redactor(["email:nobody-has-this@example.cn"], RULES, "CN").redact(payload) == payload


@given(
    phone=st.sampled_from(["13800138000", "+86 138 0013 8000", "008613800138000", 13800138000]),
    cookie=st.sampled_from(["cookie-of-anna", " cookie-of-anna "]),
    depth=st.integers(0, 4),
)
def test_what_is_redacted_names_the_erased_no_more(phone: str | int, cookie: str, depth: int) -> None:
    nested: Any = phone
    for _ in range(depth):
        nested = {"inner": [nested]}
    payload = {"anonymousId": cookie, "traits": {"phone": phone}, "properties": {"deep": nested}}
    cleaned = redact(payload)
    message = Message("m", "identify", "identify", NOW, NOW, None, "test", cleaned)
    assert keys_named(message, RULES, "CN").isdisjoint(KEYS)
    assert "138" not in str(cleaned)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"value": "Anna@example.CN"}, {"value": "GONE"}),
        ({"value": ["138 0013 8000", "bo", 13800138000]}, {"value": ["GONE", "bo", 13800138000]}),
        ({"value": "42"}, {"value": "42"}),
        ({"key": "cookie-of-anna", "value": 5}, {"key": "cookie-of-anna", "value": 5}),
        (
            {
                "all": [
                    {"event": {"name": "x", "where": [{"op": "EQ", "value": "to anna@example.cn"}]}},
                    {"not": {}},
                ]
            },
            {"all": [{"event": {"name": "x", "where": [{"op": "EQ", "value": "to GONE"}]}}, {"not": {}}]},
        ),
        (
            {"expression": """a.mail == 'anna@example.cn' && a.b == "x" && size(cookie-of-anna) > 1"""},
            {"expression": """a.mail == 'GONE' && a.b == "x" && size(cookie-of-anna) > 1"""},
        ),
        ([[7, {"expression": None}], ["k", None]], [[7, {"expression": None}], ["k", None]]),
    ],
)
def test_a_rule_compares_with_a_text_that_nobody_has_instead(written: Any, expected: Any) -> None:
    assert forgotten_rule(written, Redactor(KEYS, RULES, "CN", instead="GONE")) == expected


@given(written=json)
def test_a_rule_that_names_nobody_erased_is_left_as_it_is(written: Any) -> None:
    redactor = Redactor(["email:nobody-has-this@example.cn"], RULES, "CN", instead="GONE")
    assert forgotten_rule(written, redactor) == written


def test_a_short_number_of_a_user_is_no_reason_to_change_a_rule_about_a_product() -> None:
    long = f"user_id:{'7' * 16}"
    assert unmistakable([*KEYS, "user_id:100234", long, "device_id:123456789012345"]) == [*KEYS[:2], long]
