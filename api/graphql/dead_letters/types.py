"""Messages that could not be processed."""

import strawberry
from strawberry.scalars import JSON

from api.graphql.masking import Reader
from api.graphql.scalars import DateTime
from oneid.log import dead_letters as log


@strawberry.type(description="A message that could not be processed, kept until it is replayed or discarded.")
class DeadLetter:
    id: strawberry.ID = strawberry.field(description="Good for replayDeadLetters and discardDeadLetters.")
    message_id: str = strawberry.field(description="The message's id.")
    reason: str = strawberry.field(description="Why it could not be processed.")
    at: DateTime = strawberry.field(description="When it was set apart.")
    received_at: DateTime = strawberry.field(description="When it was accepted.")
    source: str = strawberry.field(description="The name of the key that sent it.")
    event: JSON = strawberry.field(description="The message. Personal data are masked without `pii:read`.")

    @classmethod
    def from_domain(cls, letter: log.DeadLetter, reader: Reader) -> "DeadLetter":
        item = letter.envelope["items"][0]
        return cls(
            id=strawberry.ID(letter.id),
            message_id=letter.message_id,
            reason=letter.reason,
            at=DateTime(letter.at),
            received_at=DateTime(letter.envelope["receivedAt"]),
            source=letter.envelope["source"],
            event=JSON(reader.properties(item)),
        )
