"""Following an operation."""

from collections.abc import AsyncIterator
from typing import Annotated

import strawberry

from api.graphql.context import Info
from api.graphql.fields import feed
from api.graphql.operations.queries import may_see, operation_key
from api.graphql.operations.types import Operation
from api.graphql.scopes import EVERY_KEY
from oneid.errors import NotFound


@strawberry.type
class OperationSubscriptions:
    @feed("The operation as it is, then after each change, until it has ended.", EVERY_KEY)
    async def operation_updated(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The operation's global id.")],
    ) -> AsyncIterator[Operation]:
        known = False
        async for operation in info.context.services.operations.watch(operation_key(id)):
            await info.context.check_key()
            if not may_see(info.context.actor, operation):
                break
            known = True
            yield Operation.from_domain(operation)
        if not known:
            raise NotFound("there is no such operation", field=("id",))
