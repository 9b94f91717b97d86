"""The files of operations while the key cannot be checked."""

import orjson
import pytest
from starlette.requests import Request

from api.results import Results
from graph.keys import ApiKeys
from oneid.clock import SystemClock
from oneid.domain.keys import Actor, ApiKey
from oneid.errors import OneIdError, Retriable, Throttled, Unauthenticated
from oneid.services.keys import KeyService
from oneid.services.operations import OperationService


class NoKeys(ApiKeys):
    def __init__(self) -> None:
        """Needs no graph."""

    async def get(self, key_id: str) -> ApiKey | None:
        return None


class Refusing(KeyService):
    """Answers every key with the error."""

    def __init__(self, error: OneIdError) -> None:
        super().__init__(NoKeys(), SystemClock(), "sandbox")
        self._error = error

    async def authenticate_secret(self, text: str) -> Actor:
        raise self._error


class NoOperations(OperationService):
    def __init__(self) -> None:
        """Is not reached."""


@pytest.mark.parametrize(
    ("error", "status", "retry_after"),
    [
        (Unauthenticated("no"), 401, None),
        (Throttled("too many unknown keys", retry_after=0.2), 429, "1"),
        (Retriable("the graph is away", retry_after=2.5), 503, "3"),
    ],
)
async def test_a_key_that_cannot_be_checked_is_told_how(
    error: OneIdError, status: int, retry_after: str | None
) -> None:
    request = Request({"type": "http", "method": "GET", "headers": [(b"authorization", b"Bearer sk")]})
    answer = await Results(Refusing(error), NoOperations()).answer(request)
    assert (answer.status_code, answer.headers.get("retry-after")) == (status, retry_after)
    assert answer.headers.get("x-ratelimit-reset") == retry_after
    assert orjson.loads(answer.body) == {"code": error.code, "message": error.message}
