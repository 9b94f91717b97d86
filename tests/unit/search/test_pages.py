"""Cursors: opaque, good for their own list only."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oneid.errors import InvalidInput
from search.pages import decode, encode


@given(st.integers(-(2**63), 2**63 - 1), st.text(st.characters(codec="utf-8")))
def test_a_cursor_gives_back_its_sort_values(number: int, text: str) -> None:
    assert decode("event", encode("event", (number, text)), "after") == (number, text)


def test_no_cursor_is_no_place() -> None:
    assert decode("event", None, "after") is None


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "not base64 at all",
        "é",
        encode("customer", (1, "a")),
        encode("event", (1, "a"))[:-3],
        *(
            base64.urlsafe_b64encode(text).decode()
            for text in (
                b"null",
                b"[]",
                b'["event"]',
                b'["event",true,"a"]',
                b'["event",1,2]',
                b'["event","1","a"]',
            )
        ),
    ],
)
def test_anything_else_is_an_input_error_that_names_the_argument(cursor: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode("event", cursor, "after")

    assert caught.value.field == ("after",)
