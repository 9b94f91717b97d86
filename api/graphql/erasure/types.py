"""What stays of somebody who was erased."""

import strawberry

from api.graphql.scalars import DateTime
from oneid.domain.erasures import Receipt


@strawberry.type(description="The receipt of an erasure. It holds nothing about the person but keyed hashes.")
class Erasure:
    receipt_id: strawberry.ID = strawberry.field(description="The receipt's id.")
    erased_at: DateTime = strawberry.field(description="When the person was erased from the identity graph.")
    suppressed: bool = strawberry.field(description="Whether the identifiers were to be kept away, too.")
    identifier_hashes: list[str] = strawberry.field(
        description="What stands for the erased identifiers: type:hash."
    )
    completed_at: DateTime | None = strawberry.field(
        description="When nothing was left to be done in any store; null before."
    )

    @classmethod
    def from_domain(cls, receipt: Receipt) -> "Erasure":
        completed = receipt.completed_at
        return cls(
            receipt_id=strawberry.ID(receipt.id),
            erased_at=DateTime(receipt.erased_at),
            suppressed=receipt.suppressed,
            identifier_hashes=list(receipt.hashes),
            completed_at=DateTime(completed) if completed else None,
        )
