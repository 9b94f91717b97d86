"""Which group a customer is in is the first that fits, whatever groups a condition names."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from oneid.domain.scores.rfm import PRESETS, RfmModel
from oneid.domain.segments.rules import All, AnyOf, EventPattern, Not, Rule, nodes

ELEVEN = PRESETS["ELEVEN"]
MODEL = RfmModel(EventPattern("Order"), "amount", 365, (7, 30, 90, 180), (2, 3, 5, 8), (1, 2, 3, 4), "ELEVEN")
SCORING = MODEL.scoring()


def true(rule: Rule, scores: dict[str, int]) -> bool:
    """Whether a rule of levels is true for who has these scores."""
    match rule:
        case All(rules):
            return all(true(one, scores) for one in rules)
        case AnyOf(rules):
            return any(true(one, scores) for one in rules)
        case Not(below):
            return not true(below, scores)
        case _:
            reached = [
                scale.name
                for scale in SCORING.scales
                for level in scale.levels[: scores[scale.name]]
                if level == rule
            ]
            return bool(reached)


@given(st.sets(st.sampled_from([group.name for group in ELEVEN])))
def test_a_condition_on_groups_is_true_for_whom_the_first_that_fits_is_one_of_them(names: set[str]) -> None:
    rule = SCORING.within(names)
    for r, f in product(range(1, 6), repeat=2):
        scores = {"r": r, "f": f, "m": 3}
        first = next((group.name for group in ELEVEN if group.holds(scores)), None)
        assert true(rule, scores) == (first in names), (scores, first)


def test_a_condition_on_all_groups_asks_each_group_once() -> None:
    assert len(nodes(SCORING.within([group.name for group in ELEVEN]))) < 100
