"""A tracking message: what the log holds and what the consumer resolves."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Literal, TypedDict

MessageType = Literal["identify", "track", "page", "screen", "group", "alias"]
MESSAGE_TYPES: frozenset[str] = frozenset({"identify", "track", "page", "screen", "group", "alias"})

Item = dict[str, Any]
"""One validated message as JSON: camelCase keys of the tracking API, `messageId` and `type` always there,
batch-level `context` and `integrations` already merged in."""


class Envelope(TypedDict):
    """One entry of the event log: one accepted request, or one request's share of a partition.

    receivedAt: RFC 3339 UTC. source: name of the key that sent it. sentAt: per request, None where not given;
    an item's own `sentAt` wins. items: at least one, in order of arrival.
    """

    receivedAt: str
    source: str
    sentAt: str | None
    items: list[Item]


@dataclass(frozen=True, slots=True)
class Message:
    """A message with its times settled. `timestamp` is corrected for clock skew and for the far future;
    `sent_timestamp` is what the client wrote, None where it wrote none."""

    message_id: str
    type: str
    name: str
    timestamp: datetime
    received_at: datetime
    sent_timestamp: datetime | None
    source: str
    payload: Item

    @property
    def context(self) -> dict[str, Any]:
        return self.payload.get("context") or {}

    @property
    def channel(self) -> str | None:
        channel = self.payload.get("channel") or self.context.get("channel")
        return channel if isinstance(channel, str) else None

    @property
    def traits(self) -> dict[str, Any]:
        """`traits`, else `context.traits`: some clients send only the latter."""
        return self.payload.get("traits") or self.context.get("traits") or {}

    @property
    def properties(self) -> dict[str, Any]:
        """What the event is about: `properties`, for identify and group the traits."""
        if self.type in ("identify", "group"):
            return self.traits
        return self.payload.get("properties") or {}


def parse_time(text: str) -> datetime:
    """RFC 3339 text to an aware UTC time; a time without zone is UTC. A leap second is the second after it.
    Raises ValueError."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        parsed = _unusual_time(text)
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _unusual_time(text: str) -> datetime:
    """Lower-case t and z, and a second 60: RFC 3339 allows both, Python reads neither."""
    seconds = text[16:19]
    if seconds != ":60":
        return datetime.fromisoformat(text.upper())
    return datetime.fromisoformat(f"{text[:16]}:59{text[19:]}".upper()) + timedelta(seconds=1)


@lru_cache(maxsize=4096)
def format_time(moment: datetime) -> str:
    """RFC 3339 with milliseconds and Z, the only form that is stored."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """A message with the customer it was resolved to (None: nobody), the identifier keys it named, and its
    place in the order of processing."""

    message: Message
    one_id: str | None
    identifiers: tuple[str, ...]
    sequence: int = 0
