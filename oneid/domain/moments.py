"""Moments of truth: instants at which something should be done about a customer, as ready-made segments.

A segment of a moment is entered at the instant itself, once each time. Rules speak of the standard events of
`docs/audiences.md`, where nothing else is asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from oneid.domain.segments.operators import whole
from oneid.errors import InvalidInput

MAX_MINUTES: Final = 60 * 24 * 90
MAX_SHARE: Final = 10
HELD_DAYS: Final = 1
"""How long a customer stays in a segment of minutes; entering it is what counts."""


class Moment(StrEnum):
    """The moments that there are."""

    FOLLOWED = "FOLLOWED"
    UNPAID_ORDER = "UNPAID_ORDER"
    ABOUT_TO_BE_INACTIVE = "ABOUT_TO_BE_INACTIVE"


@dataclass(frozen=True, slots=True)
class MomentTemplate:
    """A moment. `event` begins it, `unless` calls it off, both of one `property` where there is one; it comes after
    so many `minutes`, or at a `share` of the customer's own time between events."""

    moment: Moment
    key: str
    name: str
    event: str
    unless: str | None = None
    property: str | None = None
    minutes: int | None = None
    share: float | None = None

    def rule(self) -> dict[str, Any]:
        """The rule of its segment, as a caller would write it."""
        if self.minutes is None:
            return {"cadence": {"name": self.event, "times": self.share}}
        told: dict[str, Any] = {
            "steps": [{"name": self.event}],
            "without": {"name": self.unless},
            "withinHours": self.minutes / 60,
            "lastDays": HELD_DAYS,
        }
        return {"sequence": {**told, **({"sameProperty": self.property} if self.property else {})}}

    def check(self) -> None:
        """Raises InvalidInput where minutes or share make no sense."""
        if self.minutes is not None and not whole(self.minutes, 1, MAX_MINUTES):
            raise InvalidInput(f"must be a whole number, 1 to {MAX_MINUTES}", field=("minutes",))
        if self.share is not None and not 0 < self.share <= MAX_SHARE:
            raise InvalidInput(f"must be above 0 and at most {MAX_SHARE}", field=("share",))


TEMPLATES: Final[Mapping[Moment, MomentTemplate]] = {
    template.moment: template
    for template in (
        MomentTemplate(
            Moment.FOLLOWED,
            "mot-followed",
            "关注后几分钟",
            "wechat.follow",
            unless="wechat.unfollow",
            minutes=5,
        ),
        MomentTemplate(
            Moment.UNPAID_ORDER,
            "mot-unpaid-order",
            "下单未付款",
            "order.created",
            unless="order.paid",
            property="order_id",
            minutes=30,
        ),
        MomentTemplate(
            Moment.ABOUT_TO_BE_INACTIVE,
            "mot-about-to-be-inactive",
            "即将沉默",
            "order.paid",
            share=0.8,
        ),
    )
}
