"""How an operation runs: a context of its own, a deadline, and errors that callers may see."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

import strawberry
from graphql import GraphQLError, GraphQLSchema, OperationType
from strawberry.schema.schema import StreamResult
from strawberry.types import ExecutionResult

from api.graphql.context import Context
from api.graphql.documents import planned
from api.graphql.errors import present
from oneid.background import end
from oneid.errors import OneIdError, Retriable, Unauthenticated

DEADLINE_SECONDS: Final = 25.0
CHECK_SECONDS: Final = 2.0
"""How often a stream looks whether its key is still good."""

T = TypeVar("T")


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
        return shown(await in_time(super().execute(query, *args, **kwargs), refused), operation)

    async def stream(self, query: str | None, *args: Any, **kwargs: Any) -> StreamResult:
        context: Context = kwargs["context_value"]
        kwargs["context_value"] = operation = context.for_operation(
            kwargs.get("operation_name"), streaming=True
        )
        source = await super().stream(query, *args, **kwargs)
        plan = planned(self.core, query or "", operation)
        endless = plan is not None and plan.operation is OperationType.SUBSCRIPTION
        return followed(source, operation) if endless else answered(source, operation)

    def process_errors(self, errors: list[GraphQLError], execution_context: Any = None) -> None:
        """Nothing: `present` logs what deserves it, without what callers sent."""


async def in_time(work: Awaitable[T], otherwise: Callable[[OneIdError], T]) -> T:
    """What the work results in; what `otherwise` makes of a Retriable once the deadline is over."""
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await work
    except TimeoutError:
        return otherwise(Retriable("no answer before the deadline; it may or may not have been done"))


def refused(error: OneIdError) -> ExecutionResult:
    """The result of an operation that could not go on."""
    return ExecutionResult(data=None, errors=[GraphQLError(error.message, original_error=error)])


async def answered(source: StreamResult, operation: Context) -> AsyncGenerator[Any, None]:
    """The results of an operation that ends, as a request gets them."""

    async def whole() -> list[Any]:
        return [result async for result in source]

    try:
        for result in await in_time(whole(), lambda error: [refused(error)]):
            yield shown(result, operation)
    finally:
        await source.aclose()


async def followed(source: StreamResult, operation: Context) -> AsyncGenerator[Any, None]:
    """The results of a subscription, until its key is revoked or expires."""
    coming = asyncio.create_task(following(source))
    try:
        while True:
            await asyncio.wait({coming}, timeout=CHECK_SECONDS)
            if not coming.done():
                await check(operation)
                continue
            result = coming.result()
            if result is None:
                return
            coming = asyncio.create_task(following(source))
            yield shown(result, operation)
    except Unauthenticated as error:
        yield shown(refused(error), operation)
    finally:
        await end(coming)
        await source.aclose()


async def following(source: StreamResult) -> Any:
    """The next result; None after the last."""
    return await anext(source, None)


async def check(operation: Context) -> None:
    """Raises Unauthenticated. A key that can't be checked right now is looked at again later."""
    with suppress(Retriable):
        await operation.check_key()


Result = TypeVar("Result")


def shown(result: Result, operation: Context) -> Result:
    """The result with errors as callers may see them."""
    errors: list[GraphQLError] | None = getattr(result, "errors", None)
    if errors:
        errors[:] = [present(error, operation.request_id, suggestions=operation.sandbox) for error in errors]
    return result
