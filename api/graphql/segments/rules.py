"""The language of rules as inputs: each turns into the form in which rules are stored."""

from enum import Enum
from typing import Any, Final

import strawberry
from strawberry import UNSET
from strawberry.scalars import JSON

from api.graphql.customers.types import DataParty
from api.graphql.relay import decode_id
from api.graphql.scalars import DateTime


@strawberry.enum(description="How a value is compared.")
class Operator(Enum):
    EQ = strawberry.enum_value("EQ", description="Equal.")
    NE = strawberry.enum_value("NE", description="Not equal; true without a value, too.")
    IN = strawberry.enum_value(
        "IN", description="One of a list of values; of a LIST attribute: one of them is in it."
    )
    NOT_IN = strawberry.enum_value(
        "NOT_IN", description="None of a list of values; true without a value, too."
    )
    GT = strawberry.enum_value("GT", description="Greater, or later.")
    GTE = strawberry.enum_value("GTE", description="Greater, later or equal.")
    LT = strawberry.enum_value("LT", description="Less, or earlier.")
    LTE = strawberry.enum_value("LTE", description="Less, earlier or equal.")
    BETWEEN = strawberry.enum_value("BETWEEN", description="Between two values, both included.")
    CONTAINS = strawberry.enum_value(
        "CONTAINS", description="A text has this in it, as written; a LIST has this entry."
    )
    STARTS_WITH = strawberry.enum_value(
        "STARTS_WITH", description="A text begins with this, exactly so written."
    )
    ENDS_WITH = strawberry.enum_value("ENDS_WITH", description="A text ends with this, exactly so written.")
    EXISTS = strawberry.enum_value("EXISTS", description="There is a value.")
    MISSING = strawberry.enum_value("MISSING", description="There is no value.")
    WITHIN_LAST = strawberry.enum_value(
        "WITHIN_LAST", description="A date in the last so many days, up to now."
    )
    WITHIN_NEXT = strawberry.enum_value(
        "WITHIN_NEXT", description="A date in the next so many days, from now on."
    )
    MORE_THAN_AGO = strawberry.enum_value("MORE_THAN_AGO", description="A date so many days ago, or longer.")
    ANNIVERSARY = strawberry.enum_value(
        "ANNIVERSARY",
        description="The day of a date returns within so many days; 0: today.",
    )
    IN_PERIOD = strawberry.enum_value(
        "IN_PERIOD", description="A date in a period of the calendar, such as THIS_MONTH (CalendarPeriod)."
    )
    NEAR = strawberry.enum_value("NEAR", description="A place within a circle: {lat, lon, km}.")


@strawberry.enum(description="A day, a week from Monday, a month or a year, seen from the present.")
class CalendarPeriod(Enum):
    YESTERDAY = strawberry.enum_value("YESTERDAY", description="The day before today.")
    TODAY = strawberry.enum_value("TODAY", description="From midnight to midnight.")
    TOMORROW = strawberry.enum_value("TOMORROW", description="The day after today; of dates only.")
    LAST_WEEK = strawberry.enum_value("LAST_WEEK", description="The week before this one.")
    THIS_WEEK = strawberry.enum_value("THIS_WEEK", description="From Monday on.")
    NEXT_WEEK = strawberry.enum_value("NEXT_WEEK", description="The week after this one; of dates only.")
    LAST_MONTH = strawberry.enum_value("LAST_MONTH", description="The month before this one.")
    THIS_MONTH = strawberry.enum_value("THIS_MONTH", description="From the first of the month on.")
    NEXT_MONTH = strawberry.enum_value("NEXT_MONTH", description="The month after this one; of dates only.")
    LAST_YEAR = strawberry.enum_value("LAST_YEAR", description="The year before this one.")
    THIS_YEAR = strawberry.enum_value("THIS_YEAR", description="From January 1 on.")
    NEXT_YEAR = strawberry.enum_value("NEXT_YEAR", description="The year after this one; of dates only.")


@strawberry.input(description="A condition on a declared attribute.")
class AttributeCondition:
    key: str = strawberry.field(description="The attribute's name.")
    op: Operator = strawberry.field(description="How it is compared.")
    value: JSON | None = strawberry.field(
        default=None,
        description="With what: of the attribute's type; a list for IN, NOT_IN and BETWEEN; days.",
    )
    parties: list[DataParty] | None = strawberry.field(
        default=None, description="Only values collected by one of these count as there; default: by anybody."
    )
    has_been_for_days: int | None = strawberry.field(
        default=None,
        description="It has been so for at least so many times 24 hours without a break; of EQ and MISSING. Who never "
        "had a value does not count.",
    )
    zone: str | None = strawberry.field(
        default=None,
        description="The IANA time zone in which days begin, of IN_PERIOD and ANNIVERSARY; default: the deployment's.",
    )


@strawberry.input(description="A condition on identifiers.")
class IdentifierCondition:
    type: str = strawberry.field(description="The type.")
    present: bool = strawberry.field(default=True, description="Whether there is one, or none.")


@strawberry.input(description="A test of one property of an event.")
class PropertyCondition:
    property: str = strawberry.field(description="Its name; dots lead into objects, also those of lists.")
    op: Operator = strawberry.field(description="How it is compared.")
    value: JSON | None = strawberry.field(default=None, description="With what.")


@strawberry.input(description="A number of events, compared.")
class CountCondition:
    op: Operator = strawberry.field(description="EQ, NE, GT, GTE, LT or LTE.")
    value: int = strawberry.field(description="With what; 0 is true for people without any event, too.")


@strawberry.input(description="A measure of a numeric property of the events, compared.")
class MeasureCondition:
    property: str = strawberry.field(description="The property; events without a number in it don't count.")
    op: Operator = strawberry.field(description="EQ, NE, GT, GTE, LT or LTE.")
    value: float = strawberry.field(description="With what; sums and averages are exact.")


@strawberry.input(description="Events of a name whose properties pass all tests.")
class EventPattern:
    name: str = strawberry.field(description="The event's name.")
    where: list[PropertyCondition] | None = strawberry.field(default=None, description="The tests.")


@strawberry.input(description="A sum of a numeric property of the events, compared.")
class SumCondition:
    property: str = strawberry.field(description="The property; events without a number in it don't count.")
    op: Operator = strawberry.field(description="EQ, NE, GT, GTE, LT or LTE.")
    value: float = strawberry.field(description="With what; sums are exact.")
    less: EventPattern | None = strawberry.field(
        default=None, description="Events whose property is taken off the sum, such as refunds."
    )


@strawberry.input(description="How many different values a property of the events has, compared.")
class UniqueCondition:
    property: str = strawberry.field(description="The property: texts, numbers, truth values.")
    op: Operator = strawberry.field(description="EQ, NE, GT, GTE, LT or LTE.")
    value: int = strawberry.field(description="With what; 0 without any event.")


@strawberry.input(description="When events count; default: whenever they happened.")
class WindowInput:
    last_days: int | None = strawberry.field(
        default=None, description="In the last so many times 24 hours, to the millisecond."
    )
    from_: DateTime | None = strawberry.field(name="from", default=None, description="At this time or later.")
    to: DateTime | None = strawberry.field(default=None, description="Before this time.")
    period: CalendarPeriod | None = strawberry.field(
        default=None, description="In a period of the calendar that is over or goes on."
    )
    zone: str | None = strawberry.field(
        default=None,
        description="The IANA time zone in which the days of the period begin; default: the deployment's.",
    )


@strawberry.input(
    description="It is longer since the last such event than the customer's own median time between them."
)
class CadenceCondition:
    name: str = strawberry.field(description="The event's name.")
    where: list[PropertyCondition] | None = strawberry.field(default=None, description="Tests of properties.")
    times: float = strawberry.field(
        description="At least so many times the median; nobody with fewer than two such events."
    )


@strawberry.input(description="A condition on events: at most one measure; without one: at least one event.")
class EventCondition:
    name: str = strawberry.field(description="The event's name; `*`: events of every name.")
    where: list[PropertyCondition] | None = strawberry.field(default=None, description="Tests of properties.")
    count: CountCondition | None = strawberry.field(default=None, description="How many.")
    sum: SumCondition | None = strawberry.field(default=None, description="The sum; 0 without any event.")
    avg: MeasureCondition | None = strawberry.field(default=None, description="The average.")
    min: MeasureCondition | None = strawberry.field(default=None, description="The least.")
    max: MeasureCondition | None = strawberry.field(default=None, description="The greatest.")
    unique: UniqueCondition | None = strawberry.field(default=None, description="How many different values.")
    window: WindowInput | None = strawberry.field(default=None, description="When they happened.")


@strawberry.input(description="Events one after the other.")
class SequenceCondition:
    steps: list[EventCondition] = strawberry.field(
        description="The events in their order, at most ten; with `count` GTE so many of them. A step has no other "
        "measure and no window of its own."
    )
    within_hours: float = strawberry.field(
        description="Between the first and the last at most so many hours."
    )
    strict: bool = strawberry.field(
        default=False, description="No other event of a name mentioned here may lie in between."
    )
    without: EventPattern | None = strawberry.field(
        default=None,
        description="No such event within so many hours after the last step; true once they are over.",
    )
    last_days: int | None = strawberry.field(
        default=None, description="True for so many times 24 hours; default: for ever."
    )
    same_property: str | None = strawberry.field(
        default=None,
        description="All of these events have the same value of this property, such as the id of an order.",
    )


@strawberry.input(description="Random but stable buckets: who is in one stays, also through merges.")
class BucketCondition:
    salt: str = strawberry.field(description="Each salt draws anew.")
    from_: int = strawberry.field(name="from", description="The first bucket, from 0.")
    to: int = strawberry.field(description="The last bucket, up to 9999.")


@strawberry.input(description="A condition on tags, however a customer came to them.")
class TagCondition:
    tag: strawberry.ID = strawberry.field(description="The tag, by global id or path.")
    include_descendants: bool = strawberry.field(
        default=False, description="Whether one of the tags below it will do, too."
    )


@strawberry.enum(description="Where a customer stands on a channel and a purpose.")
class ConsentStatus(Enum):
    GRANTED = strawberry.enum_value("GRANTED", description="Consent was given, and counts.")
    WITHDRAWN = strawberry.enum_value("WITHDRAWN", description="Consent was withdrawn, or refused.")
    NONE = strawberry.enum_value("NONE", description="Nothing was ever said.")


@strawberry.input(
    description="A condition on consents: what was said of the channel or of all channels, whichever was later."
)
class ConsentCondition:
    channel: str = strawberry.field(
        description="The channel, such as email; all: what was said of all channels together."
    )
    purpose: str = strawberry.field(description="What for, such as marketing or third_party.")
    state: ConsentStatus = strawberry.field(default=ConsentStatus.GRANTED, description="What must count.")


@strawberry.input(description="A condition on where a customer is in a lifecycle.")
class StageCondition:
    lifecycle: str = strawberry.field(description="The lifecycle's key.")
    stage: str = strawberry.field(description="The stage's key.")
    in_for_days: int | None = strawberry.field(
        default=None, description="For at least so many times 24 hours; default: however long."
    )


@strawberry.input(description="Scores from one to another, both included.")
class ScoreRange:
    min: int | None = strawberry.field(default=None, description="The lowest; default: 1.")
    max: int | None = strawberry.field(
        default=None, description="The highest; default: the highest there is."
    )


@strawberry.input(description="A condition on the scores of an RFM model, which scores whoever bought.")
class RfmCondition:
    model: str = strawberry.field(description="The model's key.")
    r: ScoreRange | None = strawberry.field(default=None, description="Recency: 5 bought last.")
    f: ScoreRange | None = strawberry.field(default=None, description="Frequency: 5 bought most often.")
    m: ScoreRange | None = strawberry.field(default=None, description="Monetary: 5 spent most.")
    groups: list[str] | None = strawberry.field(default=None, description="In one of these groups.")


@strawberry.input(description="A condition on the scores of a VAP model, which scores whoever ordered.")
class VapCondition:
    model: str = strawberry.field(description="The model's key.")
    v: ScoreRange | None = strawberry.field(default=None, description="Value: 3 is worth most.")
    a: ScoreRange | None = strawberry.field(default=None, description="Attrition: 3 is most likely to leave.")
    p: ScoreRange | None = strawberry.field(default=None, description="Potential: 3 may buy most more.")


@strawberry.input(one_of=True, description="A rule: at most 8 levels deep, at most 100 conditions.")
class SegmentRule:
    all: list["SegmentRule"] | None = strawberry.field(default=UNSET, description="All of these.")
    any: list["SegmentRule"] | None = strawberry.field(default=UNSET, description="At least one of these.")
    not_: "SegmentRule | None" = strawberry.field(name="not", default=UNSET, description="Not this.")
    attribute: AttributeCondition | None = strawberry.field(default=UNSET, description="An attribute.")
    identifier: IdentifierCondition | None = strawberry.field(default=UNSET, description="Identifiers.")
    event: EventCondition | None = strawberry.field(default=UNSET, description="What the customer did.")
    sequence: SequenceCondition | None = strawberry.field(
        default=UNSET, description="What the customer did, in order."
    )
    tag: TagCondition | None = strawberry.field(default=UNSET, description="Has a tag.")
    cadence: CadenceCondition | None = strawberry.field(
        default=UNSET, description="Longer without an event than is usual for the customer."
    )
    stage: StageCondition | None = strawberry.field(default=UNSET, description="In a stage of a lifecycle.")
    consent: ConsentCondition | None = strawberry.field(
        default=UNSET, description="What the customer allows, took back, or never said."
    )
    rfm: RfmCondition | None = strawberry.field(default=UNSET, description="Scores of an RFM model.")
    vap: VapCondition | None = strawberry.field(default=UNSET, description="Scores of a VAP model.")
    segment: strawberry.ID | None = strawberry.field(
        default=UNSET, description="In another segment, by global id or key."
    )
    bucket: BucketCondition | None = strawberry.field(default=UNSET, description="A share of all customers.")

    def to_domain(self) -> dict[str, Any]:
        """The rule as it is stored."""
        written: dict[str, Any] = stored(self)
        return written


NAMES: Final = {
    "not_": "not",
    "from_": "from",
    "last_days": "lastDays",
    "within_hours": "withinHours",
    "in_for_days": "inForDays",
    "has_been_for_days": "hasBeenForDays",
    "include_descendants": "includeDescendants",
    "same_property": "sameProperty",
}
"""What is called otherwise in Python."""


def stored(value: Any) -> Any:
    """An input as JSON: what was not given is left out, global ids are segments' own."""
    if isinstance(value, list):
        return [stored(one) for one in value]
    if isinstance(value, Enum):
        return value.name
    if not strawberry_input(value):
        return value
    given = {name: one for name, one in vars(value).items() if one is not None and one is not UNSET}
    found = {NAMES.get(name, name): one if name == "value" else stored(one) for name, one in given.items()}
    if isinstance(value, SegmentRule) and "segment" in found:
        found["segment"] = own_id("Segment", found["segment"])
    if isinstance(value, TagCondition):
        found["tag"] = own_id("Tag", found["tag"])
    return found


def strawberry_input(value: Any) -> bool:
    return hasattr(type(value), "__strawberry_definition__")


def own_id(kind: str, id_: str) -> str:
    """The id of an object by its global id; anything else is taken for a key or a path."""
    found, name = decode_id(id_) or ("", "")
    return name if found == kind else id_


def segment_name(id_: str) -> str:
    """The id of a segment by its global id; anything else is taken for a key."""
    return own_id("Segment", id_)
