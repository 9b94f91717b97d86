"""Errors as callers see them: business errors as `UserError`, all else with a code and a request id, masked."""

import re
from enum import Enum
from typing import Final

import strawberry
import structlog
from graphql import GraphQLError

from oneid import errors
from oneid.errors import OneIdError

log = structlog.get_logger("oneid.graphql")


@strawberry.enum(description="What kind of business error it is.")
class ErrorCode(Enum):
    INVALID = strawberry.enum_value("INVALID", description="The value is wrong.")
    REQUIRED = strawberry.enum_value("REQUIRED", description="A value is missing.")
    TOO_LARGE = strawberry.enum_value("TOO_LARGE", description="Over a size, count or depth limit.")
    NOT_FOUND = strawberry.enum_value("NOT_FOUND", description="Nothing has this id.")
    CONFLICT = strawberry.enum_value("CONFLICT", description="The current state forbids it.")
    VERSION_CONFLICT = strawberry.enum_value(
        "VERSION_CONFLICT", description="`expectedVersion` is not the current version."
    )
    DUPLICATE = strawberry.enum_value("DUPLICATE", description="It exists already.")
    LIMIT_EXCEEDED = strawberry.enum_value("LIMIT_EXCEEDED", description="More than the rules allow.")
    CYCLE = strawberry.enum_value("CYCLE", description="It would refer to itself.")
    TIMEOUT = strawberry.enum_value("TIMEOUT", description="Accepted, but no answer before the deadline.")
    UNAVAILABLE = strawberry.enum_value("UNAVAILABLE", description="Try again later.")
    APPROVAL_REQUIRED = strawberry.enum_value(
        "APPROVAL_REQUIRED", description="Somebody must approve it first."
    )
    NO_USER_ANON_ID = strawberry.enum_value("NO_USER_ANON_ID", description="The message names nobody.")


@strawberry.type(description="A business error: the operation was understood and refused.")
class UserError:
    code: ErrorCode = strawberry.field(description="What kind of error it is.")
    field: list[str] | None = strawberry.field(
        description='The path into the input, such as ["events", "3", "userId"].'
    )
    message: str = strawberry.field(description="What is wrong, in a sentence.")

    @classmethod
    def from_domain(cls, error: OneIdError) -> "UserError":
        """Codes that only transport knows (such as THROTTLED) read as UNAVAILABLE."""
        known = error.code in ErrorCode.__members__
        code = ErrorCode[error.code] if known else ErrorCode.UNAVAILABLE
        return cls(code=code, field=list(error.field) or None, message=error.message)

    def under(self, path: list[str]) -> "UserError":
        """The same error of a part of the input at `path`."""
        return UserError(code=self.code, field=[*path, *(self.field or ())], message=self.message)


BUSINESS: Final = (
    errors.InvalidInput,
    errors.NotFound,
    errors.Conflict,
    errors.LimitExceeded,
    errors.Retriable,
)
"""What a mutation answers as `userErrors`; the rest goes up."""

TOP_LEVEL: Final[tuple[tuple[type[OneIdError], str], ...]] = (
    (errors.Throttled, "THROTTLED"),
    (errors.Retriable, "UNAVAILABLE"),
    (errors.DeadlineExceeded, "UNAVAILABLE"),
    (errors.Unauthenticated, "UNAUTHENTICATED"),
    (errors.Forbidden, "FORBIDDEN"),
    (errors.NotFound, "NOT_FOUND"),
)

HTTP_STATUS: Final = {
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "THROTTLED": 429,
    "UNAVAILABLE": 503,
    "INTERNAL": 500,
}
"""Status of a request that was not executed, for callers that accept application/graphql-response+json."""


SUGGESTION: Final = re.compile(r" Did you mean [^?]*\?")


class CostExceeded(OneIdError):
    """The operation costs more than one operation may."""

    code = "COST_EXCEEDED"


class PersistedQueryNotFound(OneIdError):
    """A hash came without its text, and nobody remembers it: clients know to send both then."""

    code = "PERSISTED_QUERY_NOT_FOUND"


def code_of(error: OneIdError) -> str:
    """The value of `extensions.code`."""
    if isinstance(error, CostExceeded | PersistedQueryNotFound):
        return error.code
    return next((code for kind, code in TOP_LEVEL if isinstance(error, kind)), "BAD_USER_INPUT")


def present(error: GraphQLError, request_id: str, *, suggestions: bool = False) -> GraphQLError:
    """The error as a caller may see it. What nobody foresaw is logged and masked. `suggestions`: whether it may
    say "Did you mean", which tells a stranger what there is."""
    message, extensions = _shown(error, request_id, suggestions)
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions={**extensions, "requestId": request_id},
    )


def _shown(error: GraphQLError, request_id: str, suggestions: bool) -> tuple[str, dict[str, object]]:
    cause = error.original_error
    if cause is None or isinstance(cause, GraphQLError):
        message = error.message if suggestions else SUGGESTION.sub("", error.message)
        return message, {"code": "BAD_USER_INPUT", **(error.extensions or {})}
    if isinstance(cause, OneIdError):
        return cause.message, _domain_extensions(cause)
    log.error("unexpected error", request_id=request_id, path=error.path, exc_info=cause)
    return "Something went wrong on our side.", {"code": "INTERNAL"}


def _domain_extensions(cause: OneIdError) -> dict[str, object]:
    extensions: dict[str, object] = {"code": code_of(cause)}
    if cause.field:
        extensions["field"] = list(cause.field)
    if isinstance(cause, errors.Retriable):
        extensions["retryAfter"] = cause.retry_after
    return extensions
