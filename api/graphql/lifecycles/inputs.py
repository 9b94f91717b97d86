"""What the mutations of lifecycles take."""

from enum import Enum

import strawberry

from api.graphql.customers.inputs import CustomerLookup
from api.graphql.segments.rules import SegmentRule
from oneid.domain.lifecycle_templates import TEMPLATES, Template, leads
from oneid.domain.segments.operators import MAX_DAYS, whole
from oneid.errors import InvalidInput
from oneid.services.lifecycles import NewStage


@strawberry.input(description="A stage of a lifecycle.")
class LifecycleStageInput:
    key: str = strawberry.field(description="Its name in code; customers stay in a stage by its key.")
    name: str = strawberry.field(description="Its name for people.")
    rule: SegmentRule = strawberry.field(description="Whom it is for; no stage of the same lifecycle.")
    from_: list[str] | None = strawberry.field(
        name="from",
        default=None,
        description="The stages that one may come from; default: those before it.",
    )


@strawberry.input(description="A lifecycle; the one of its key is replaced.")
class DefineLifecycleInput:
    key: str = strawberry.field(description="Its name in code.")
    name: str = strawberry.field(description="Its name for people.")
    stages: list[LifecycleStageInput] = strawberry.field(
        description="2 to 30, in order: of several that fit the last counts."
    )

    def to_domain(self) -> tuple[str, str, list[NewStage]]:
        stages = [
            NewStage(
                stage.key,
                stage.name,
                stage.rule.to_domain(),
                None if stage.from_ is None else tuple(stage.from_),
            )
            for stage in self.stages
        ]
        return self.key, self.name, stages


@strawberry.enum(description="A ready-made lifecycle.")
class LifecycleTemplate(Enum):
    AISAS = strawberry.enum_value("AISAS", description="Attention, interest, search, action, share.")
    LEAD = strawberry.enum_value("LEAD", description="潜客, 停止触达 (did nothing for `quietDays`), 客户.")
    RETAIL = strawberry.enum_value("RETAIL", description="潜客, 新客, 活跃, 沉睡, 流失.")


@strawberry.input(description="Which ready-made lifecycle to install.")
class InstallLifecycleInput:
    template: LifecycleTemplate = strawberry.field(description="Which.")
    quiet_days: int | None = strawberry.field(
        default=None, description="Of LEAD: after so many days without any event a lead is suppressed; 60."
    )

    def to_domain(self) -> Template:
        """Raises InvalidInput."""
        if self.quiet_days is None:
            return TEMPLATES[self.template.name]
        if self.template is not LifecycleTemplate.LEAD:
            raise InvalidInput("only LEAD has days of quiet", field=("quietDays",))
        if not whole(self.quiet_days, 1, MAX_DAYS):
            raise InvalidInput(f"must be a whole number of days, 1 to {MAX_DAYS}", field=("quietDays",))
        return leads(self.quiet_days)


@strawberry.input(description="A stage to put a customer into.")
class MoveToStageInput:
    customer: CustomerLookup = strawberry.field(description="Whom.")
    lifecycle: str = strawberry.field(description="The lifecycle's key.")
    stage: str = strawberry.field(description="The stage's key.")
    reason: str = strawberry.field(description="Why; it is kept.")
    force: bool = strawberry.field(
        default=False, description="Also where one may not go from where the customer is."
    )
