"""What an operation may cost at most, known before anything runs.

An object costs 1, a total count 1, a scalar nothing, a mutation 10, and more what asks a store by itself (`charges`);
what stands under a page counts as often as the page is long, with the values of variables. Fields are collected as
execution does for each type that an object may have, so a field that stands twice counts once, and of several
possible types the most expensive one counts. `@skip` and `@include` are not looked at.
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
    GraphQLType,
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
    is_input_type,
    type_from_ast,
    value_from_ast_untyped,
)

from api.graphql.charges import SIZE, WEIGHT
from api.graphql.relay import DEFAULT_PAGE, MAX_PAGE
from api.graphql.scopes import HANDLES, TYPE_SCOPES, Needed, metadata_of, scope_of

MUTATION_COST: Final = 10
COUNT_FIELD: Final = "totalCount"
DEFAULT_SAMPLE: Final = 10

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
class Page:
    """How long the lists of these names are that stand under a field."""

    size: Size = ONE
    names: frozenset[str] = frozenset()


NO_PAGE: Final = Page()


@dataclass(frozen=True, slots=True)
class Term:
    """A field's own cost, and what each of its entries costs: `each`, and the fields under it, for each type that an
    entry may have."""

    own: int = 0
    each: int = 0
    size: Size = ONE
    below: "tuple[tuple[Term, ...], ...]" = ()

    def cost(self, values: Mapping[str, Any]) -> int:
        below = max((total(terms, values) for terms in self.below), default=0)
        return self.own + self.size.resolve(values) * (self.each + below)


def total(terms: Iterable[Term], values: Mapping[str, Any]) -> int:
    return sum(term.cost(values) for term in terms)


@dataclass(frozen=True, slots=True)
class Plan:
    """What one operation needs: scopes for its root fields and for the types behind them, and its cost; `types`: of its
    variables."""

    operation: OperationType
    scopes: tuple[Needed, ...]
    terms: tuple[Term, ...]
    defaults: Mapping[str, Any] = field(default_factory=dict[str, Any])
    types: Mapping[str, GraphQLType] = field(default_factory=dict[str, GraphQLType])

    def cost(self, variables: Mapping[str, Any] | None) -> int:
        values = {**self.defaults, **(variables or {})}
        return total(self.terms, values)


@dataclass(slots=True)
class Planner:
    """Plans the operations of one valid document."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    _shown: set[Needed] = field(default_factory=set[Needed])

    def plan(self, operation: OperationDefinitionNode) -> Plan:
        root = self.schema.get_root_type(operation.operation)
        assert root is not None, "validation refuses operations that the schema has not"
        fields = self._collect(root, [operation.selection_set])
        names = {nodes[0].name.value for nodes in fields.values()} - META_FIELDS
        self._shown = set()
        terms = tuple(self._terms(root, fields, NO_PAGE))
        opened: list[Needed] = [(name, scope_of(root.fields[name])) for name in sorted(names)]
        scopes, types = (*opened, *sorted(self._shown)), dict(variable_types(self.schema, operation))
        return Plan(operation.operation, scopes, terms, dict(defaults(operation)), types)

    def _terms(self, parent: GraphQLObjectType, fields: Fields, page: Page) -> Iterator[Term]:
        for nodes in fields.values():
            if (name := nodes[0].name.value) not in META_FIELDS:
                yield self._term(parent, parent.fields[name], nodes, page)

    def _term(
        self, parent: GraphQLObjectType, definition: GraphQLField, nodes: list[FieldNode], page: Page
    ) -> Term:
        name, charges = nodes[0].name.value, metadata_of(definition)
        if not is_composite_type(get_named_type(definition.type)):
            return Term(charges.get(WEIGHT, 1 if name == COUNT_FIELD else 0))
        below = tuple(self._below(parent, definition, nodes))
        if parent is self.schema.mutation_type:
            return Term(own=MUTATION_COST, below=below)
        if name in page.names:
            return Term(each=1, size=page.size, below=below)
        if SIZE in charges:
            return Term(charges.get(WEIGHT, 0), 1, Size(charges[SIZE]), below)
        return Term(
            own=charges.get(WEIGHT, 0), each=int(WEIGHT not in charges), size=listed(nodes[0]), below=below
        )

    def _below(
        self, parent: GraphQLObjectType, definition: GraphQLField, nodes: list[FieldNode]
    ) -> Iterator[tuple[Term, ...]]:
        """What stands under a field, for each type that it may have."""
        page = paged(definition, nodes[0])
        for kind in self._possible(definition):
            fields = self._collect(kind, (node.selection_set for node in nodes))
            self._show(parent, definition, kind, fields)
            yield tuple(self._terms(kind, fields, page))

    def _show(
        self, parent: GraphQLObjectType, definition: GraphQLField, kind: GraphQLObjectType, fields: Fields
    ) -> None:
        """Notes the scope that shows a type, unless it shows no more than how the object is named: in the answer to
        a mutation, and of an interface, whose objects are looked at when they are found."""
        names = {nodes[0].name.value for nodes in fields.values()}
        answer = self._answers(parent) or is_abstract_type(get_named_type(definition.type))
        if kind.name in TYPE_SCOPES and not (answer and names <= HANDLES):
            self._shown.add((kind.name, TYPE_SCOPES[kind.name]))

    def _answers(self, kind: GraphQLObjectType) -> bool:
        """Whether a type is the answer to a mutation."""
        mutations = self.schema.mutation_type
        return mutations is not None and any(
            get_named_type(one.type) is kind for one in mutations.fields.values()
        )

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


def variable_types(
    schema: GraphQLSchema, operation: OperationDefinitionNode
) -> Iterator[tuple[str, GraphQLType]]:
    """The types of the operation's variables."""
    for definition in operation.variable_definitions or ():
        kind = type_from_ast(schema, definition.type)
        assert is_input_type(kind), "validation refuses variables of other types"
        yield definition.variable.name.value, kind


def paged(definition: GraphQLField, node: FieldNode) -> Page:
    """What the arguments of a field say of the lists under it."""
    if "first" in definition.args:
        given = [node_value(node, name) for name in ("first", "last")]
        return Page(size_of(given, DEFAULT_PAGE), frozenset({"nodes", "edges"}))
    if "sample" in definition.args:
        return Page(size_of([node_value(node, "sample")], DEFAULT_SAMPLE), frozenset({"sample"}))
    return NO_PAGE


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
