"""Setting and running retention policies."""

import strawberry

from api.graphql.arguments import InputOf
from api.graphql.context import Info
from api.graphql.errors import BUSINESS, UserError
from api.graphql.fields import root
from api.graphql.operations.types import Operation
from api.graphql.retention.types import RetentionPolicy
from api.graphql.scopes import Scope
from api.graphql.segments.rules import SegmentRule
from oneid.domain import retention


@strawberry.input(description="A retention policy; the one of its key is replaced.")
class SetRetentionPolicyInput:
    key: str = strawberry.field(description="Its name in code.")
    name: str = strawberry.field(description="Its name for people.")
    rule: SegmentRule = strawberry.field(description="Whom it erases.")
    suppress: bool = strawberry.field(default=False, description="Whether who is erased is kept away, too.")
    daily: bool = strawberry.field(
        default=False, description="Whether it runs by itself once a day; else when somebody asks."
    )
    most: int = strawberry.field(
        default=1_000,
        description="A run that would erase more erases nobody and fails: a wrong rule does no harm.",
    )

    def to_domain(self) -> retention.RetentionPolicy:
        return retention.RetentionPolicy(
            self.key, self.name, self.rule.to_domain(), self.suppress, self.daily, self.most
        )


@strawberry.type(description="The answer to setRetentionPolicy.")
class SetRetentionPolicyPayload:
    policy: RetentionPolicy | None = strawberry.field(description="The policy.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was saved; empty on success.")


@strawberry.input(description="A retention policy to delete.")
class DeleteRetentionPolicyInput:
    key: str = strawberry.field(description="Which.")


@strawberry.type(description="The answer to deleteRetentionPolicy.")
class DeleteRetentionPolicyPayload:
    deleted: bool = strawberry.field(description="Whether it is gone.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was deleted; empty on success.")


@strawberry.input(description="A retention policy to run now.")
class ApplyRetentionPolicyInput:
    key: str = strawberry.field(description="Which.")
    expected_count: int = strawberry.field(
        description="How many `preview` tells; refused with CONFLICT if it is another number by now."
    )


@strawberry.type(description="The answer to applyRetentionPolicy.")
class ApplyRetentionPolicyPayload:
    operation: Operation | None = strawberry.field(description="The work; null on failure.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was begun; empty on success.")


@strawberry.type
class RetentionMutations:
    @root("Sets a retention policy; nobody is erased by that.", Scope.ADMIN)
    async def set_retention_policy(
        self, info: Info, input: InputOf[SetRetentionPolicyInput]
    ) -> SetRetentionPolicyPayload:
        try:
            policy = await info.context.services.retention.define(input.to_domain())
        except BUSINESS as error:
            return SetRetentionPolicyPayload(policy=None, user_errors=[UserError.from_domain(error)])
        return SetRetentionPolicyPayload(policy=RetentionPolicy.from_domain(policy), user_errors=[])

    @root("Deletes a retention policy; whom it erased stays erased.", Scope.ADMIN)
    async def delete_retention_policy(
        self, info: Info, input: InputOf[DeleteRetentionPolicyInput]
    ) -> DeleteRetentionPolicyPayload:
        try:
            await info.context.services.retention.delete(input.key)
        except BUSINESS as error:
            return DeleteRetentionPolicyPayload(deleted=False, user_errors=[UserError.from_domain(error)])
        return DeleteRetentionPolicyPayload(deleted=True, user_errors=[])

    @root("Erases whom a retention policy is due for, one after the other.", Scope.ADMIN)
    async def apply_retention_policy(
        self, info: Info, input: InputOf[ApplyRetentionPolicyInput]
    ) -> ApplyRetentionPolicyPayload:
        try:
            operation = await info.context.services.retention.start(input.key, input.expected_count)
        except BUSINESS as error:
            return ApplyRetentionPolicyPayload(operation=None, user_errors=[UserError.from_domain(error)])
        return ApplyRetentionPolicyPayload(operation=Operation.from_domain(operation), user_errors=[])
