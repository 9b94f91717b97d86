"""What the mutation of consents takes."""

import strawberry
from strawberry.scalars import JSON

from api.graphql.consents.types import ConsentState
from api.graphql.customers.inputs import CustomerLookup
from oneid.domain import consents


@strawberry.input(description="What a customer allows or takes back.")
class SetConsentInput:
    customer: CustomerLookup = strawberry.field(description="Whose.")
    channel: str = strawberry.field(
        description="1 to 40 letters, digits or _, such as EMAIL, SMS, PUSH, WECHAT; all: every channel. "
        "Capitals don't matter."
    )
    purpose: str = strawberry.field(
        description="What for, likewise: marketing, or third_party for passing data on."
    )
    state: ConsentState = strawberry.field(description="What the customer says.")
    evidence: JSON | None = strawberry.field(
        default=None, description="How it was given: any JSON of at most 4,000 bytes. It is kept as proof."
    )
    source: str | None = strawberry.field(default=None, description="Who says so; default: the key's name.")

    def to_domain(self, actor: str) -> consents.Statement:
        """Raises InvalidInput and TooLarge."""
        state = consents.ConsentState(self.state.name)
        source = self.source if self.source is not None else actor
        return consents.statement(self.channel, self.purpose, state, source, self.evidence)
