"""Events and customers for tests of the indexes."""

from datetime import UTC, datetime, timedelta
from typing import Any

from oneid.domain.customers import AttributeValue, CustomerRecord, LinkedIdentifier
from oneid.domain.identifiers import Identifier
from oneid.domain.messages import Message, StoredEvent, format_time

START = datetime(2026, 3, 1, tzinfo=UTC)


def event(
    message_id: str,
    one_id: str | None = "c1",
    *,
    name: str = "Order Completed",
    at: datetime = START,
    source: str = "web",
    channel: str | None = None,
    **properties: Any,
) -> StoredEvent:
    """A tracked event."""
    payload: dict[str, Any] = {"type": "track", "event": name, "properties": properties}
    if channel:
        payload["channel"] = channel
    message = Message(message_id, "track", name, at, at + timedelta(seconds=1), None, source, payload)
    return StoredEvent(message, one_id, ("user_id:u1",))


def customer(
    one_id: str,
    *identifiers: str,
    sequence: int = 1,
    version: int = 1,
    former: tuple[str, ...] = (),
    **attributes: Any,
) -> CustomerRecord:
    """A customer with identifier keys and attributes of one time."""
    at = format_time(START)
    return CustomerRecord(
        one_id=one_id,
        version=version,
        sequence=sequence,
        created_at=at,
        updated_at=at,
        identifiers=tuple(LinkedIdentifier(Identifier.from_key(key), at, at) for key in identifiers),
        attributes={key: AttributeValue(value, at, "web") for key, value in attributes.items()},
        former_one_ids=former,
    )
