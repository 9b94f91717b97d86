"""Prepared documents: parsed, validated and planned once, then served from memory.

Parsing and validating are nine tenths of a small operation. The cache holds what depends only on the text; rule
classes are built once at import, since a rule class built per request would never match a cached one.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

from graphql import (
    ASTValidationRule,
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    parse,
    specified_rules,
    validate,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from api.graphql.context import Context
from api.graphql.cost import Plan, Planner
from api.graphql.errors import CostExceeded
from api.graphql.limits import LIMITS, fragments_of, over_limit
from api.graphql.nul import literal_with_nul, refuse_nul
from api.graphql.scopes import authorise
from oneid.errors import InvalidInput, OneIdError, Throttled

if TYPE_CHECKING:
    from api.graphql.execution import AdminSchema

OPEN_RULES: Final[tuple[type[ASTValidationRule], ...]] = (
    *specified_rules,
    MaybeNullValidationRule,
    OneOfInputValidationRule,
)
CLOSED_RULES: Final = (*OPEN_RULES, NoSchemaIntrospectionCustomRule)

MAX_ERRORS: Final = 20
CACHED_DOCUMENTS: Final = 256
CACHED_LENGTH: Final = 8192
"""Longer texts are prepared each time: a stranger must not fill the memory with large trees."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A parsed document: why it is refused, else a plan for each operation by name ("" for none)."""

    document: DocumentNode
    errors: tuple[GraphQLError, ...]
    plans: Mapping[str, Plan]

    def plan(self, name: str | None) -> Plan | None:
        """The plan of the operation that will run."""
        if name is None and len(self.plans) == 1:
            return next(iter(self.plans.values()))
        return self.plans.get(name or "")


def prepare(schema: GraphQLSchema, text: str, introspection: bool) -> Prepared:
    """Parses, validates and plans. Raises GraphQLSyntaxError."""
    document = parse(text, max_tokens=LIMITS.tokens)
    refusal = over_limit(document)
    if refusal is not None:
        return Prepared(document, (refusal,), {})
    rules = OPEN_RULES if introspection else CLOSED_RULES
    errors = validate(schema, document, rules, max_errors=MAX_ERRORS)
    if found := literal_with_nul(document):
        errors.append(found)
    if errors:
        return Prepared(document, tuple(errors), {})
    planner = Planner(schema, fragments_of(document))
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    return Prepared(document, (), {d.name.value if d.name else "": planner.plan(d) for d in operations})


prepare_once: Final = lru_cache(maxsize=CACHED_DOCUMENTS)(prepare)


def prepared(schema: GraphQLSchema, text: str, introspection: bool) -> Prepared:
    """`prepare`, from memory where the text is short. Raises GraphQLSyntaxError."""
    function: Callable[..., Prepared] = prepare_once if len(text) <= CACHED_LENGTH else prepare
    return function(schema, text, introspection)


def planned(schema: GraphQLSchema, text: str, context: Context) -> Plan | None:
    """The plan of the operation that will run; None if none will."""
    try:
        return prepared(schema, text, context.introspection).plan(context.operation_name)
    except GraphQLSyntaxError:
        return None


class Documents(SchemaExtension):
    """Puts the prepared document in place of parsing and validation, and decides whether it may run."""

    _prepared: Prepared | None = None
    _cost: int = 0

    def on_operation(self) -> Iterator[None]:
        self.execution_context.parse_options["max_tokens"] = LIMITS.tokens
        yield

    def on_parse(self) -> Iterator[None]:
        """A text with a syntax error is left to the ordinary parser, which reports it."""
        context = self._context
        execution = self.execution_context
        try:
            schema = cast("AdminSchema", execution.schema)
            self._prepared = prepared(schema.core, execution.query or "", context.introspection)
            execution.graphql_document = self._prepared.document
        except GraphQLSyntaxError:
            self._prepared = None
        yield

    async def on_validate(self) -> AsyncIterator[None]:
        """A document that is refused costs its key something, too."""
        if self._prepared is not None:
            refused = list(self._prepared.errors) or self._refusals()
            late = await self._throttled(1 if refused else max(1, self._cost))
            self.execution_context.pre_execution_errors = late or refused
        yield

    def get_results(self) -> dict[str, Any]:
        return {"cost": {"requestedQueryCost": self._cost, "maximumQueryCost": LIMITS.cost}}

    @property
    def _context(self) -> Context:
        context: Context = self.execution_context.context
        return context

    async def _throttled(self, points: int) -> list[GraphQLError]:
        """Why the key has to wait; nothing if it has not."""
        context = self._context
        try:
            context.usage.rate = await context.services.rates.take(context.actor.id, points)
        except Throttled as error:
            return [GraphQLError(error.message, original_error=error)]
        return []

    def _refusals(self) -> list[GraphQLError]:
        assert self._prepared is not None
        plan = self._prepared.plan(self._context.operation_name)
        if plan is None:
            return [GraphQLError("operationName must name one of the document's operations")]
        try:
            self._admit(plan)
        except OneIdError as error:
            return [GraphQLError(error.message, original_error=error)]
        return []

    def _admit(self, plan: Plan) -> None:
        """Raises Forbidden, CostExceeded, InvalidInput."""
        authorise(self._context.actor, plan.scopes)
        refuse_nul(plan.types, self.execution_context.variables or {})
        self._cost = plan.cost(self.execution_context.variables)
        if self._cost > LIMITS.cost:
            raise CostExceeded(f"the operation costs {self._cost}, at most {LIMITS.cost} are allowed")
        if plan.operation is OperationType.SUBSCRIPTION and not self._context.streaming:
            raise InvalidInput(
                "subscriptions need a WebSocket (graphql-transport-ws) or POST with Accept: text/event-stream"
            )
