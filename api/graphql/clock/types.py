"""The business clock."""

import strawberry

from api.graphql.scalars import DateTime
from oneid.domain.messages import format_time
from oneid.services.clock import ClockService


@strawberry.type(description="The business clock.")
class Clock:
    now: DateTime = strawberry.field(description="The business time.")
    offset_seconds: float = strawberry.field(
        description="How far it is ahead of the system's; 0 in live mode."
    )

    @classmethod
    def from_domain(cls, clock: ClockService) -> "Clock":
        return cls(now=DateTime(format_time(clock.now())), offset_seconds=clock.offset.total_seconds())
