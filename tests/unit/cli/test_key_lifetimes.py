"""How long a key lives, as people write it."""

from datetime import timedelta

import pytest

from oneid.cli.keys import parse_lifetime
from oneid.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "lifetime"),
    [("12h", timedelta(hours=12)), ("90d", timedelta(days=90)), (" 4w ", timedelta(weeks=4))],
)
def test_a_number_and_a_unit(text: str, lifetime: timedelta) -> None:
    assert parse_lifetime(text) == lifetime


@pytest.mark.parametrize("text", ["", "90", "d", "0d", "-1d", "1y", "1.5d", "999999d", "90 d", "٣d"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_lifetime(text)
