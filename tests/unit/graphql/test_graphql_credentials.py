"""Where callers put their key."""

import pytest

from api.graphql.credentials import bearer, from_init
from oneid.errors import Unauthenticated


@pytest.mark.parametrize(
    ("header", "key"),
    [
        ("Bearer sk_1", "sk_1"),
        ("bearer  sk_1 ", "sk_1"),
        ("Basic c2s=", ""),
        ("sk_1", ""),
        ("", ""),
        ("Bearer", ""),
    ],
)
def test_the_header_carries_a_bearer_token(header: str, key: str) -> None:
    assert bearer({"authorization": header}) == key


@pytest.mark.parametrize(
    "payload",
    [
        {"Authorization": "Bearer sk_1"},
        {"authorization": "sk_1"},
        {"apiKey": "sk_1"},
        {"token": "Bearer sk_1"},
        {"key": " sk_1 "},
        {"headers": {"Authorization": "Bearer sk_1"}},
    ],
)
def test_connection_init_may_name_the_key_in_several_ways(payload: dict[str, object]) -> None:
    assert from_init(payload) == "sk_1"


@pytest.mark.parametrize("payload", [{}, {"Authorization": None}, {"key": 1}, {"headers": []}])
def test_connection_init_without_a_key_is_refused(payload: dict[str, object]) -> None:
    with pytest.raises(Unauthenticated):
        from_init(payload)
