"""What an operation may cost at most, known before anything runs.

An object costs 1, a total count 1, a scalar nothing, a mutation 10; what stands under a page counts as often as
the page is long, with the values of variables. Fields are collected as execution does, so a field that stands
twice counts once. `@skip` and `@include` are not looked at.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    value_from_ast_untyped,
)

from api.graphql.relay import DEFAULT_PAGE, MAX_PAGE
from api.graphql.scopes import Scope, scope_of

MUTATION_COST: Final = 10
PAGE_FIELDS: Final = frozenset({"nodes", "edges"})
COUNT_FIELD: Final = "totalCount"

Composite = GraphQLObjectType | GraphQLInterfaceType
Fields = dict[str, list[FieldNode]]


@dataclass(frozen=True, slots=True)
class Size:
    """How many entries there will be: a constant, or what the first variable with a value says."""

    constant: int = 1
    variables: tuple[str, ...] = ()

    def resolve(self, values: Mapping[str, Any]) -> int:
        given = (values.get(name) for name in self.variables)
        return next((length(value) for value in given if value is not None), self.constant)


ONE: Final = Size()


@dataclass(frozen=True, slots=True)
class Term:
    """A field's own cost, and how often what stands under it counts."""

    weight: int
    size: Size = ONE
    below: "tuple[Term, ...]" = ()

    def cost(self, values: Mapping[str, Any]) -> int:
        below = sum(term.cost(values) for term in self.below)
        return self.weight + below if self.size is ONE else self.size.resolve(values) * (self.weight + below)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one operation needs: a scope for each root field, and its cost."""

    operation: OperationType
    scopes: tuple[tuple[str, Scope | None], ...]
    terms: tuple[Term, ...]
    defaults: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def cost(self, variables: Mapping[str, Any] | None) -> int:
        values = {**self.defaults, **(variables or {})}
        return sum(term.cost(values) for term in self.terms)


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans the operations of one valid document."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]

    def plan(self, operation: OperationDefinitionNode) -> Plan:
        root = self.schema.get_root_type(operation.operation)
        assert root is not None, "validation refuses operations that the schema has not"
        fields = self._collect([operation.selection_set])
        names = {nodes[0].name.value for nodes in fields.values()}
        return Plan(
            operation.operation,
            tuple((name, scope_of(root.fields[name])) for name in sorted(names) if name in root.fields),
            tuple(self._terms(root, fields, ONE)),
            dict(defaults(operation)),
        )

    def _terms(self, parent: Composite, fields: Fields, page: Size) -> Iterator[Term]:
        for nodes in fields.values():
            definition = parent.fields.get(nodes[0].name.value)
            if definition is not None:
                yield self._term(parent, definition, nodes, page)

    def _term(self, parent: Composite, definition: GraphQLField, nodes: list[FieldNode], page: Size) -> Term:
        name = nodes[0].name.value
        kind = get_named_type(definition.type)
        if not isinstance(kind, Composite):
            return Term(1 if name == COUNT_FIELD else 0)
        weight = MUTATION_COST if parent is self.schema.mutation_type else 1
        size = page if name in PAGE_FIELDS and page is not ONE else listed(nodes[0])
        below = self._collect(node.selection_set for node in nodes)
        return Term(weight, size, tuple(self._terms(kind, below, paged(definition, nodes[0]))))

    def _collect(self, selections: Iterable[SelectionSetNode | None]) -> Fields:
        fields: Fields = {}
        seen: set[str] = set()
        for selection in selections:
            if selection is not None:
                self._into(fields, selection, seen)
        return fields

    def _into(self, fields: Fields, selections: SelectionSetNode, seen: set[str]) -> None:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                fields.setdefault((node.alias or node.name).value, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                self._into(fields, node.selection_set, seen)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                self._into(fields, self.fragments[node.name.value].selection_set, seen)


def defaults(operation: OperationDefinitionNode) -> Iterator[tuple[str, Any]]:
    """Default values of the operation's variables."""
    for definition in operation.variable_definitions or ():
        if definition.default_value is not None:
            yield definition.variable.name.value, value_from_ast_untyped(definition.default_value)


def paged(definition: GraphQLField, node: FieldNode) -> Size:
    """The page length of a connection field; ONE for others."""
    if "first" not in definition.args:
        return ONE
    return size_of([node_value(node, name) for name in ("first", "last")], DEFAULT_PAGE)


def listed(node: FieldNode) -> Size:
    """The length of a list that its `ids` decide; ONE for others."""
    ids = node_value(node, "ids")
    return size_of([ids], MAX_PAGE) if ids is not None else ONE


def size_of(values: list[ValueNode | None], otherwise: int) -> Size:
    """What these argument values, the first given one deciding, make of a length."""
    given = [value for value in values if value is not None]
    variables = tuple(value.name.value for value in given if isinstance(value, VariableNode))
    constants = [length(value_from_ast_untyped(v)) for v in given if not isinstance(v, VariableNode)]
    return Size(constants[0] if constants else otherwise, variables)


def node_value(node: FieldNode, name: str) -> ValueNode | None:
    return next((a.value for a in node.arguments or () if a.name.value == name), None)


def length(value: Any) -> int:
    """A page argument's length: of a number itself, of a list its own. What is no length counts as a page."""
    if isinstance(value, list):
        items: list[object] = value
        return len(items)
    return min(max(value, 0), MAX_PAGE) if isinstance(value, int) else MAX_PAGE
