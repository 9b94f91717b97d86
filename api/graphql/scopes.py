"""Which scope a root field needs. A field that declares none is closed to everybody."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

from graphql import GraphQLField
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.types.field import StrawberryField

from oneid.domain.keys import Actor
from oneid.errors import Forbidden


class Scope(StrEnum):
    INGEST_WRITE = "ingest:write"
    CUSTOMERS_READ = "customers:read"
    CUSTOMERS_WRITE = "customers:write"
    PII_READ = "pii:read"
    SEGMENTS_READ = "segments:read"
    SEGMENTS_WRITE = "segments:write"
    ANALYTICS_READ = "analytics:read"
    ADMIN = "admin"


METADATA_KEY: Final = "scope"


def needs(scope: Scope) -> dict[Any, Any]:
    """Metadata of a root field: `strawberry.field(metadata=needs(Scope.CUSTOMERS_READ))`."""
    return {METADATA_KEY: scope}


def scope_of(field: GraphQLField) -> Scope | None:
    """The scope that a root field declares."""
    definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    return definition.metadata.get(METADATA_KEY) if isinstance(definition, StrawberryField) else None


def holds(actor: Actor, scope: Scope) -> bool:
    """`admin` implies every scope."""
    return scope in actor.scopes or Scope.ADMIN in actor.scopes


def authorise(actor: Actor, needed: Iterable[tuple[str, Scope | None]]) -> None:
    """Refuses the whole operation unless the actor may use each (root field, scope). Raises Forbidden."""
    for name, scope in needed:
        if scope is None or not holds(actor, scope):
            raise Forbidden(f"{name} needs the scope {scope or 'that nobody has'}")
