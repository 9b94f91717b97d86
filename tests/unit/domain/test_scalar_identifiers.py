"""Identifiers that are no texts: what they stand for."""

from datetime import UTC, datetime
from typing import Any

import pytest

from oneid.domain.extraction import named
from oneid.domain.identifiers import Identifier
from oneid.domain.messages import Message
from oneid.domain.rules import IdentityRules

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def naming(user_id: Any) -> Message:
    payload = {"messageId": "m", "type": "track", "userId": user_id}
    return Message("m", "track", "E", NOW, NOW, None, "test", payload)


@pytest.mark.parametrize("raw", [12345, 12345.0, "12345", " 12345 "])
def test_a_number_is_its_text_however_a_language_writes_it(raw: Any) -> None:
    found = named(naming(raw), IdentityRules(), "CN")
    assert found.identifiers == [Identifier("user_id", "12345")]


@pytest.mark.parametrize("raw", [True, False, 0, 0.0, -0.0, "true", ""])
def test_what_is_blocked_as_text_is_blocked_as_value(raw: Any) -> None:
    found = named(naming(raw), IdentityRules(), "CN")
    assert found.identifiers == []
    assert [reason for _, reason in found.dropped] == ["BLOCKED"]
