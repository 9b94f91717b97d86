"""Changing the identity rules."""

import strawberry

from api.graphql.arguments import InputOf
from api.graphql.context import Context, Info
from api.graphql.customers.inputs import CustomerLookup, IdentifierInput
from api.graphql.customers.reading import read_back
from api.graphql.customers.types import Customer
from api.graphql.errors import BUSINESS, UserError
from api.graphql.fields import mutation
from api.graphql.identity.rules import IdentityRules, UpdateIdentityRulesInput
from api.graphql.operations.types import Operation
from api.graphql.scopes import Scope
from oneid.services.reprocessing import KIND
from oneid.services.stewardship import Split


@strawberry.type(description="The answer to updateIdentityRules.")
class UpdateIdentityRulesPayload:
    identity_rules: IdentityRules | None = strawberry.field(description="The rules after the change.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was changed; empty on success.")


@strawberry.input(description="An identifier to take off its customer.")
class UnlinkIdentifierInput:
    identifier: IdentifierInput = strawberry.field(description="The identifier.")
    reason: str | None = strawberry.field(default=None, description="Why, for the audit log.")


@strawberry.type(description="The answer to unlinkIdentifier.")
class UnlinkIdentifierPayload:
    customer: Customer | None = strawberry.field(description="The customer that it was taken off.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was changed; empty on success.")


@strawberry.input(description="Identifiers to take out of a customer into one of their own.")
class SplitCustomerInput:
    customer: CustomerLookup = strawberry.field(description="The customer to split.")
    identifiers: list[IdentifierInput] = strawberry.field(description="What to take out: not all it has.")
    sticky: bool | None = strawberry.field(
        default=False, description="Whether later events may not bring the two together again."
    )
    reason: str | None = strawberry.field(default=None, description="Why, for the audit log.")

    async def to_domain(self, context: Context) -> Split:
        """Raises NotFound."""
        record = await self.customer.get(context, "customer")
        named = [
            await identifier.normalised(context, "identifiers", str(number))
            for number, identifier in enumerate(self.identifiers)
        ]
        return Split(record.one_id, named, bool(self.sticky), self.reason)


@strawberry.type(description="The answer to splitCustomer.")
class SplitCustomerPayload:
    kept: Customer | None = strawberry.field(
        description="The part that keeps the ONE-ID: the one with the oldest identifier."
    )
    split_off: Customer | None = strawberry.field(
        description="The other part, under its former ONE-ID or a new one."
    )
    user_errors: list[UserError] = strawberry.field(description="Why nothing was split; empty on success.")


@strawberry.input(description="How to rebuild identities from the event log.")
class ReprocessIdentitiesInput:
    dry_run: bool | None = strawberry.field(
        default=False, description="Only say what would be different; nothing is changed."
    )


@strawberry.type(description="The answer to reprocessIdentities.")
class ReprocessIdentitiesPayload:
    operation: Operation | None = strawberry.field(
        description="The work under way; its result counts what is different and shows a sample."
    )
    user_errors: list[UserError] = strawberry.field(description="Why it was not begun; empty on success.")


@strawberry.type
class IdentityMutations:
    @mutation("Changes the identity rules for events resolved from now on.", Scope.ADMIN)
    async def update_identity_rules(
        self, info: Info, input: InputOf[UpdateIdentityRulesInput]
    ) -> UpdateIdentityRulesPayload:
        try:
            rules = await info.context.services.identity.update_rules(input.to_domain())
        except BUSINESS as error:
            return UpdateIdentityRulesPayload(identity_rules=None, user_errors=[UserError.from_domain(error)])
        return UpdateIdentityRulesPayload(identity_rules=IdentityRules.from_domain(rules), user_errors=[])

    @mutation(
        "Takes an identifier off its customer, who keeps its history; later events may link it again.",
        Scope.CUSTOMERS_WRITE,
    )
    async def unlink_identifier(
        self, info: Info, input: InputOf[UnlinkIdentifierInput]
    ) -> UnlinkIdentifierPayload:
        services = info.context.services
        try:
            identifier = await input.identifier.normalised(info.context, "identifier")
            one_id = await services.stewardship.unlink(identifier, input.reason)
        except BUSINESS as error:
            return UnlinkIdentifierPayload(customer=None, user_errors=[UserError.from_domain(error)])
        return UnlinkIdentifierPayload(customer=await read_back(info.context, one_id), user_errors=[])

    @mutation(
        "Takes identifiers out of a customer into one of their own; their events and attributes go along.",
        Scope.CUSTOMERS_WRITE,
    )
    async def split_customer(self, info: Info, input: InputOf[SplitCustomerInput]) -> SplitCustomerPayload:
        services = info.context.services
        try:
            parts = await services.stewardship.split(await input.to_domain(info.context))
        except BUSINESS as error:
            return SplitCustomerPayload(kept=None, split_off=None, user_errors=[UserError.from_domain(error)])
        kept, off = [await read_back(info.context, one_id) for one_id in parts]
        return SplitCustomerPayload(kept=kept, split_off=off, user_errors=[])

    @mutation(
        "Rebuilds identities from the event log under today's rules; an operator's acts survive it.",
        Scope.ADMIN,
    )
    async def reprocess_identities(
        self, info: Info, input: InputOf[ReprocessIdentitiesInput]
    ) -> ReprocessIdentitiesPayload:
        given, actor = {"dryRun": bool(input.dry_run)}, info.context.actor.id
        try:
            started = await info.context.services.operations.start(KIND, given, actor=actor, alone=True)
        except BUSINESS as error:
            return ReprocessIdentitiesPayload(operation=None, user_errors=[UserError.from_domain(error)])
        return ReprocessIdentitiesPayload(operation=Operation.from_domain(started), user_errors=[])
