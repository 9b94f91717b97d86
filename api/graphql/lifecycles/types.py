"""Lifecycles, who is where, and how that changes."""

from datetime import date
from typing import Annotated

import strawberry
from strawberry.scalars import JSON

from api.graphql.charges import QUERY
from api.graphql.context import Info
from api.graphql.fields import field
from api.graphql.relay import Node, encode_id
from api.graphql.scalars import DateTime
from api.graphql.segments.readable import readable
from api.graphql.segments.transitions import told
from oneid.domain import lifecycles
from oneid.errors import InvalidInput
from oneid.services.lifecycles import Flow

Day = Annotated[str, strawberry.argument(description="A day of the workspace's time zone: 2026-03-31.")]


@strawberry.type(description="A stage of a lifecycle.")
class LifecycleStage:
    key: str = strawberry.field(description="Its name in code.")
    name: str = strawberry.field(description="Its name for people.")
    from_: list[str] | None = strawberry.field(
        name="from", description="The stages that one may come from; null: those before it."
    )
    stage: strawberry.Private[lifecycles.Stage]

    @field("Whom it is for, as it was written. What personal data are compared with needs `pii:read`.")
    async def rule_json(self, info: Info) -> JSON:
        return await readable(info.context, self.stage.rule)


@strawberry.type(description="How many are in a stage.")
class StageCount:
    stage: str = strawberry.field(description="The stage's key.")
    count: int = strawberry.field(description="How many.")


@strawberry.type(description="How many were in which stage at the end of a day.")
class StageDay:
    day: str = strawberry.field(description="The day.")
    stages: list[StageCount] = strawberry.field(description="How many were in each stage, in order.")


@strawberry.type(description="How many go, or went, from one stage to another.")
class StageFlow:
    from_: str | None = strawberry.field(name="from", description="The stage; null: none.")
    to: str = strawberry.field(description="The stage.")
    count: int = strawberry.field(description="How many.")

    @classmethod
    def from_domain(cls, flow: Flow) -> "StageFlow":
        return cls(from_=flow.source, to=flow.target, count=flow.count)


@strawberry.type(description="A model of the stages of customers, which they come to by rules.")
class Lifecycle(Node):
    key: str = strawberry.field(description="Its name in code.")
    name: str = strawberry.field(description="Its name for people.")
    version: int = strawberry.field(description="Grows with each change.")
    stages: list[LifecycleStage] = strawberry.field(
        description="In order: of several that fit the last counts."
    )
    updated_at: DateTime = strawberry.field(description="When it was last changed.")
    lifecycle: strawberry.Private[lifecycles.Lifecycle]

    @field("How many are in each stage now, in order.", size=10)
    async def distribution(self, info: Info) -> list[StageCount]:
        found = await info.context.loaders.distributions.load(self.lifecycle)
        return [StageCount(stage=stage, count=count) for stage, count in found.items()]

    @field("How many were in each stage at the end of each day, at most 400.", weight=QUERY, size=100)
    async def trend(self, info: Info, since: Day, until: Day) -> list[StageDay]:
        days = day_of(since, "since"), day_of(until, "until")
        found = await info.context.services.lifecycles.trend(self.lifecycle, *days)
        return [
            StageDay(
                day=day.isoformat(),
                stages=[StageCount(stage=stage, count=count) for stage, count in counts.items()],
            )
            for day, counts in found.items()
        ]

    @field(
        "Of those in each stage at the end of the first day, how many were where at the end of the last.",
        weight=QUERY,
        size=20,
    )
    async def matrix(self, info: Info, since: Day, until: Day) -> list[StageFlow]:
        days = day_of(since, "since"), day_of(until, "until")
        found = await info.context.services.lifecycles.matrix(self.lifecycle, *days)
        return [StageFlow.from_domain(flow) for flow in found]

    @classmethod
    def from_domain(cls, lifecycle: lifecycles.Lifecycle) -> "Lifecycle":
        return cls(
            id=encode_id("Lifecycle", lifecycle.id),
            key=lifecycle.key,
            name=lifecycle.name,
            version=lifecycle.version,
            stages=[
                LifecycleStage(
                    key=stage.key,
                    name=stage.name,
                    from_=None if stage.sources is None else list(stage.sources),
                    stage=stage,
                )
                for stage in lifecycle.stages
            ],
            updated_at=DateTime(lifecycle.updated_at),
            lifecycle=lifecycle,
        )


@strawberry.type(description="Where a customer is in a lifecycle.")
class LifecyclePosition:
    lifecycle: Lifecycle = strawberry.field(description="The lifecycle.")
    stage: str = strawberry.field(description="The stage's key.")
    since: DateTime = strawberry.field(description="Since when.")
    manual: bool = strawberry.field(description="Whether somebody put the customer there.")

    @classmethod
    def from_domain(
        cls, lifecycle: lifecycles.Lifecycle, position: lifecycles.Position
    ) -> "LifecyclePosition":
        return cls(
            lifecycle=Lifecycle.from_domain(lifecycle),
            stage=position.stage,
            since=told(position.since),
            manual=position.manual,
        )


@strawberry.type(description="A customer went from one stage to another.")
class StageChange:
    id: strawberry.ID = strawberry.field(description="Good for dropping doubles.")
    lifecycle: Lifecycle = strawberry.field(description="The lifecycle.")
    from_: str | None = strawberry.field(name="from", description="The stage; null: none.")
    to: str = strawberry.field(description="The stage.")
    at: DateTime = strawberry.field(description="When, by the business clock.")
    manual: bool = strawberry.field(description="Whether somebody moved the customer.")
    reason: str | None = strawberry.field(
        description="What was given for a move by hand; `merged`: a merge made it."
    )

    @classmethod
    def from_domain(cls, lifecycle: lifecycles.Lifecycle, change: lifecycles.StageChange) -> "StageChange":
        return cls(
            id=strawberry.ID(change.id),
            lifecycle=Lifecycle.from_domain(lifecycle),
            from_=change.source,
            to=change.target,
            at=told(change.at),
            manual=change.manual,
            reason=change.reason,
        )


def day_of(text: str, name: str) -> date:
    """Raises InvalidInput."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput("must be a day such as 2026-03-31", field=(name,)) from None
