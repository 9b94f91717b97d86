"""What of an event's properties goes into a flat_object."""

from oneid.domain.texts import CUT, KNOWN
from search.flat import DEPTH, PATH_CHARACTERS, flatten


def test_ordinary_properties_stay_as_they_are() -> None:
    properties = {"price": 12.5, "size": "L", "gift": True, "tags": ["a", "b"], "address": {"city": "上海"}}

    assert flatten(properties) == properties


def test_of_a_text_too_long_for_a_condition_the_beginning_is_kept_and_marked() -> None:
    fits = "x" * KNOWN

    assert flatten({"fits": fits, "long": [fits + "y"]}) == {"fits": fits, "long": [fits + CUT]}


def test_a_path_counts_whole() -> None:
    name = "k" * (PATH_CHARACTERS // 2)

    assert flatten({name: {name: 1}, "short": {"er": 1}}) == {"short": {"er": 1}}


def test_nulls_and_what_becomes_empty_are_left_out() -> None:
    assert flatten({"a": None, "b": [None, [None]], "c": {"d": None}, "e": [1, None]}) == {"e": [1]}


def test_an_empty_name_becomes_an_underscore() -> None:
    assert flatten({"": {"": 1}}) == {"_": {"_": 1}}


def test_what_lies_too_deep_is_left_out() -> None:
    assert flatten(_nested(DEPTH)) == _nested(DEPTH)
    assert flatten({**_nested(DEPTH + 1), "here": 1}) == {"here": 1}


def _nested(levels: int) -> dict[str, object]:
    nested: dict[str, object] = {"leaf": 1}
    for _ in range(levels - 1):
        nested = {"n": nested}
    return nested
