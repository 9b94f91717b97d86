"""Typed decorators for resolvers. Root fields can't be declared without a scope."""

from collections.abc import Callable
from typing import Any, TypeVar

import strawberry

from api.graphql.scopes import Scope, needs

Resolver = TypeVar("Resolver", bound=Callable[..., Any])


def field(description: str) -> Callable[[Resolver], Resolver]:
    """A field with a resolver."""
    return _typed(strawberry.field(description=description))


def root(description: str, scope: Scope) -> Callable[[Resolver], Resolver]:
    """A field of Query or Mutation, for keys that hold the scope."""
    return _typed(strawberry.field(description=description, metadata=needs(scope)))


def feed(description: str, scope: Scope) -> Callable[[Resolver], Resolver]:
    """A field of Subscription, for keys that hold the scope."""
    return _typed(strawberry.subscription(description=description, metadata=needs(scope)))


def _typed(decorator: Any) -> Callable[[Resolver], Resolver]:
    """strawberry's decorators return Any, which strict type checking refuses."""

    def decorate(resolver: Resolver) -> Resolver:
        decorated: Resolver = decorator(resolver)
        return decorated

    return decorate
