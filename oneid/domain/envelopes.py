"""From a log entry to messages with their times settled."""

from datetime import datetime, timedelta
from typing import Any

from oneid.domain.messages import Envelope, Item, Message, parse_time

#: A client clock that runs ahead by more than this is not believed.
FAR_FUTURE = timedelta(hours=1)


def messages_of(envelope: Envelope) -> list[Message]:
    received = parse_time(envelope["receivedAt"])
    return [message_of(item, received, envelope["sentAt"], envelope["source"]) for item in envelope["items"]]


def message_of(item: Item, received: datetime, sent_at: str | None, source: str) -> Message:
    sent = item.get("originalTimestamp") or item.get("timestamp")
    sent_time = parse_time(sent) if sent else None
    return Message(
        message_id=item["messageId"],
        type=item["type"],
        name=name_of(item),
        timestamp=settled(sent_time, received, item.get("sentAt") or sent_at),
        received_at=received,
        sent_timestamp=sent_time,
        source=source,
        payload=item,
    )


def settled(sent_time: datetime | None, received: datetime, sent_at: str | None) -> datetime:
    """receivedAt - (sentAt - timestamp), which takes the client's clock out; the timestamp as it is where no
    sentAt was given; receivedAt where it lies more than an hour ahead or there is none."""
    if sent_time is None:
        return received
    try:
        moment = received - (parse_time(sent_at) - sent_time) if sent_at else sent_time
    except OverflowError:
        return received
    return received if moment > received + FAR_FUTURE else moment


def name_of(item: dict[str, Any]) -> str:
    """track's event; page and screen: their name, which Jitsu puts into the properties, else their type;
    identify, group, alias: the type."""
    kind = item["type"]
    if kind == "track":
        return str(item["event"])
    if kind in ("page", "screen"):
        names = (item.get("name"), (item.get("properties") or {}).get("name"))
        return next((name for name in names if isinstance(name, str) and name), kind)
    return str(kind)
