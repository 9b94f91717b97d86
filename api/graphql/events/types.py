"""Events as they were received."""

import strawberry
from strawberry.scalars import JSON

from api.graphql.masking import Reader
from api.graphql.relay import Node, encode_id
from api.graphql.scalars import DateTime
from oneid.domain.messages import StoredEvent, format_time


@strawberry.type(description="Something a person did, as a tracking message told it.")
class Event(Node):
    message_id: str = strawberry.field(description="The message's id, unique within the dedupe window.")
    type: str = strawberry.field(description="identify, track, page, screen, group or alias.")
    name: str = strawberry.field(
        description="track's event; page and screen: their name, else their type; identify, group, alias: the type."
    )
    timestamp: DateTime = strawberry.field(description="When it happened, corrected for the client's clock.")
    received_at: DateTime = strawberry.field(description="When it was accepted.")
    source: str = strawberry.field(description="The name of the key that sent it.")
    channel: str | None = strawberry.field(description="Where it happened, if the message says so.")
    properties: JSON = strawberry.field(
        description="What it is about; of identify and group the traits. Personal data are masked without `pii:read`."
    )

    @classmethod
    def from_domain(cls, event: StoredEvent, reader: Reader) -> "Event":
        message = event.message
        return cls(
            id=encode_id("Event", message.message_id),
            message_id=message.message_id,
            type=message.type,
            name=message.name,
            timestamp=DateTime(format_time(message.timestamp)),
            received_at=DateTime(format_time(message.received_at)),
            source=message.source,
            channel=message.channel,
            properties=JSON(reader.properties(message.properties)),
        )
