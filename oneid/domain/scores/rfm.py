"""RFM: how recently, how often and for how much somebody bought, each scored 1 to 5.

Recency, frequency and monetary value were joined by Hughes, *Strategic Database Marketing* (1994), by quintiles. The
eight groups are those common in China: each of R, F and M high or not. The eleven divide the cells of R and F.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from oneid.domain.scores.scales import Fact, Group, Scale, Scoring, ascending, between, divided
from oneid.domain.segments.histories import DAY_MS, Occurrence, exact, matches
from oneid.domain.segments.intervals import measured_at
from oneid.domain.segments.operators import MAX_DAYS
from oneid.domain.segments.parsing import text
from oneid.domain.segments.rules import (
    EventPattern,
    EventRule,
    Measure,
    Number,
    Op,
    Window,
)

HIGH, LOW = (4, 5), (1, 3)

EIGHT: Final = tuple(
    Group(name, {"r": HIGH if r else LOW, "f": HIGH if f else LOW, "m": HIGH if m else LOW})
    for name, r, f, m in (
        ("重要价值", True, True, True),
        ("重要发展", True, False, True),
        ("重要保持", False, True, True),
        ("重要挽留", False, False, True),
        ("一般价值", True, True, False),
        ("一般发展", True, False, False),
        ("一般保持", False, True, False),
        ("一般挽留", False, False, False),
    )
)
ELEVEN: Final = tuple(
    Group(name, {"r": r, "f": f})
    for name, r, f in (
        ("Champions", (5, 5), (4, 5)),
        ("Loyal", (3, 4), (4, 5)),
        ("Potential loyalists", (4, 5), (2, 3)),
        ("New", (5, 5), (1, 1)),
        ("Promising", (4, 4), (1, 1)),
        ("Need attention", (3, 3), (3, 3)),
        ("About to sleep", (3, 3), (1, 2)),
        ("Can't lose", (1, 2), (5, 5)),
        ("At risk", (1, 2), (3, 4)),
        ("Lost", (1, 1), (1, 1)),
        ("Hibernating", (1, 2), (1, 2)),
    )
)
PRESETS: Final = {"EIGHT": EIGHT, "ELEVEN": ELEVEN}


@dataclass(frozen=True, slots=True)
class RfmModel:
    """What is scored: events of a name within the last `window_days`, and the amount in a property of theirs.
    Thresholds ascend, four each: `recency` in days, the fewest being a 5; `frequency`; `monetary`."""

    pattern: EventPattern
    amount: str
    window_days: int
    recency: tuple[int, ...]
    frequency: tuple[int, ...]
    monetary: tuple[float, ...]
    preset: str = "EIGHT"

    def check(self) -> None:
        """Raises InvalidInput where names or thresholds make no sense."""
        text(self.amount, ("amount",))
        between(self.window_days, 1, MAX_DAYS, ("windowDays",))
        ascending(self.recency, 4, ("recencyDays",), least=1)
        ascending((*self.recency, self.window_days), 5, ("windowDays",))
        ascending(self.frequency, 4, ("frequency",))
        ascending(self.monetary, 4, ("monetary",), least=float("-inf"))

    def scoring(self) -> Scoring:
        """The scales. Who did nothing within the window has no scores."""
        bought = self._measured(Measure.COUNT, 1, self.window_days)
        recent = [self._measured(Measure.COUNT, 1, days) for days in reversed(self.recency)]
        often = [self._measured(Measure.COUNT, count, self.window_days) for count in self.frequency]
        much = [self._measured(Measure.SUM, exact(sum_), self.window_days) for sum_ in self.monetary]
        scales = (Scale("r", (bought, *recent)), Scale("f", (bought, *often)), Scale("m", (bought, *much)))
        return Scoring(scales, PRESETS[self.preset], bought)

    def facts(self, ordered: Sequence[Occurrence], at: int) -> dict[str, Fact]:
        """What the scores of a customer with these events come from at an instant (milliseconds)."""
        last = max((e.at for e in ordered if matches(self.pattern, e) and e.at <= at), default=None)
        days = None if last is None else (at - last) / DAY_MS
        count = measured_at(self._measured(Measure.COUNT, 0, self.window_days), ordered, at) or 0
        total = measured_at(self._measured(Measure.SUM, 0, self.window_days), ordered, at) or 0
        window = f"in the last {self.window_days} days"
        return {
            "r": Fact(
                days, f"days since the last {self.pattern.name}; from 5 to 2: under {told(self.recency)}"
            ),
            "f": Fact(
                float(count), f"{self.pattern.name} {window}; from 2 to 5: at least {told(self.frequency)}"
            ),
            "m": Fact(float(total), f"{self.amount} {window}; from 2 to 5: at least {told(self.monetary)}"),
        }

    def _measured(self, measure: Measure, value: Number, days: int) -> EventRule:
        measured = None if measure is Measure.COUNT else self.amount
        return EventRule(self.pattern, measure, measured, Op.GTE, value, Window(last_days=days))


def told(thresholds: Sequence[float]) -> str:
    return ", ".join(f"{one:g}" for one in thresholds)


def quintiles(values: Sequence[float]) -> tuple[float, ...]:
    """Four thresholds that divide values into fifths."""
    return divided(values, 5)


def recent_quintiles(days: Sequence[float]) -> tuple[int, ...]:
    """Four whole numbers of days: within the k-th are at least k fifths."""
    ordered = sorted(days)
    return tuple(int(ordered[-(-len(ordered) * k // 5) - 1]) + 1 for k in range(1, 5))
