"""Defining lifecycles, and moving customers by hand."""

import strawberry

from api.graphql.arguments import InputOf
from api.graphql.context import Info
from api.graphql.errors import BUSINESS, UserError
from api.graphql.fields import mutation
from api.graphql.lifecycles.inputs import (
    DefineLifecycleInput,
    InstallLifecycleInput,
    MoveToStageInput,
)
from api.graphql.lifecycles.types import Lifecycle
from api.graphql.scopes import Scope
from oneid.services.lifecycles import NewStage


@strawberry.type(description="The answer to defineLifecycle.")
class DefineLifecyclePayload:
    lifecycle: Lifecycle | None = strawberry.field(description="The lifecycle.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was saved; empty on success.")


@strawberry.type(description="The answer to installLifecycle.")
class InstallLifecyclePayload:
    lifecycle: Lifecycle | None = strawberry.field(description="The lifecycle, as it is now.")
    user_errors: list[UserError] = strawberry.field(
        description="Why nothing was installed; empty on success."
    )


@strawberry.type(description="The answer to moveToStage.")
class MoveToStagePayload:
    lifecycle: Lifecycle | None = strawberry.field(description="The lifecycle.")
    user_errors: list[UserError] = strawberry.field(description="Why nobody was moved; empty on success.")


@strawberry.type
class LifecycleMutations:
    @mutation("Defines a lifecycle; customers come to their stages at once.", Scope.SEGMENTS_WRITE)
    async def define_lifecycle(
        self, info: Info, input: InputOf[DefineLifecycleInput]
    ) -> DefineLifecyclePayload:
        try:
            lifecycle = await info.context.services.lifecycles.define(
                *input.to_domain(), personal=info.context.pii
            )
        except BUSINESS as error:
            return DefineLifecyclePayload(lifecycle=None, user_errors=[UserError.from_domain(error)])
        return DefineLifecyclePayload(lifecycle=Lifecycle.from_domain(lifecycle), user_errors=[])

    @mutation("Installs a ready-made lifecycle; one of its key that is there stays.", Scope.SEGMENTS_WRITE)
    async def install_lifecycle(
        self, info: Info, input: InputOf[InstallLifecycleInput]
    ) -> InstallLifecyclePayload:
        service = info.context.services.lifecycles
        try:
            template = input.to_domain()
            stages = [NewStage(one.key, one.name, one.rule, one.sources) for one in template.stages]
            known = [one for one in await service.all() if one.key == template.key]
            lifecycle = (
                known[0]
                if known
                else await service.define(template.key, template.name, stages, personal=True)
            )
        except BUSINESS as error:
            return InstallLifecyclePayload(lifecycle=None, user_errors=[UserError.from_domain(error)])
        return InstallLifecyclePayload(lifecycle=Lifecycle.from_domain(lifecycle), user_errors=[])

    @mutation("Puts a customer into a stage by hand, which is kept with its reason.", Scope.CUSTOMERS_WRITE)
    async def move_to_stage(self, info: Info, input: InputOf[MoveToStageInput]) -> MoveToStagePayload:
        try:
            record = await input.customer.get(info.context, "customer")
            lifecycle, _ = await info.context.services.lifecycles.move(
                record.one_id, input.lifecycle, input.stage, input.reason, force=input.force
            )
        except BUSINESS as error:
            return MoveToStagePayload(lifecycle=None, user_errors=[UserError.from_domain(error)])
        return MoveToStagePayload(lifecycle=Lifecycle.from_domain(lifecycle), user_errors=[])
