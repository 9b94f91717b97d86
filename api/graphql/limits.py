"""Limits on the shape of a document, judged on the syntax tree before validation.

Each fragment is measured once, so fragments that spread each other twice a hundred levels deep cost nothing.
Depth and aliases are those of the expanded document. Introspection is exempt from the depth limit: graphql-core
bounds it itself.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from graphql import (
    DefinitionNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """Highest allowed values. `duplicates`: the same answer key in one selection, which graphql-core compares
    pair by pair."""

    depth: int = 12
    aliases: int = 15
    tokens: int = 2000
    directives: int = 50
    directives_per_node: int = 3
    duplicates: int = 20
    cost: int = 10_000


LIMITS: Final = Limits()


class Size(NamedTuple):
    """Measures of a selection with its fragments expanded."""

    depth: int = 0
    aliases: int = 0
    directives: int = 0
    directives_per_node: int = 0
    duplicates: int = 0

    def beside(self, other: "Size") -> "Size":
        return Size(
            max(self.depth, other.depth),
            self.aliases + other.aliases,
            self.directives + other.directives,
            max(self.directives_per_node, other.directives_per_node),
            max(self.duplicates, other.duplicates),
        )


@dataclass(slots=True)
class Measure:
    """Measures the operations of one document."""

    fragments: dict[str, FragmentDefinitionNode]
    known: dict[str, Size] = field(default_factory=dict[str, Size])

    def definition(self, node: OperationDefinitionNode | FragmentDefinitionNode) -> Size:
        return self._node(node).beside(self._selections(node.selection_set))

    def _selections(self, selections: SelectionSetNode) -> Size:
        size = Size(duplicates=most_repeated(selections))
        for selection in selections.selections:
            size = size.beside(self._selection(selection))
        return size

    def _selection(self, node: SelectionNode) -> Size:
        if isinstance(node, FieldNode):
            return self._node(node).beside(self._field(node))
        if isinstance(node, InlineFragmentNode):
            return self._node(node).beside(self._selections(node.selection_set))
        if isinstance(node, FragmentSpreadNode):
            return self._node(node).beside(self._fragment(node.name.value))
        return Size()

    def _field(self, node: FieldNode) -> Size:
        below = self._selections(node.selection_set) if node.selection_set else Size()
        depth = 0 if node.name.value.startswith("__") else 1 + below.depth
        return below._replace(depth=depth, aliases=below.aliases + (node.alias is not None))

    def _fragment(self, name: str) -> Size:
        if name not in self.known and name in self.fragments:
            self.known[name] = Size()  # A cycle adds nothing here; validation names it.
            self.known[name] = self.definition(self.fragments[name])
        return self.known.get(name, Size())

    @staticmethod
    def _node(
        node: OperationDefinitionNode | FragmentDefinitionNode | SelectionNode,
    ) -> Size:
        count = len(node.directives or ())
        return Size(directives=count, directives_per_node=count)


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    """Fragment definitions by name."""
    return {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}


def most_repeated(selections: SelectionSetNode) -> int:
    """How often the most repeated answer key or spread stands in one selection, inline fragments included."""
    return max(Counter(_keys(selections.selections)).values(), default=0)


def _keys(selections: Iterable[SelectionNode]) -> Iterator[str]:
    for node in selections:
        if isinstance(node, FieldNode):
            yield (node.alias or node.name).value
        elif isinstance(node, FragmentSpreadNode):
            yield f"...{node.name.value}"
        elif isinstance(node, InlineFragmentNode):
            yield from _keys(node.selection_set.selections)


def over_limit(document: DocumentNode, limits: Limits = LIMITS) -> GraphQLError | None:
    """The first limit that a definition of the document passes, None if it keeps all."""
    measure = Measure(fragments_of(document))
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
            size = measure.definition(definition)
            for name in Size._fields:
                if getattr(size, name) > getattr(limits, name):
                    return _refusal(name, getattr(limits, name), [definition])
    return None


def _refusal(name: str, limit: int, nodes: Sequence[DefinitionNode]) -> GraphQLError:
    what = {
        "depth": f"the operation nests deeper than {limit} levels",
        "aliases": f"the operation uses more than {limit} aliases",
        "directives": f"the operation uses more than {limit} directives",
        "directives_per_node": f"one place has more than {limit} directives",
        "duplicates": f"the same field stands more than {limit} times in one selection",
    }
    return GraphQLError(what[name], nodes)
