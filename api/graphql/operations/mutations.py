"""Cancelling operations."""

import strawberry

from api.graphql.arguments import InputOf
from api.graphql.context import Info
from api.graphql.errors import BUSINESS, UserError
from api.graphql.fields import mutation
from api.graphql.operations.queries import may_cancel, operation_key, visible
from api.graphql.operations.types import Operation
from api.graphql.scopes import EVERY_KEY
from oneid.errors import Forbidden, NotFound


@strawberry.input(description="An operation to end.")
class CancelOperationInput:
    id: strawberry.ID = strawberry.field(description="The operation's global id.")


@strawberry.type(description="The answer to cancelOperation.")
class CancelOperationPayload:
    operation: Operation | None = strawberry.field(
        description="The operation; one that is RUNNING ends soon. Null if there is none."
    )
    user_errors: list[UserError] = strawberry.field(description="Why it was not cancelled; empty on success.")


@strawberry.type
class OperationMutations:
    @mutation(
        "Ends an operation: at once if it was not begun, else at its next step. For the key that started it, and "
        "for those that hold `customers:write`.",
        EVERY_KEY,
    )
    async def cancel_operation(
        self, info: Info, input: InputOf[CancelOperationInput]
    ) -> CancelOperationPayload:
        try:
            known = await visible(info.context, operation_key(input.id))
            if known is None:
                raise NotFound("there is no such operation", field=("id",))
            if not may_cancel(info.context.actor, known):
                raise Forbidden("only the key that started it, or one with customers:write, may end it")
            cancelled = await info.context.services.operations.cancel(known.id)
        except BUSINESS as error:
            return CancelOperationPayload(operation=None, user_errors=[UserError.from_domain(error)])
        return CancelOperationPayload(operation=Operation.from_domain(cancelled), user_errors=[])
