"""What is compared with a count that was computed: of whoever did nothing that is counted it is 0."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from oneid.domain.segments.rules import DENIALS, All, AnyOf, AttributeRule, Op, Rule

ZERO: Final[Mapping[Op, Callable[[Any], bool]]] = {
    Op.EQ: lambda value: value == 0,
    Op.NE: lambda value: value != 0,
    Op.IN: lambda values: 0 in values,
    Op.NOT_IN: lambda values: 0 not in values,
    Op.GT: lambda value: value < 0,
    Op.GTE: lambda value: value <= 0,
    Op.LT: lambda value: value > 0,
    Op.LTE: lambda value: value >= 0,
    Op.BETWEEN: lambda bounds: bounds[0] <= 0 <= bounds[1],
}
"""Whether 0 compares so with a value."""


def counted(rule: AttributeRule) -> Rule:
    """A comparison of a computed count as it is asked: without a value it is 0."""
    if rule.parties or rule.for_days or rule.op not in ZERO:
        return rule
    if rule.op in DENIALS:
        return rule if ZERO[rule.op](rule.value) else All((rule, AttributeRule(rule.definition, Op.EXISTS)))
    return AnyOf((rule, AttributeRule(rule.definition, Op.MISSING))) if ZERO[rule.op](rule.value) else rule
