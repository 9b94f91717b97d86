"""Answers of the plain HTTP endpoints: status, JSON body, headers."""

import math
from dataclasses import dataclass
from typing import Final

import orjson
from starlette.responses import Response
from starlette.types import Send

from oneid.errors import (
    DeadlineExceeded,
    Forbidden,
    NotFound,
    OneIdError,
    Retriable,
    Throttled,
    TooLarge,
    Unauthenticated,
)

Headers = tuple[tuple[bytes, bytes], ...]

STATUSES: Final[tuple[tuple[type[OneIdError], int], ...]] = (
    (Throttled, 429),
    (Retriable, 503),
    (DeadlineExceeded, 503),
    (Unauthenticated, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (TooLarge, 413),
)
"""The first class that fits decides; anything else is the caller's mistake: 400."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer. `code` is the error code for logs and metrics, "" on success."""

    status: int
    body: bytes
    headers: Headers = ()
    code: str = ""

    @classmethod
    def json(cls, status: int, content: object, headers: Headers = ()) -> "Answer":
        code = str(content.get("code", "")) if isinstance(content, dict) else ""
        return cls(status, orjson.dumps(content), headers, code)

    def response(self, extra: Headers = ()) -> Response:
        """It as Starlette sends it, with more headers if need be."""
        named = {name.decode(): value.decode("latin-1") for name, value in (*self.headers, *extra)}
        return Response(self.body, self.status, named, "application/json")

    async def send(self, send: Send, extra: Headers = ()) -> None:
        """Sends it, with more headers if need be."""
        length = b"%d" % len(self.body)
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        headers += self.headers
        headers += extra
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def refusal(error: OneIdError, **more: object) -> Answer:
    """`{code, message}`, plus Retry-After and X-RateLimit-Reset, in seconds, where trying again can help. A 401
    comes without WWW-Authenticate, for which browsers would ask a shop's visitors for a password."""
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), 400)
    headers: Headers = ()
    if status in (429, 503):
        seconds = b"%d" % max(1, math.ceil(getattr(error, "retry_after", 1.0)))
        headers = ((b"retry-after", seconds), (b"x-ratelimit-reset", seconds))
    return Answer.json(status, {"code": error.code, "message": error.message, **more}, headers)
