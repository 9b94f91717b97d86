"""Global ids, cursors and page arguments."""

from base64 import urlsafe_b64encode
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.graphql.relay import decode_cursor, decode_id, encode_cursor, encode_id, page
from oneid.errors import InvalidInput

KEYS = st.text(min_size=1).filter(lambda text: "\ud800" > max(text) or min(text) > "\udfff")


@given(KEYS)
def test_a_global_id_gives_back_its_type_and_key(key: str) -> None:
    assert decode_id(encode_id("Customer", key)) == ("Customer", key)


@pytest.mark.parametrize("text", ["", "x", "Customer:1", "Q3VzdG9tZXI6", "é", "////", "gICA"])
def test_what_is_no_global_id_is_none(text: str) -> None:
    assert decode_id(text) is None


@given(
    st.lists(
        st.one_of(st.integers(0, 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), KEYS),
        max_size=4,
    )
)
def test_a_cursor_gives_back_its_values(values: list[int | float | str]) -> None:
    assert decode_cursor("list", encode_cursor("list", *values), *map(type, values)) == values


def test_no_cursor_is_none() -> None:
    assert decode_cursor("list", None) is None


@given(st.text(max_size=60))
def test_any_other_text_is_refused_with_the_name_of_the_argument(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_cursor("list", text, int, argument="before")
    assert caught.value.field == ("before",)


@given(st.integers(0, 40), st.integers(0, 7))
def test_a_cursor_with_one_bit_changed_is_refused_or_the_same(position: int, bit: int) -> None:
    cursor = encode_cursor("list", 123456789, "abc")
    index = position % len(cursor)
    changed = cursor[:index] + chr(ord(cursor[index]) ^ (1 << bit)) + cursor[index + 1 :]
    try:
        assert decode_cursor("list", changed, int, str) == [123456789, "abc"]
    except InvalidInput:
        pass


def test_a_cursor_of_another_list_is_refused() -> None:
    with pytest.raises(InvalidInput):
        decode_cursor("list", encode_cursor("other", 1), int)


@pytest.mark.parametrize(
    "values",
    [
        [],
        [1],
        ["1", 2],
        [True, 2],
        [1.0, 2],
        [None, 2],
        [1, 2, 3],
        [[1], 2],
        [-1, 2],
        [2**63, 2],
        [1, 2**64 - 1],
    ],
)
def test_a_cursor_that_somebody_made_of_other_values_is_refused(values: list[object]) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_cursor("list", encode_cursor("list", *values), int, int)
    assert caught.value.field == ("after",)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"1", b"\xff", b'["list"', b"[" * 2_000])
def test_a_cursor_that_is_no_list_is_refused_though_its_check_sum_is_right(body: bytes) -> None:
    text = urlsafe_b64encode(crc32(body).to_bytes(4, "big") + body).decode()
    with pytest.raises(InvalidInput):
        decode_cursor("list", text)


def test_a_page_has_fifty_entries_unless_it_is_said() -> None:
    assert page(None).size == 50
    assert page(1).size == 1
    assert page(100).size == 100
    assert page(None, last=7).backwards


@pytest.mark.parametrize(
    ("first", "last", "field"),
    [(0, None, "first"), (-1, None, "first"), (101, None, "first"), (None, 0, "last"), (None, 101, "last")],
)
def test_sizes_outside_one_to_a_hundred_are_refused(first: int | None, last: int | None, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        page(first, last=last)
    assert caught.value.field == (field,)


def test_first_and_last_exclude_each_other() -> None:
    with pytest.raises(InvalidInput, match="not both"):
        page(5, last=5)
