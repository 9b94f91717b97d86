"""No text that callers send may hold a NUL: much that reads it later ends there. Events alone are judged one by one."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLType,
    StringValueNode,
    Visitor,
    visit,
)

from oneid.errors import InvalidInput

MESSAGE: Final = "a text holds a NUL character"
DEPTH: Final = 300

Path = tuple[str, ...]


def refuse_nul(types: Mapping[str, GraphQLType], variables: Mapping[str, Any]) -> None:
    """Raises InvalidInput with the path to the first text with a NUL, and on what nests too deep to be looked at.
    `types`: of the variables, by name."""
    for name, kind in types.items():
        for path in _found(kind, variables.get(name), (name,)):
            raise InvalidInput(MESSAGE, field=path)


def literal_with_nul(document: DocumentNode) -> GraphQLError | None:
    """Why a document is refused that has such a text in itself."""
    seen = _Literals()
    visit(document, seen)
    return GraphQLError(MESSAGE, seen.found) if seen.found else None


class _Literals(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.found: StringValueNode | None = None

    def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
        if "\0" in node.value:
            self.found = node


def _found(kind: GraphQLType, value: object, path: Path) -> Iterator[Path]:
    """What has not its type is left to coercion, which refuses it."""
    _bound(path)
    if isinstance(kind, GraphQLNonNull):
        kind = cast("GraphQLNonNull[GraphQLInputObjectType]", kind).of_type
    if isinstance(kind, GraphQLList):
        inner = cast("GraphQLList[GraphQLType]", kind).of_type
        for number, item in enumerate(cast("list[object]", value) if isinstance(value, list) else [value]):
            yield from _found(inner, item, (*path, str(number)))
    elif isinstance(kind, GraphQLInputObjectType) and isinstance(value, dict):
        for name, given in cast("dict[str, object]", value).items():
            if name in kind.fields:
                yield from _found(kind.fields[name].type, given, (*path, name))
    elif isinstance(value, str) or (isinstance(kind, GraphQLScalarType) and kind.name == "JSON"):
        yield from _within(value, path)


def _bound(path: Path) -> None:
    if len(path) > DEPTH:
        raise InvalidInput(f"a variable nests deeper than {DEPTH} levels", field=path[:1])


def _within(value: object, path: Path) -> Iterator[Path]:
    """Of any JSON value."""
    _bound(path)
    if isinstance(value, str) and "\0" in value:
        yield path
    elif isinstance(value, list):
        for number, item in enumerate(cast("list[object]", value)):
            yield from _within(item, (*path, str(number)))
    elif isinstance(value, dict):
        for name, given in cast("dict[str, object]", value).items():
            yield from _within(name, path)
            yield from _within(given, (*path, name))
