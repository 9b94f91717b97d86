"""Hashes in place of texts."""

from hashlib import sha256
from typing import Any

import pytest

from api.graphql.errors import PersistedQueryNotFound, code_of
from api.graphql.persisted import PersistedTexts
from oneid.errors import InvalidInput

CLOCK = "{ clock { now } }"


def named(text: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": sha256(text.encode()).hexdigest()}}


def test_a_text_that_came_with_its_hash_is_known_by_the_hash_from_then_on() -> None:
    texts = PersistedTexts()
    with pytest.raises(PersistedQueryNotFound, match="PersistedQueryNotFound") as caught:
        texts.text(None, named(CLOCK))
    assert code_of(caught.value) == "PERSISTED_QUERY_NOT_FOUND"
    assert texts.text(CLOCK, named(CLOCK)) == CLOCK
    assert texts.text(None, named(CLOCK)) == CLOCK


def test_a_hash_of_another_text_is_refused_and_not_remembered() -> None:
    texts = PersistedTexts()
    with pytest.raises(InvalidInput) as caught:
        texts.text("{ other }", named(CLOCK))
    assert caught.value.field == ("extensions", "persistedQuery", "sha256Hash")
    with pytest.raises(PersistedQueryNotFound):
        texts.text(None, named(CLOCK))


def test_only_the_last_texts_and_no_long_ones_are_remembered() -> None:
    texts = PersistedTexts()
    sent = [f"{{ a{n} }}" for n in range(257)]
    for text in [*sent, "#" * 8_193]:
        texts.text(text, named(text))
    for gone in (sent[0], "#" * 8_193):
        with pytest.raises(PersistedQueryNotFound):
            texts.text(None, named(gone))
    assert texts.text(None, named(sent[1])) == sent[1]


@pytest.mark.parametrize(
    "extensions", [None, {}, [], {"persistedQuery": None}, {"persistedQuery": {"sha256Hash": 7}}]
)
def test_without_a_hash_the_text_is_what_was_sent(extensions: Any) -> None:
    assert PersistedTexts().text(CLOCK, extensions) == CLOCK
    assert PersistedTexts().text(None, extensions) is None
