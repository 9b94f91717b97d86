"""Where customers are in lifecycles, after merges, too."""

from oneid.domain.lifecycles import (
    BROUGHT,
    Lifecycle,
    Position,
    Stage,
    brought,
    from_stored,
    step_by_step,
    to_stored,
)

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


def test_a_path_goes_through_as_many_stages_in_between_as_one_may() -> None:
    """One may not leave out "b" on the way to "d", and comes to "c" from nowhere but "x"."""
    stages = (
        Stage("a", "", 1, {}),
        Stage("b", "", 2, {}, ("a",)),
        Stage("c", "", 3, {}, ("x",)),
        Stage("d", "", 4, {}, ("b", "x")),
        Stage("x", "", 5, {}),
    )
    model = Lifecycle("m", "m", "m", 1, stages, "")
    there = [Position("m", 3, 9, "d", 4)]

    def way(here: str | None, *entered: str) -> list[str]:
        return [one.stage for one in step_by_step(model, here, there, entered)]

    assert way(None, "a", "b", "c", "d") == ["a", "b", "d"]
    assert way(None, "a", "c", "d") == ["d"]
    assert way("b", "a", "c", "d") == ["d"]
    assert step_by_step(model, None, there, ("a", "b", "d"))[0] == Position("m", 0, 9, "a", 1)
