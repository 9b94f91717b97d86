"""Finding operations, for those who may see them."""

import strawberry

from api.graphql.context import Context
from api.graphql.operations.types import Operation
from api.graphql.relay import decode_id
from api.graphql.scopes import Scope, holds
from oneid.domain import operations as domain
from oneid.domain.keys import Actor
from oneid.errors import NotFound


def may_see(actor: Actor, operation: domain.Operation) -> bool:
    """Whether the actor holds the scope that the operation was given when it was started."""
    return holds(actor, Scope(operation.scope))


def may_cancel(actor: Actor, operation: domain.Operation) -> bool:
    """Whether the actor may end it: who started it may, and who may change customers."""
    return operation.actor == actor.id or holds(actor, Scope.CUSTOMERS_WRITE)


def operation_key(id_: strawberry.ID) -> str:
    """The key in an operation's global id. Raises NotFound."""
    kind, key = decode_id(id_) or ("", "")
    if kind != "Operation":
        raise NotFound("there is no such operation", field=("id",))
    return key


async def visible(context: Context, key: str) -> domain.Operation | None:
    """The operation; None if there is none, or none that this caller may see, which reads the same."""
    operation = await context.loaders.operations.load(key)
    return operation if operation and may_see(context.actor, operation) else None


async def operation_node(context: Context, key: str) -> Operation | None:
    operation = await visible(context, key)
    return Operation.from_domain(operation) if operation else None
