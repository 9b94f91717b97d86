"""VAP: value, attrition and potential, each scored 1 to 3 by rules of ours, which every model may set otherwise.

Value: net revenue of the last twelve months against two thresholds, or in thirds of all who ordered. Attrition: the
time since the last order against the customer's own median time between orders, or the brand's usual one for who has
ordered once. Potential: one for a buyer, one more for the breadth of what was bought, one more for engagement.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from oneid.domain.scores.rfm import told
from oneid.domain.scores.scales import Fact, Scale, Scoring, ascending, between, divided
from oneid.domain.segments.histories import DAY_MS, Occurrence, exact, matches
from oneid.domain.segments.intervals import measured_at
from oneid.domain.segments.operators import MAX_DAYS
from oneid.domain.segments.parsing import MAX_TIMES, text
from oneid.domain.segments.rules import (
    All,
    AnyOf,
    CadenceRule,
    EventPattern,
    EventRule,
    Measure,
    Not,
    Number,
    Op,
    Rule,
    Window,
)
from oneid.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class VapModel:
    """What is scored. `value`: two sums of the amount, refunds taken off; `attrition`: two multiples of the time
    between orders; `usual_days`: that time where a customer has ordered once; `categories`: so many different
    values of `category`; `engagements`: so many events of a kind, both within the window. `divided_among`: how many who
    ordered the sums divide into thirds, 0 where they were given."""

    order: EventPattern
    amount: str
    refund: EventPattern | None
    category: str
    engagement: EventPattern
    window_days: int = 365
    value: tuple[float, ...] = (1000, 5000)
    attrition: tuple[float, ...] = (1, 2)
    usual_days: int = 90
    categories: int = 3
    engagements: int = 5
    divided_among: int = 0

    def check(self) -> None:
        """Raises InvalidInput where names or thresholds make no sense."""
        text(self.amount, ("amount",))
        text(self.category, ("category",))
        ascending(self.value, 2, ("value",), least=float("-inf"))
        ascending(self.attrition, 2, ("attrition",), least=0.01)
        for name in ("window_days", "usual_days", "categories", "engagements"):
            between(getattr(self, name), 1, MAX_DAYS, (camel(name),))
        if self.attrition[-1] > MAX_TIMES or self.usual_days * self.attrition[-1] > MAX_DAYS:
            message = f"must be at most {MAX_TIMES}, and with usualDays at most {MAX_DAYS} days"
            raise InvalidInput(message, field=("attrition",))

    def scoring(self) -> Scoring:
        """The scales: V and P rise with what is good, A with the danger. Who never ordered has no scores."""
        buyer = self._ordered(1, None)
        value = [self._worth(exact(sum_)) for sum_ in self.value]
        danger = [self._quiet(times) for times in self.attrition]
        broad, engaged = self._broad(), self._engaged()
        potential: list[Rule] = [AnyOf((broad, engaged)), All((broad, engaged))]
        scales = (Scale("v", (buyer, *value)), Scale("a", (buyer, *danger)), Scale("p", (buyer, *potential)))
        return Scoring(scales, (), buyer)

    def facts(self, ordered: Sequence[Occurrence], at: int) -> dict[str, Fact]:
        """What the scores of a customer with these events come from at an instant (milliseconds)."""
        net = measured_at(self._worth(0), ordered, at) or 0
        breadth, engaged = (measured_at(rule, ordered, at) or 0 for rule in (self._broad(), self._engaged()))
        days = f"in the last {self.window_days} days"
        kinds = f"{float(breadth):g} different {self.category} of at least {self.categories}"
        deeds = f"{float(engaged):g} {self.engagement.name} of at least {self.engagements}"
        return {
            "v": Fact(
                float(net), f"net {self.amount} {days}; 2 and 3: at least {told(self.value)}{self._thirds()}"
            ),
            "a": Fact(
                self._ratio(ordered, at),
                f"times the usual time between {self.order.name}; 2 and 3: at least {told(self.attrition)}",
            ),
            "p": Fact(float(breadth + engaged), f"{kinds}, {deeds}, {days}"),
        }

    def _thirds(self) -> str:
        return f", thirds of {self.divided_among} who ordered" if self.divided_among else ""

    def _ratio(self, ordered: Sequence[Occurrence], at: int) -> float | None:
        instants = sorted({e.at for e in ordered if matches(self.order, e) and e.at <= at})
        if not instants:
            return None
        gaps = sorted(later - earlier for earlier, later in pairwise(instants))
        usual = float(median(gaps)) if gaps else float(self.usual_days * DAY_MS)
        return (at - instants[-1]) / usual

    def _ordered(self, count: int, days: int | None) -> EventRule:
        return EventRule(self.order, Measure.COUNT, None, Op.GTE, count, Window(last_days=days))

    def _worth(self, sum_: Number) -> EventRule:
        window = Window(last_days=self.window_days)
        return EventRule(self.order, Measure.SUM, self.amount, Op.GTE, sum_, window, self.refund)

    def _quiet(self, times: float) -> Rule:
        days = max(1, round(self.usual_days * times))
        once = (self._ordered(1, None), Not(self._ordered(2, None)), Not(self._ordered(1, days)))
        return AnyOf((CadenceRule(self.order, exact(times)), All(once)))

    def _broad(self) -> EventRule:
        window = Window(last_days=self.window_days)
        return EventRule(self.order, Measure.UNIQUE, self.category, Op.GTE, self.categories, window)

    def _engaged(self) -> EventRule:
        window = Window(last_days=self.window_days)
        return EventRule(self.engagement, Measure.COUNT, None, Op.GTE, self.engagements, window)


def in_thirds(model: VapModel, net: Sequence[float]) -> VapModel:
    """A model whose sums divide those who ordered into thirds; `net`: what each of them is worth."""
    return replace(model, value=divided([round(one, 2) for one in net], 3), divided_among=len(net))


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
