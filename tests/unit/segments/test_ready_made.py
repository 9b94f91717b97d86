"""Ready-made lifecycles and moments of truth are rules that a caller could have written."""

import pytest

from oneid.domain.catalog import Catalog
from oneid.domain.lifecycle_templates import TEMPLATES, Template, leads
from oneid.domain.moments import TEMPLATES as MOMENTS
from oneid.domain.moments import Moment
from oneid.domain.segments.histories import Occurrence
from oneid.domain.segments.intervals import intervals
from oneid.domain.segments.parsing import Parser
from oneid.domain.segments.rules import CadenceRule, SequenceRule

MINUTE = 60_000


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=TEMPLATES.keys())
def test_the_stages_of_a_ready_made_lifecycle_are_sound(template: Template) -> None:
    known = [stage.key for stage in template.stages]
    for stage in template.stages:
        Parser(Catalog()).parse(stage.rule)
        assert set(stage.sources or ()) <= set(known)
    assert len(set(known)) == len(known) >= 3


def test_leads_are_suppressed_after_the_days_that_are_asked() -> None:
    quiet = leads(45).stages[1].rule

    assert leads(45).stages[1].key == "suppressed"
    assert '"lastDays": 45' in str(quiet).replace("'", '"')
    assert leads(45).stages[0].sources == ("suppressed",), "who comes back is a lead again"


@pytest.mark.parametrize("moment", [Moment.FOLLOWED, Moment.UNPAID_ORDER])
def test_a_moment_of_minutes_comes_exactly_then_unless_it_is_called_off(moment: Moment) -> None:
    template = MOMENTS[moment]
    rule = Parser(Catalog()).parse(template.rule())
    assert isinstance(rule, SequenceRule)
    assert template.unless is not None
    assert template.minutes is not None
    begun = Occurrence("1", template.event, 0, {"order_id": "a"})
    due = template.minutes * MINUTE

    assert [start for start, _ in intervals(rule, [begun])] == [due]
    assert intervals(rule, [begun, Occurrence("2", template.unless, due, {"order_id": "a"})]) == []
    late = Occurrence("2", template.unless, due + 1, {"order_id": "a"})
    assert [start for start, _ in intervals(rule, [begun, late])] == [due]


def test_an_order_that_is_paid_calls_no_other_one_off() -> None:
    template = MOMENTS[Moment.UNPAID_ORDER]
    rule = Parser(Catalog()).parse(template.rule())
    assert isinstance(rule, SequenceRule)
    events = [
        Occurrence("1", template.event, 0, {"order_id": "a"}),
        Occurrence("2", template.event, 1, {"order_id": "b"}),
        Occurrence("3", str(template.unless), 2, {"order_id": "b"}),
    ]

    assert [start for start, _ in intervals(rule, events)] == [30 * MINUTE]


def test_about_to_be_inactive_is_at_four_fifths_of_the_own_time_between_orders() -> None:
    rule = Parser(Catalog()).parse(MOMENTS[Moment.ABOUT_TO_BE_INACTIVE].rule())
    assert isinstance(rule, CadenceRule)
    orders = [Occurrence(str(n), "order.paid", n * 10 * MINUTE, {}) for n in range(3)]

    assert intervals(rule, orders) == [(8 * MINUTE + 10 * MINUTE, 20 * MINUTE), (28 * MINUTE, None)]
