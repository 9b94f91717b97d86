"""GraphQL over HTTP: which media type an answer has, and which status."""

from dataclasses import dataclass
from typing import Any, Final

from strawberry.types import ExecutionResult

from api.graphql.errors import HTTP_STATUS

GRAPHQL_JSON: Final = "application/graphql-response+json"
JSON: Final = "application/json"
EVENT_STREAM: Final = "text/event-stream"
OFFERED: Final = (GRAPHQL_JSON, JSON, EVENT_STREAM)
"""In the order of preference among those that a client names with equal weight."""


@dataclass(frozen=True, slots=True)
class Range:
    """One entry of an Accept header."""

    media: str
    quality: float

    def covers(self, media: str) -> bool:
        main, _, sub = self.media.partition("/")
        return self.media in (media, "*/*") or (sub == "*" and media.startswith(f"{main}/"))

    @property
    def exact(self) -> bool:
        return "*" not in self.media


def negotiate(accept: str | None) -> str | None:
    """The media type to answer with: the best that is named, else plain JSON where a wildcard allows it.
    None: nothing that is offered is acceptable."""
    if not accept or not accept.strip():
        return JSON
    ranges = [_range(part) for part in accept.split(",")]
    named = [
        (r.quality, -OFFERED.index(r.media), r.media) for r in ranges if r.media in OFFERED and r.quality
    ]
    if named:
        return max(named)[2]
    refused = any(r.media == JSON for r in ranges)
    return JSON if not refused and any(r.quality and r.covers(JSON) for r in ranges) else None


def streams(accept: str | None) -> bool:
    """Whether the client can be sent a stream, whatever else it would rather have."""
    ranges = [_range(part) for part in (accept or "").split(",")]
    return any(one.media == EVENT_STREAM and one.quality for one in ranges)


def _range(part: str) -> Range:
    media, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weights = [value for name, _, value in (p.partition("=") for p in parameters) if name.strip() == "q"]
    try:
        quality = float(weights[0]) if weights else 1.0
    except ValueError:
        quality = 0.0
    return Range(media, min(max(quality, 0.0), 1.0))


def refusal_of(result: ExecutionResult) -> dict[str, Any]:
    """The extensions of the reason why a request was not executed; nothing if it was."""
    if result.data is not None or not result.errors or any(error.path for error in result.errors):
        return {}
    return result.errors[0].extensions or {}


def status_of(extensions: dict[str, Any] | None) -> int:
    return HTTP_STATUS.get((extensions or {}).get("code", ""), 400)
