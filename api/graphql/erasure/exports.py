"""Handing out what is held about one person."""

import strawberry

from api.graphql.arguments import InputOf
from api.graphql.context import Info
from api.graphql.customers.inputs import CustomerLookup
from api.graphql.errors import BUSINESS, UserError
from api.graphql.fields import mutation
from api.graphql.operations.types import Operation
from api.graphql.scopes import Scope
from oneid.services.exporting import KIND


@strawberry.input(description="Whose copy to make.")
class ExportCustomerInput:
    customer: CustomerLookup = strawberry.field(description="The person.")


@strawberry.type(description="The answer to exportCustomer.")
class ExportCustomerPayload:
    operation: Operation | None = strawberry.field(
        description="The work; its file has one JSON object a line. Null on failure."
    )
    user_errors: list[UserError] = strawberry.field(description="Why nothing was begun; empty on success.")


@strawberry.type
class ExportMutations:
    @mutation("Makes a file of everything that is held about one person, with provenance.", Scope.PII_READ)
    async def export_customer(self, info: Info, input: InputOf[ExportCustomerInput]) -> ExportCustomerPayload:
        try:
            record = await input.customer.get(info.context, "customer")
            operation = await info.context.services.operations.start(
                KIND, {"oneId": record.one_id}, scope=Scope.PII_READ.value, actor=info.context.actor.id
            )
        except BUSINESS as error:
            return ExportCustomerPayload(operation=None, user_errors=[UserError.from_domain(error)])
        return ExportCustomerPayload(operation=Operation.from_domain(operation), user_errors=[])
