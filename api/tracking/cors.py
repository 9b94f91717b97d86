"""CORS: browsers on any site may send events; the write key, not a cookie, says for whom."""

from typing import Final

from api.answers import Answer, Headers

_ALLOWED: Final = (
    b"authorization, content-type, content-encoding, x-retry-count, anonymousid, sentat, x-write-key"
)


def cors_headers(headers: dict[bytes, bytes]) -> Headers:
    """What lets the page that asked read the answer; nothing for clients that are no browsers."""
    origin = headers.get(b"origin")
    if not origin:
        return ()
    return (
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", b"retry-after, x-ratelimit-reset"),
        (b"vary", b"Origin"),
    )


def preflight(headers: dict[bytes, bytes]) -> Answer:
    """The answer to OPTIONS, without `cors_headers`: whatever headers the page wants to send are fine."""
    wanted = headers.get(b"access-control-request-headers", b"")
    allowed = b", ".join(part for part in (_ALLOWED, wanted) if part)
    answer: Headers = (
        (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
        (b"access-control-allow-headers", allowed),
        (b"access-control-max-age", b"900"),
    )
    return Answer(200, b"", answer)
