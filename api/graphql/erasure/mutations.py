"""Erasing people and letting identifiers come back."""

import strawberry

from api.graphql.arguments import InputOf
from api.graphql.context import Info
from api.graphql.customers.inputs import CustomerLookup, IdentifierInput
from api.graphql.errors import BUSINESS, UserError
from api.graphql.fields import mutation
from api.graphql.scopes import Scope
from oneid.errors import InvalidInput


@strawberry.input(description="Whom to erase.")
class EraseCustomerInput:
    customer: CustomerLookup = strawberry.field(
        description="The person, by any identifier or any ONE-ID that they ever had."
    )
    suppress: bool | None = strawberry.field(
        default=False, description="Whether to drop whatever names the person from now on."
    )
    reason: str | None = strawberry.field(
        default=None, description="Why, for the log. What names the person is taken out of it."
    )


@strawberry.type(description="The answer to eraseCustomer.")
class EraseCustomerPayload:
    receipt_id: strawberry.ID | None = strawberry.field(description="Good for `erasure`; null on failure.")
    user_errors: list[UserError] = strawberry.field(description="Why nobody was erased; empty on success.")


@strawberry.input(description="A suppression to end.")
class LiftSuppressionInput:
    identifier: IdentifierInput = strawberry.field(description="The identifier that may come back.")


@strawberry.type(description="The answer to liftSuppression.")
class LiftSuppressionPayload:
    lifted: bool = strawberry.field(description="Whether it may come back now.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was lifted; empty on success.")


@strawberry.type
class ErasureMutations:
    @mutation(
        "Erases a person for good: every event, identifier, attribute and decision.", Scope.CUSTOMERS_WRITE
    )
    async def erase_customer(self, info: Info, input: InputOf[EraseCustomerInput]) -> EraseCustomerPayload:
        try:
            record = await input.customer.get(info.context, "customer")
            receipt = await info.context.services.erasure.erase(
                record.one_id, suppress=bool(input.suppress), reason=input.reason
            )
        except BUSINESS as error:
            return EraseCustomerPayload(receipt_id=None, user_errors=[UserError.from_domain(error)])
        return EraseCustomerPayload(receipt_id=strawberry.ID(receipt), user_errors=[])

    @mutation("Lets a suppressed identifier come back: what names it from now on counts again.", Scope.ADMIN)
    async def lift_suppression(
        self, info: Info, input: InputOf[LiftSuppressionInput]
    ) -> LiftSuppressionPayload:
        services, given = info.context.services, input.identifier
        try:
            identifier = await services.customers.normalised(given.type, given.value)
            if identifier is None:
                raise InvalidInput("this identifies nobody", field=("identifier",))
            await services.erasure.lift(identifier)
        except BUSINESS as error:
            return LiftSuppressionPayload(lifted=False, user_errors=[UserError.from_domain(error)])
        return LiftSuppressionPayload(lifted=True, user_errors=[])
