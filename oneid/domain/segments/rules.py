"""The tree of a rule. Every node is one of these; what a caller writes is parsed into it (`parsing`)."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final, TypeAlias

from oneid.domain.catalog import AttributeDefinition
from oneid.domain.consents import ConsentState
from oneid.domain.customers import DataParty
from oneid.domain.segments.periods import Period

Number: TypeAlias = int | Fraction
"""An exact number."""


class Op(StrEnum):
    """How a value is compared. Those of `DENIALS` are true wherever their opposite is not: without a value, too."""

    EQ = "EQ"
    NE = "NE"
    IN = "IN"
    NOT_IN = "NOT_IN"
    GT = "GT"
    GTE = "GTE"
    LT = "LT"
    LTE = "LTE"
    BETWEEN = "BETWEEN"
    CONTAINS = "CONTAINS"
    STARTS_WITH = "STARTS_WITH"
    ENDS_WITH = "ENDS_WITH"
    EXISTS = "EXISTS"
    MISSING = "MISSING"
    WITHIN_LAST = "WITHIN_LAST"
    WITHIN_NEXT = "WITHIN_NEXT"
    MORE_THAN_AGO = "MORE_THAN_AGO"
    ANNIVERSARY = "ANNIVERSARY"
    IN_PERIOD = "IN_PERIOD"
    NEAR = "NEAR"


DENIALS = {Op.NE: Op.EQ, Op.NOT_IN: Op.IN, Op.MISSING: Op.EXISTS}


class Measure(StrEnum):
    """What is measured of the events that match."""

    COUNT = "count"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    UNIQUE = "unique"


@dataclass(frozen=True, slots=True)
class All:
    rules: "tuple[Rule, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    rules: "tuple[Rule, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    rule: "Rule"


@dataclass(frozen=True, slots=True)
class AttributeRule:
    """A declared attribute. `parties`: only values that one of these collected count as there; `for_days`: only
    values that have not changed for so many days; `zone`: where days begin, None: the deployment's."""

    definition: AttributeDefinition
    op: Op
    value: Any = None
    parties: tuple[DataParty, ...] = ()
    for_days: int = 0
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class IdentifierRule:
    """Whether the customer has an identifier of a type."""

    type: str
    present: bool = True


@dataclass(frozen=True, slots=True)
class PropertyTest:
    """A test of one property of an event; dots lead into objects."""

    property: str
    op: Op
    value: Any = None


ANY_NAME: Final = "*"
"""Instead of a name: events of every name."""


@dataclass(frozen=True, slots=True)
class EventPattern:
    """Events of a name whose properties pass all tests."""

    name: str
    where: tuple[PropertyTest, ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """Which events count at an instant: those of the last days, exact to the millisecond, those of a period of the
    calendar in a time zone, or those from `since` on and before `until`; those that are still to happen never do."""

    last_days: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    period: Period | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class EventRule:
    """A measure of the events that match, against a number. Without any event count, sum and unique (different
    values) are 0, and the others are no number, of which no comparison is true. `less`: of a sum, events whose
    property is taken off it, such as refunds."""

    pattern: EventPattern
    measure: Measure
    property: str | None
    op: Op
    value: Number
    window: Window = Window()
    less: EventPattern | None = None


@dataclass(frozen=True, slots=True)
class SequenceRule:
    """Events one after the other, the last at most `within_hours` after the first. `strict`: no other event of a
    name that the rule mentions in between. `without`: no such event within so many hours after the last step,
    which makes the rule true that much later. `last_days`: how long it then holds; None: for ever. `same`: a
    property of which all of these events have the same value."""

    steps: tuple[EventPattern, ...]
    within_hours: Number
    strict: bool = False
    without: EventPattern | None = None
    last_days: int | None = None
    same: str | None = None


@dataclass(frozen=True, slots=True)
class CadenceRule:
    """The time since the last event that matches is at least `times` the customer's own median time between such
    events, known from the second one on; events of one instant are one."""

    pattern: EventPattern
    times: Number


@dataclass(frozen=True, slots=True)
class SegmentRule:
    """Membership in another segment: `rule` is that segment's, None if its members are a list."""

    id: str
    rule: "Rule | None"


@dataclass(frozen=True, slots=True)
class PluggedRule:
    """What a condition of another module stands for: one condition to whoever wrote it."""

    rule: "Rule"


@dataclass(frozen=True, slots=True)
class HeldRule:
    """Who has the intervals of one of these numbers, tags or stages, for so many days already."""

    numbers: tuple[int, ...]
    days: int = 0


@dataclass(frozen=True, slots=True)
class ConsentRule:
    """What counts for a channel and a purpose; None: nothing was ever said."""

    channel: str
    purpose: str
    state: ConsentState | None


@dataclass(frozen=True, slots=True)
class BucketRule:
    """Ten thousand stable random buckets for each salt; those from `first` to `last`, both included."""

    salt: str
    first: int
    last: int


Timed: TypeAlias = EventRule | SequenceRule | CadenceRule
"""What the history of a customer decides: true in intervals of time."""

Rule: TypeAlias = (
    All
    | AnyOf
    | Not
    | AttributeRule
    | IdentifierRule
    | Timed
    | SegmentRule
    | PluggedRule
    | HeldRule
    | ConsentRule
    | BucketRule
)


def nodes(rule: Rule) -> "list[Rule]":
    """The rule and all below it, those of other segments included, each before what is below it."""
    match rule:
        case All(rules) | AnyOf(rules):
            return [rule, *(node for below in rules for node in nodes(below))]
        case Not(below) | PluggedRule(below):
            return [rule, *nodes(below)]
        case SegmentRule(_, below) if below is not None:
            return [rule, *nodes(below)]
        case _:
            return [rule]
