"""Where customers are in lifecycles, after merges, too."""

from oneid.domain.lifecycles import BROUGHT, Position, brought, from_stored, to_stored

LEAD = Position("life", 0, 1_000, "lead", 7)
BUYER = Position("life", 1, 900, "buyer", 8)
GONE = Position("other", 2, 500, "gone", 9)


def test_of_two_positions_in_one_lifecycle_the_further_one_counts() -> None:
    own, other = to_stored([LEAD]), [f"{BROUGHT}{one}" for one in to_stored([BUYER, GONE])]

    assert from_stored([*own, *other]) == from_stored([*other, *own]) == (BUYER, GONE)


def test_what_a_merge_brings_is_a_step_from_the_own_stage_or_from_none() -> None:
    own, other = to_stored([LEAD]), [f"{BROUGHT}{one}" for one in to_stored([BUYER, GONE])]

    assert brought([*own, *other]) == [("lead", BUYER), (None, GONE)]
    assert brought(to_stored(from_stored([*own, *other]))) == [], "once it is told"


def test_who_brings_nothing_further_makes_no_step() -> None:
    assert brought([*to_stored([BUYER]), *(f"{BROUGHT}{one}" for one in to_stored([LEAD]))]) == []
    assert brought(None) == []
