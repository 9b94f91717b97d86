"""Moments of truth."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

import strawberry
from strawberry.scalars import JSON

from api.graphql.context import Info
from api.graphql.fields import field
from api.graphql.segments.readable import readable
from api.graphql.segments.types import Segment
from oneid.domain import moments
from oneid.domain.segments import definitions


@strawberry.enum(description="A ready-made moment at which something should be done about a customer.")
class MomentOfTruthKind(Enum):
    FOLLOWED = strawberry.enum_value(
        "FOLLOWED", description="So many minutes after following the brand, who did not unfollow; 5."
    )
    UNPAID_ORDER = strawberry.enum_value(
        "UNPAID_ORDER", description="So many minutes after an order that was not paid; 30."
    )
    ABOUT_TO_BE_INACTIVE = strawberry.enum_value(
        "ABOUT_TO_BE_INACTIVE",
        description="At a share of the customer's own usual time between orders, once in each cycle; 0.8.",
    )


@strawberry.type(description="A moment of truth: SEGMENT_ENTERED of its segment is the trigger.")
class MomentOfTruth:
    kind: MomentOfTruthKind = strawberry.field(description="Which.")
    key: str = strawberry.field(description="The key of its segment.")
    name: str = strawberry.field(description="Its name for people.")
    segment: Segment | None = strawberry.field(description="Its segment; null where it is not installed.")
    rule: strawberry.Private[Mapping[str, Any]]

    @field("The rule of its segment, as it is or would be.")
    async def rule_json(self, info: Info) -> JSON:
        return await readable(info.context, self.rule)

    @classmethod
    def from_domain(cls, moment: moments.Moment, segment: definitions.Segment | None) -> "MomentOfTruth":
        template = moments.TEMPLATES[moment]
        return cls(
            kind=MomentOfTruthKind[moment.value],
            key=template.key,
            name=template.name,
            segment=Segment.from_domain(segment) if segment else None,
            rule=segment.rule if segment and segment.rule else template.rule(),
        )
