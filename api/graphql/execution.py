"""How an operation runs: a context of its own, a deadline, and errors that callers may see."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, Final, TypeVar

import strawberry
from graphql import GraphQLError, GraphQLSchema
from strawberry.schema.schema import StreamResult
from strawberry.types import ExecutionResult

from api.graphql.context import Context
from api.graphql.errors import present
from oneid.errors import Retriable

DEADLINE_SECONDS: Final = 25.0


class AdminSchema(strawberry.Schema):
    """Presents errors at the outermost place, so that no path leads around it."""

    @property
    def core(self) -> GraphQLSchema:
        """The schema as graphql-core has it."""
        return self._schema

    async def execute(self, query: str | None, *args: Any, **kwargs: Any) -> ExecutionResult:
        context: Context = kwargs["context_value"]
        kwargs["context_value"] = operation = context.for_operation(
            kwargs.get("operation_name"), streaming=False
        )
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                result = await super().execute(query, *args, **kwargs)
        except TimeoutError:
            late = Retriable("no answer before the deadline; it may or may not have been done")
            error = GraphQLError(late.message, original_error=late)
            result = ExecutionResult(data=None, errors=[error])
        return shown(result, operation)

    async def stream(self, query: str | None, *args: Any, **kwargs: Any) -> StreamResult:
        context: Context = kwargs["context_value"]
        kwargs["context_value"] = operation = context.for_operation(
            kwargs.get("operation_name"), streaming=True
        )
        return self._shown(await super().stream(query, *args, **kwargs), operation)

    async def _shown(self, source: StreamResult, operation: Context) -> AsyncGenerator[Any, None]:
        try:
            async for result in source:
                yield shown(result, operation)
        finally:
            await source.aclose()

    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        """Nothing: `present` logs what deserves it, without what callers sent."""


Result = TypeVar("Result")


def shown(result: Result, operation: Context) -> Result:
    """The result with errors as callers may see them."""
    errors: list[GraphQLError] | None = getattr(result, "errors", None)
    if errors:
        errors[:] = [present(error, operation.request_id, suggestions=operation.sandbox) for error in errors]
    return result
