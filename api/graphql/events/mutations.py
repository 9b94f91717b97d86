"""Accepting events."""

from enum import Enum

import strawberry

from api.graphql.arguments import InputOf
from api.graphql.context import Info
from api.graphql.errors import BUSINESS, UserError
from api.graphql.fields import mutation
from api.graphql.scalars import EventBatch
from api.graphql.scopes import Scope
from oneid.services.ingestion import ItemResult, Wait


@strawberry.enum(description="How far an event has got before the answer comes.")
class IngestWait(Enum):
    ACCEPTED = strawberry.enum_value("ACCEPTED", description="It is in the durable log.")
    RESOLVED = strawberry.enum_value("RESOLVED", description="It is in the graph, its ONE-ID known.")
    INDEXED = strawberry.enum_value("INDEXED", description="It is searchable, and so is its customer.")


@strawberry.enum(description="What became of an event.")
class IngestStatus(Enum):
    ACCEPTED = strawberry.enum_value("ACCEPTED", description="It is in the durable log.")
    RESOLVED = strawberry.enum_value("RESOLVED", description="It is in the graph, its ONE-ID known.")
    INDEXED = strawberry.enum_value("INDEXED", description="It is searchable, and so is its customer.")
    DUPLICATE = strawberry.enum_value(
        "DUPLICATE", description="Its messageId was accepted before; it was ignored."
    )
    REJECTED = strawberry.enum_value("REJECTED", description="It was refused; nothing of it was stored.")


@strawberry.input(description="Events to accept.")
class IngestEventsInput:
    events: EventBatch = strawberry.field(description="The messages: at most 2,500, each at most 32 KB.")
    wait: IngestWait | None = strawberry.field(
        default=IngestWait.ACCEPTED, description="How far they should have got before the answer comes."
    )


@strawberry.type(description="What became of one event.")
class IngestResult:
    index: int = strawberry.field(description="The event's position in the batch.")
    message_id: str = strawberry.field(
        description="Its messageId, made up if it had none; empty if it was refused."
    )
    status: IngestStatus = strawberry.field(description="What became of it.")
    one_id: str | None = strawberry.field(description="The customer it belongs to, from RESOLVED on.")
    user_errors: list[UserError] = strawberry.field(description="What was wrong with it.")

    @classmethod
    def from_domain(cls, result: ItemResult) -> "IngestResult":
        path = ["events", str(result.index)]
        return cls(
            index=result.index,
            message_id=result.message_id,
            status=IngestStatus[result.status.value],
            one_id=result.one_id,
            user_errors=[UserError.from_domain(error).under(path) for error in result.errors],
        )


@strawberry.type(description="The answer to ingestEvents.")
class IngestEventsPayload:
    results: list[IngestResult] = strawberry.field(description="One for each event, in order.")
    user_errors: list[UserError] = strawberry.field(
        description="Why the batch as a whole was refused; what is wrong with one event stands in its result."
    )


@strawberry.type
class EventMutations:
    @mutation("Accepts events. Each is accepted whole or refused by itself.", Scope.INGEST_WRITE)
    async def ingest_events(self, info: Info, input: InputOf[IngestEventsInput]) -> IngestEventsPayload:
        ingestion, source = info.context.services.ingestion, info.context.actor.name
        wait = Wait[(input.wait or IngestWait.ACCEPTED).name]
        try:
            found = await ingestion.accept(input.events, source=source, wait=wait)
        except BUSINESS as error:
            return IngestEventsPayload(
                results=[], user_errors=[UserError.from_domain(error).under(["events"])]
            )
        return IngestEventsPayload(
            results=[IngestResult.from_domain(result) for result in found], user_errors=[]
        )
