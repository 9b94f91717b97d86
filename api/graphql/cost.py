"""What an operation may cost at most, known before anything runs.

An object costs 1, a total count 1, a scalar nothing, a mutation 10; what stands under a page counts as often as
the page is long, with the values of variables. Fields are collected as execution does for each type that an
object may have, so a field that stands twice counts once, and of several possible types the most expensive one
counts. `@skip` and `@include` are not looked at.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    NamedTypeNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    value_from_ast_untyped,
)

from api.graphql.relay import DEFAULT_PAGE, MAX_PAGE
from api.graphql.scopes import Scope, scope_of

MUTATION_COST: Final = 10
PAGE_FIELDS: Final = frozenset({"nodes", "edges"})
COUNT_FIELD: Final = "totalCount"

META_FIELDS: Final = frozenset({"__typename", "__schema", "__type"})
"""They cost nothing: graphql-core bounds introspection itself."""

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
    """A field's own cost, and how often what stands under it counts. `below`: the fields under it, for each type
    that it may have."""

    weight: int
    size: Size = ONE
    below: "tuple[tuple[Term, ...], ...]" = ()

    def cost(self, values: Mapping[str, Any]) -> int:
        below = max((total(terms, values) for terms in self.below), default=0)
        return self.weight + below if self.size is ONE else self.size.resolve(values) * (self.weight + below)


def total(terms: Iterable[Term], values: Mapping[str, Any]) -> int:
    return sum(term.cost(values) for term in terms)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one operation needs: a scope for each root field, and its cost."""

    operation: OperationType
    scopes: tuple[tuple[str, Scope | None], ...]
    terms: tuple[Term, ...]
    defaults: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def cost(self, variables: Mapping[str, Any] | None) -> int:
        values = {**self.defaults, **(variables or {})}
        return total(self.terms, values)


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans the operations of one valid document."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]

    def plan(self, operation: OperationDefinitionNode) -> Plan:
        root = self.schema.get_root_type(operation.operation)
        assert root is not None, "validation refuses operations that the schema has not"
        fields = self._collect(root, [operation.selection_set])
        names = {nodes[0].name.value for nodes in fields.values()} - META_FIELDS
        return Plan(
            operation.operation,
            tuple((name, scope_of(root.fields[name])) for name in sorted(names)),
            tuple(self._terms(root, fields, ONE)),
            dict(defaults(operation)),
        )

    def _terms(self, parent: GraphQLObjectType, fields: Fields, page: Size) -> Iterator[Term]:
        for nodes in fields.values():
            if (name := nodes[0].name.value) not in META_FIELDS:
                yield self._term(parent, parent.fields[name], nodes, page)

    def _term(
        self, parent: GraphQLObjectType, definition: GraphQLField, nodes: list[FieldNode], page: Size
    ) -> Term:
        name = nodes[0].name.value
        if not is_composite_type(get_named_type(definition.type)):
            return Term(1 if name == COUNT_FIELD else 0)
        weight = MUTATION_COST if parent is self.schema.mutation_type else 1
        size = page if name in PAGE_FIELDS and page is not ONE else listed(nodes[0])
        return Term(weight, size, tuple(self._below(definition, nodes)))

    def _below(self, definition: GraphQLField, nodes: list[FieldNode]) -> Iterator[tuple[Term, ...]]:
        """What stands under a field, for each type that it may have."""
        size = paged(definition, nodes[0])
        for kind in self._possible(definition):
            fields = self._collect(kind, (node.selection_set for node in nodes))
            yield tuple(self._terms(kind, fields, size))

    def _possible(self, definition: GraphQLField) -> list[GraphQLObjectType]:
        kind = get_named_type(definition.type)
        if is_abstract_type(kind):
            return list(self.schema.get_possible_types(kind))
        assert isinstance(kind, GraphQLObjectType)
        return [kind]

    def _collect(self, kind: GraphQLObjectType, selections: Iterable[SelectionSetNode | None]) -> Fields:
        fields: Fields = {}
        seen: set[str] = set()
        for selection in selections:
            if selection is not None:
                self._into(fields, kind, selection, seen)
        return fields

    def _into(
        self, fields: Fields, kind: GraphQLObjectType, selections: SelectionSetNode, seen: set[str]
    ) -> None:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                fields.setdefault((node.alias or node.name).value, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                if self._applies(node.type_condition, kind):
                    self._into(fields, kind, node.selection_set, seen)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                fragment = self.fragments[node.name.value]
                if self._applies(fragment.type_condition, kind):
                    self._into(fields, kind, fragment.selection_set, seen)

    def _applies(self, condition: NamedTypeNode | None, kind: GraphQLObjectType) -> bool:
        """Whether an object of this type is asked for what stands in a fragment."""
        if condition is None or condition.name.value == kind.name:
            return True
        wanted = self.schema.get_type(condition.name.value)
        return is_abstract_type(wanted) and self.schema.is_sub_type(wanted, kind)


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
