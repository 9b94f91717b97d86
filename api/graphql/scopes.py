"""Which scope a root field needs, and which the types behind it. A root field that declares none is closed to
everybody."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any, Final, Literal, TypeAlias

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


EveryKey: TypeAlias = Literal["every key"]
EVERY_KEY: Final[EveryKey] = "every key"
"""In place of a scope, where each object that is found has a scope of its own."""

Needed: TypeAlias = tuple[str, Scope | EveryKey | None]
"""What is asked for, and the scope that opens it; None: nothing does."""

METADATA_KEY: Final = "scope"

TYPE_SCOPES: Final[Mapping[str, Scope]] = {
    **dict.fromkeys(("Customer", "Household", "Event", "MergeProposal"), Scope.CUSTOMERS_READ),
    **dict.fromkeys(
        ("Segment", "Tag", "TagAssignment", "Lifecycle", "LifecyclePosition", "ScoreModel", "ScoreCard"),
        Scope.SEGMENTS_READ,
    ),
}
"""What shows objects of a type, wherever they stand. Operations have each a scope of its own."""

HANDLES: Final = frozenset({"__typename", "id", "oneId", "key", "path", "version"})
"""What the answer to a mutation shows of such an object without the scope: enough to name what was written."""


def needs(scope: Scope | EveryKey) -> dict[Any, Any]:
    """Metadata of a root field: `strawberry.field(metadata=needs(Scope.CUSTOMERS_READ))`."""
    return {METADATA_KEY: scope}


def metadata_of(field: GraphQLField) -> Mapping[Any, Any]:
    """What a field was declared with."""
    definition = field.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    return definition.metadata if isinstance(definition, StrawberryField) else {}


def scope_of(field: GraphQLField) -> Scope | EveryKey | None:
    """The scope that a root field declares."""
    return metadata_of(field).get(METADATA_KEY)


def holds(actor: Actor, scope: Scope | EveryKey) -> bool:
    """`admin` implies every scope."""
    return scope == EVERY_KEY or not actor.scopes.isdisjoint((scope, Scope.ADMIN))


def may_see(actor: Actor, kind: str) -> bool:
    """Whether objects of a type are shown to the actor."""
    return kind not in TYPE_SCOPES or holds(actor, TYPE_SCOPES[kind])


def authorise(actor: Actor, needed: Iterable[Needed]) -> None:
    """Refuses the whole operation unless the actor may use all that it asks for. Raises Forbidden."""
    for name, scope in needed:
        if scope is None or not holds(actor, scope):
            raise Forbidden(f"{name} needs the scope {scope or 'that nobody has'}")
