"""The arguments of `oneid propose`."""

import pytest

from oneid.cli.propose import parse_field
from oneid.domain.matching import Comparison, MatchField
from oneid.errors import InvalidInput


def test_a_field_is_an_attribute_and_how_it_is_compared() -> None:
    assert parse_field("address.city=text") == MatchField("address.city", Comparison.TEXT)


@pytest.mark.parametrize("text", ["birthday", "birthday=", "birthday=fuzzy", ""])
def test_anything_else_is_no_field(text: str) -> None:
    with pytest.raises(InvalidInput, match="write birthday=code"):
        parse_field(text)
