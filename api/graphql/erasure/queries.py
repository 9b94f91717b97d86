"""Showing receipts."""

from typing import Annotated

import strawberry

from api.graphql.context import Info
from api.graphql.erasure.types import Erasure
from api.graphql.fields import root
from api.graphql.scopes import Scope

ReceiptId = Annotated[strawberry.ID, strawberry.argument(description="What eraseCustomer answered.")]


@strawberry.type
class ErasureQueries:
    @root("The receipt of an erasure; null if there is none with this id.", Scope.CUSTOMERS_READ)
    async def erasure(self, info: Info, receipt_id: ReceiptId) -> Erasure | None:
        receipt = await info.context.services.erasure.receipt(str(receipt_id))
        return Erasure.from_domain(receipt) if receipt else None
