"""Typed decorators for resolvers. Root fields can't be declared without a scope."""

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry
from strawberry.extensions import FieldExtension

from api.graphql.charges import charged
from api.graphql.scopes import EveryKey, Scope, needs

Resolver = TypeVar("Resolver", bound=Callable[..., Any])


def field(
    description: str, *, weight: int | None = None, size: int | None = None
) -> Callable[[Resolver], Resolver]:
    """A field with a resolver; `weight` and `size`: what it costs (`charged`)."""
    return _typed(strawberry.field(description=description, metadata=charged(weight, size)))


def root(
    description: str, scope: Scope | EveryKey, *, weight: int | None = None, size: int | None = None
) -> Callable[[Resolver], Resolver]:
    """A field of Query, for keys that hold the scope; `weight` and `size`: what it costs (`charged`)."""
    metadata = {**needs(scope), **charged(weight, size)}
    return _typed(strawberry.field(description=description, metadata=metadata))


def mutation(description: str, scope: Scope | EveryKey) -> Callable[[Resolver], Resolver]:
    """A field of Mutation, for keys that hold the scope. What its answer shows is read after it is done."""
    return _typed(strawberry.field(description=description, metadata=needs(scope), extensions=[ReadAnew()]))


class ReadAnew(FieldExtension):
    """Drops what was read before a mutation of the same operation."""

    async def resolve_async(self, next_: Any, source: Any, info: strawberry.Info, **kwargs: Any) -> Any:
        try:
            return await next_(source, info, **kwargs)
        finally:
            info.context.forget()


def feed(description: str, scope: Scope | EveryKey) -> Callable[[Resolver], Resolver]:
    """A field of Subscription, for keys that hold the scope."""
    return _typed(strawberry.subscription(description=description, metadata=needs(scope)))


def _typed(decorator: Any) -> Callable[[Resolver], Resolver]:
    """strawberry's decorators return Any, which strict type checking refuses."""

    def decorate(resolver: Resolver) -> Resolver:
        decorated: Resolver = decorator(resolver)
        return decorated

    return decorate
