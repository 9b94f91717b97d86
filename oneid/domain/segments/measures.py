"""What is measured of the values within a window, as they enter and leave it one by one.

Of one rule all numbers are whole multiples of one unit, so that what is exact is as quick as whole numbers are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush, heappushpop
from math import lcm
from typing import Final, TypeAlias

from oneid.domain.segments.histories import holds
from oneid.domain.segments.rules import EventRule, Measure, Number

Ratio: TypeAlias = tuple[Number, int]
"""Numerator and denominator, which is above 0."""

TOLD_APART: Final = frozenset({Measure.MIN, Measure.MAX, Measure.UNIQUE})
"""Measures for which it matters which values there are, not only what they come to."""


@dataclass(slots=True)
class Tally:
    """The values within the window at an instant, as far as one measure needs them. A change costs no more than the
    logarithm of their number."""

    measure: Measure
    count: int = 0
    total: int = 0
    copies: dict[int, int] = field(default_factory=dict[int, int])
    heap: list[int] = field(default_factory=list[int])

    def change(self, sign: int, value: int) -> None:
        """A value enters (1) or leaves (-1)."""
        self.count += sign
        self.total += sign * value
        if self.measure in TOLD_APART:
            # A heap has its least at hand: of the greatest the opposite is kept.
            self._keep(sign, -value if self.measure is Measure.MAX else value)

    def ratio(self, measure: Measure) -> Ratio | None:
        match measure:
            case Measure.COUNT:
                return self.count, 1
            case Measure.SUM:
                return self.total, 1
            case Measure.AVG:
                return (self.total, self.count) if self.count else None
            case Measure.MIN:
                return (self.heap[0], 1) if self.heap else None
            case Measure.MAX:
                return (-self.heap[0], 1) if self.heap else None
            case Measure.UNIQUE:
                return len(self.copies), 1

    def _keep(self, sign: int, value: int) -> None:
        if sign > 0 and value not in self.copies:
            heappush(self.heap, value)
        left = self.copies.get(value, 0) + sign
        if left:
            self.copies[value] = left
        else:
            del self.copies[value]
        while self.heap and self.heap[0] not in self.copies:
            heappop(self.heap)


def judged(rule: EventRule, tally: Tally) -> bool:
    """Whether a rule is true of what was counted."""
    ratio = tally.ratio(rule.measure)
    return ratio is not None and holds(rule.op, ratio[0], rule.value * ratio[1])


def in_units(numbers: Sequence[Number], *others: Number) -> tuple[list[int], int]:
    """Numbers as whole multiples of a unit in which the others are whole, too, and how many of it are one."""
    unit = lcm(*{number.denominator for number in (*numbers, *others)})
    return [number.numerator * (unit // number.denominator) for number in numbers], unit


class Middle:
    """The median of numbers that come one by one."""

    def __init__(self) -> None:
        self._lower: list[int] = []
        self._upper: list[int] = []

    def add(self, number: int) -> None:
        heappush(self._upper, -heappushpop(self._lower, -number))
        if len(self._upper) > len(self._lower):
            heappush(self._lower, -heappop(self._upper))

    def twice(self) -> int:
        """Two times the median, which is whole."""
        if len(self._lower) > len(self._upper):
            return -2 * self._lower[0]
        return self._upper[0] - self._lower[0]
