"""Long-running work."""

from enum import Enum

import strawberry
from strawberry.scalars import JSON

from api.graphql.relay import Node, encode_id
from api.graphql.scalars import DateTime
from oneid.domain import operations as domain


@strawberry.enum(description="How an operation stands.")
class OperationStatus(Enum):
    QUEUED = strawberry.enum_value("QUEUED", description="Accepted and not begun.")
    RUNNING = strawberry.enum_value("RUNNING", description="Begun; after a crash it goes on by itself.")
    COMPLETED = strawberry.enum_value("COMPLETED", description="Done.")
    FAILED = strawberry.enum_value("FAILED", description="Given up, for the reason in `error`.")
    CANCELLED = strawberry.enum_value("CANCELLED", description="Ended because somebody asked for it.")


@strawberry.type(
    description="Long-running work that a mutation started. Poll it by `node(id:)` or subscribe."
)
class Operation(Node):
    kind: str = strawberry.field(description="What it does, such as reindex.")
    status: OperationStatus = strawberry.field(description="How it stands.")
    done: int = strawberry.field(description="Items done so far.")
    total: int | None = strawberry.field(description="Items in all, where that is known.")
    errors: int = strawberry.field(description="Items that went wrong.")
    created_at: DateTime = strawberry.field(description="When it was asked for.")
    started_at: DateTime | None = strawberry.field(description="When it was begun first.")
    finished_at: DateTime | None = strawberry.field(description="When it ended.")
    result: JSON | None = strawberry.field(description="What came of it, once it is COMPLETED.")
    error: str | None = strawberry.field(description="Why it FAILED, in a sentence.")
    result_url: str | None = strawberry.field(
        description="Path of the file it resulted in; fetch it with the same kind of key. Null where there is none,"
        " or none any more: a file that shows people goes when one of them is erased."
    )

    @classmethod
    def from_domain(cls, operation: domain.Operation) -> "Operation":
        return cls(
            id=encode_id("Operation", operation.id),
            kind=operation.kind,
            status=OperationStatus[operation.status],
            done=operation.progress.done,
            total=operation.progress.total,
            errors=operation.progress.errors,
            created_at=DateTime(operation.created_at),
            started_at=DateTime(operation.started_at) if operation.started_at else None,
            finished_at=DateTime(operation.finished_at) if operation.finished_at else None,
            result=None if operation.result is None else JSON(operation.result),
            error=operation.error,
            result_url=operation.result_url,
        )
