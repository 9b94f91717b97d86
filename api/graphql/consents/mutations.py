"""Setting consents."""

import strawberry

from api.graphql.arguments import InputOf
from api.graphql.consents.inputs import SetConsentInput
from api.graphql.consents.types import Consent
from api.graphql.context import Info
from api.graphql.customers.reading import read_back
from api.graphql.customers.types import Customer
from api.graphql.errors import BUSINESS, UserError
from api.graphql.fields import mutation
from api.graphql.scopes import Scope


@strawberry.type(description="The answer to setConsent.")
class SetConsentPayload:
    customer: Customer | None = strawberry.field(description="The customer, as it is now.")
    consent: Consent | None = strawberry.field(description="What counts now.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was set; empty on success.")


@strawberry.type
class ConsentMutations:
    @mutation(
        "Keeps that a customer gives or withdraws consent; what counts already is not kept again.",
        Scope.CUSTOMERS_WRITE,
    )
    async def set_consent(self, info: Info, input: InputOf[SetConsentInput]) -> SetConsentPayload:
        services = info.context.services
        try:
            statement = input.to_domain(info.context.actor.name)
            record = await input.customer.get(info.context, "customer")
            one_id, history = await services.consents.set(record.one_id, statement)
        except BUSINESS as error:
            return SetConsentPayload(customer=None, consent=None, user_errors=[UserError.from_domain(error)])
        consent = Consent.from_domain(history, info.context.pii)
        return SetConsentPayload(
            customer=await read_back(info.context, one_id), consent=consent, user_errors=[]
        )
