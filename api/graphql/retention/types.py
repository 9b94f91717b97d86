"""Retention policies."""

from typing import Annotated

import strawberry
from strawberry.scalars import JSON

from api.graphql.context import Info
from api.graphql.fields import field
from api.graphql.scalars import DateTime
from api.graphql.segments.readable import readable
from api.graphql.segments.types import SegmentPreview
from oneid.domain import retention

Sample = Annotated[int | None, strawberry.argument(description="How many customers to show: 0 to 100.")]


@strawberry.type(description="Erases whom a rule is true for.")
class RetentionPolicy:
    key: str = strawberry.field(description="Its name in code.")
    name: str = strawberry.field(description="Its name for people.")
    suppress: bool = strawberry.field(description="Whether who is erased is kept away, too.")
    daily: bool = strawberry.field(description="Whether it runs by itself once a day.")
    most: int = strawberry.field(description="A run that would erase more erases nobody and fails.")
    version: int = strawberry.field(description="Grows with each change.")
    updated_at: DateTime = strawberry.field(description="When it was last changed.")
    last_run_at: DateTime | None = strawberry.field(description="When its last daily run was begun.")
    policy: strawberry.Private[retention.RetentionPolicy]

    @field("Whom it erases, as it was written; tags by the paths that they have now.")
    async def rule_json(self, info: Info) -> JSON:
        return await readable(info.context, self.policy.rule)

    @field("Whom it would erase now; nothing is erased.")
    async def preview(self, info: Info, sample: Sample = 10) -> SegmentPreview:
        size = 10 if sample is None else sample
        return SegmentPreview.from_domain(await info.context.services.retention.preview(self.policy, size))

    @classmethod
    def from_domain(cls, policy: retention.RetentionPolicy) -> "RetentionPolicy":
        return cls(
            key=policy.key,
            name=policy.name,
            suppress=policy.suppress,
            daily=policy.daily,
            most=policy.most,
            version=policy.version,
            updated_at=DateTime(policy.updated_at),
            last_run_at=DateTime(policy.last_run_at) if policy.last_run_at else None,
            policy=policy,
        )
