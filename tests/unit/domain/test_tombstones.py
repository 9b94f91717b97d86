"""Tombstones: what is dropped, and what they give away."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneid.domain.extraction import named
from oneid.domain.messages import Item, Message, format_time
from oneid.domain.rules import BlockedValue, IdentityRules, RulesChange
from oneid.domain.tombstones import Tombstone, Tombstones, keyed_hash, keys_named

ERASED = datetime(2026, 1, 5, 8, tzinfo=UTC)
RULES = IdentityRules()


def book(*keys: str, suppressed: bool = False, secret: bytes = b"secret") -> Tombstones:
    made = Tombstones()
    made.secret = secret
    stone = Tombstone(format_time(ERASED), suppressed)
    made.by_hash = {keyed_hash(secret, key): stone for key in keys}
    return made


def message(received: datetime, kind: str = "track", **payload: Any) -> Message:
    item: Item = {"messageId": "m", "type": kind, **payload}
    return Message("m", kind, "n", received, received, None, "test", item)


@pytest.mark.parametrize(
    ("seconds", "dropped"), [(-3600, True), (-0.001, True), (0, True), (0.001, False), (3600, False)]
)
def test_without_suppression_only_what_was_received_until_the_erasure_is_dropped(
    seconds: float, dropped: bool
) -> None:
    received = ERASED + timedelta(seconds=seconds)
    assert book("user_id:u1").bar_message(message(received, userId="u1"), RULES, "CN") is dropped
    assert book("user_id:u1", suppressed=True).bar_message(message(received, userId="u1"), RULES, "CN")
    assert not book("user_id:u1").bar_message(message(received, userId="u2"), RULES, "CN")


@pytest.mark.parametrize(
    ("key", "payload"),
    [
        ("phone:+8613800138000", {"traits": {"phone": "138 0013 8000"}}),
        ("phone:+8613800138000", {"context": {"traits": {"phone": 13800138000}}}),
        ("email:a@x.cn", {"context": {"externalIds": [{"type": "email", "id": " A@X.cn "}]}}),
        ("device_id:d1", {"context": {"device": {"id": "d1"}}}),
        (
            "landline:+861082881234",
            {"context": {"externalIds": [{"type": "landline", "id": "010 8288 1234"}]}},
        ),
        ("card:c1", {"context": {"externalIds": [{"type": "card", "id": "c1"}]}}),
        ("user_id:guest", {"userId": "guest"}),
        ("user_id:u1", {"kind": "alias", "userId": "u2", "previousId": "u1"}),
        ("anonymous_id:u1", {"kind": "alias", "userId": "u2", "previousId": "u1"}),
        ("anonymous_id:a1", {"kind": "alias", "userId": "u2", "anonymousId": "a1", "previousId": "u1"}),
    ],
)
def test_an_identifier_counts_wherever_it_stands_in_whatever_notation_blocked_or_not(
    key: str, payload: dict[str, Any]
) -> None:
    assert book(key).bar_message(message(ERASED, **payload), RULES, "CN")
    assert not book(f"{key}x").bar_message(message(ERASED, **payload), RULES, "CN")


values = (
    st.text(min_size=1, max_size=8) | st.integers() | st.sampled_from(["13800138000", "a@x.cn", "null", "0"])
)
payloads = st.fixed_dictionaries(
    {},
    optional={
        "userId": values,
        "anonymousId": values,
        "traits": st.fixed_dictionaries({}, optional={"email": values, "phone": values}),
        "context": st.fixed_dictionaries(
            {},
            optional={
                "device": st.fixed_dictionaries({}, optional={"id": values}),
                "externalIds": st.lists(
                    st.fixed_dictionaries({"type": st.sampled_from(["email", "card"]), "id": values})
                ),
            },
        ),
    },
)


@given(payload=payloads, block=st.booleans())
def test_everything_that_resolution_reads_is_tested_also_when_it_is_blocked_meanwhile(
    payload: dict[str, Any], block: bool
) -> None:
    """Every identifier that was ever linked is found again in the same message."""
    found = message(ERASED, kind="identify", **payload)
    linked = {identifier.key for identifier in named(found, RULES, "CN").identifiers}
    rules = RulesChange(block=(BlockedValue(regex="."),)).apply(RULES) if block else RULES
    assert linked <= keys_named(found, rules, "CN")


def test_a_hash_says_nothing_without_the_secret() -> None:
    one, other = book("user_id:u1"), book("user_id:u1", secret=b"another")
    assert one.by_hash.keys().isdisjoint(other.by_hash)
    assert "u1" not in str(one.by_hash)
    assert other.suppresses("user_id:u1") is False
    assert book("user_id:u1", suppressed=True).suppresses("user_id:u1")


def test_without_tombstones_nothing_is_even_looked_at() -> None:
    assert not Tombstones().bar_message(message(ERASED, userId=object()), RULES, "CN")
    assert not Tombstones().bar(["user_id:u1"], format_time(ERASED))
    assert not Tombstones().suppresses("user_id:u1")
