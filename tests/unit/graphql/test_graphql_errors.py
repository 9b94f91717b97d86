"""Errors as callers see them."""

import pytest
from graphql import GraphQLError

from api.graphql.errors import CostExceeded, ErrorCode, UserError, present
from oneid import errors


def shown(cause: Exception | None) -> tuple[str, str]:
    error = present(GraphQLError("text", original_error=cause), "r1")
    assert error.extensions is not None
    assert error.extensions["requestId"] == "r1"
    return error.extensions["code"], error.message


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        (errors.InvalidInput("m"), "BAD_USER_INPUT"),
        (errors.TooLarge("m"), "BAD_USER_INPUT"),
        (errors.Conflict("m"), "BAD_USER_INPUT"),
        (errors.NotFound("m"), "NOT_FOUND"),
        (errors.Unauthenticated("m"), "UNAUTHENTICATED"),
        (errors.Forbidden("m"), "FORBIDDEN"),
        (errors.Retriable("m"), "UNAVAILABLE"),
        (errors.DeadlineExceeded("m"), "UNAVAILABLE"),
        (errors.Throttled("m"), "THROTTLED"),
        (CostExceeded("m"), "COST_EXCEEDED"),
    ],
)
def test_errors_raised_on_purpose_keep_their_message(cause: Exception, code: str) -> None:
    assert shown(cause) == (code, "m")


def test_what_nobody_foresaw_is_masked() -> None:
    code, message = shown(RuntimeError("bolt://secret-host refused Neo.ClientError"))
    assert code == "INTERNAL"
    assert message == "Something went wrong on our side."


def test_a_fault_in_the_document_keeps_its_message() -> None:
    assert shown(None) == ("BAD_USER_INPUT", "text")


def test_a_retriable_error_says_when_to_come_back() -> None:
    error = present(GraphQLError("t", original_error=errors.Retriable("m", retry_after=3)), "r")
    assert (error.extensions or {})["retryAfter"] == 3


def test_user_errors_carry_code_path_and_message() -> None:
    error = UserError.from_domain(errors.NobodyNamed("names nobody", field=("userId",)))
    assert error.under(["events", "3"]) == UserError(
        code=ErrorCode.NO_USER_ANON_ID, field=["events", "3", "userId"], message="names nobody"
    )


@pytest.mark.parametrize(
    "kind",
    [
        errors.InvalidInput,
        errors.NotFound,
        errors.Conflict,
        errors.VersionConflict,
        errors.LimitExceeded,
        errors.Retriable,
        errors.TooLarge,
        errors.Required,
    ],
)
def test_every_business_error_has_a_code_of_its_own(kind: type[errors.OneIdError]) -> None:
    assert UserError.from_domain(kind("m")).code.name == kind.code
