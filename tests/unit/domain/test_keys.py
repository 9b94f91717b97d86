"""The form of API keys."""

import re

import pytest

from oneid.domain.keys import KeyKind, Mode, generate, hash_key, is_generated, key_id, matches


@pytest.mark.parametrize(
    ("kind", "mode", "prefix"),
    [
        (KeyKind.SECRET, "live", "sk_live_"),
        (KeyKind.WRITE, "sandbox", "wk_sandbox_"),
        (KeyKind.PUBLISHABLE, "live", "pk_live_"),
    ],
)
def test_a_key_says_what_it_is_and_holds_256_secret_bits(kind: KeyKind, mode: Mode, prefix: str) -> None:
    key = generate(kind, mode)
    assert re.fullmatch(prefix + "[0-9a-f]{16}_[0-9a-f]{64}", key)
    assert is_generated(key, mode)
    assert not is_generated(key, "sandbox" if mode == "live" else "live")
    assert key_id(key) == key.split("_")[2]


def test_no_two_keys_are_alike() -> None:
    assert len({generate(KeyKind.WRITE, "live") for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "text", ["WK", "", "sk_live_x", "wk_live_" + "0" * 16 + "_" + "g" * 64, "钥匙", "\ud800"]
)
def test_other_text_is_found_by_its_hash(text: str) -> None:
    assert not is_generated(text, "live")
    assert not is_generated(text, "sandbox")
    assert key_id(text) == "fixed-" + hash_key(text)[:16]


def test_a_hash_matches_itself_only() -> None:
    assert matches(hash_key("WK"), hash_key("WK"))
    assert not matches(hash_key("WK"), hash_key("wk"))
