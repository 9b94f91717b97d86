"""Writing and merging customers."""

from typing import Any, Final

import strawberry
from strawberry.scalars import JSON

from api.graphql.arguments import InputOf
from api.graphql.context import Context, Info
from api.graphql.customers.inputs import CustomerLookup, IdentifierInput, get_all
from api.graphql.customers.reading import read_back
from api.graphql.customers.types import Customer, DataParty
from api.graphql.errors import BUSINESS, UserError
from api.graphql.fields import mutation
from api.graphql.scopes import Scope
from oneid.domain.customers import DataParty as Party
from oneid.errors import InvalidInput, Required, TooLarge
from oneid.services.upserts import Upsert

MAX_MERGED: Final = 100


@strawberry.input(description="What to write on one customer: patch semantics, what is not named stays.")
class UpsertCustomerInput:
    identifiers: list[IdentifierInput] = strawberry.field(description="Who: at least one identifier.")
    set: JSON | None = strawberry.field(default=None, description="Attributes to set: an object.")
    set_once: JSON | None = strawberry.field(
        default=None, description="Attributes to set only where nothing is: an object."
    )
    unset: list[str] | None = strawberry.field(default=None, description="Names of attributes to remove.")
    increment: JSON | None = strawberry.field(
        default=None, description="Numbers to add to attributes: an object."
    )
    source: str | None = strawberry.field(default=None, description="Who says so; default: the key's name.")
    party: DataParty | None = strawberry.field(default=None, description="Who collected it; default FIRST.")
    expected_version: int | None = strawberry.field(
        default=None,
        description="Refuse with VERSION_CONFLICT unless this is the version; 0: no customer yet.",
    )

    def to_domain(self, actor: str) -> Upsert:
        """Raises InvalidInput where an object was expected."""
        return Upsert(
            identifiers=[(identifier.type, identifier.value) for identifier in self.identifiers],
            set=json_object(self.set, "set"),
            set_once=json_object(self.set_once, "setOnce"),
            unset=self.unset or (),
            increment=json_object(self.increment, "increment"),
            source=self.source or actor,
            party=Party[self.party.name] if self.party else Party.FIRST,
            expected_version=self.expected_version,
        )


def json_object(value: object, field: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInput("must be an object: attribute name to value", field=(field,))
    members: dict[str, Any] = value
    return members


@strawberry.type(description="The answer to upsertCustomer.")
class UpsertCustomerPayload:
    customer: Customer | None = strawberry.field(description="The customer after the change.")
    created: bool = strawberry.field(description="Whether this call made the customer.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty on success.")


@strawberry.input(description="Customers to make one.")
class MergeCustomersInput:
    into: CustomerLookup = strawberry.field(description="The customer that stays.")
    from_: list[CustomerLookup] = strawberry.field(
        name="from", description="The customers that become it, at most 100."
    )
    reason: str | None = strawberry.field(default=None, description="Why, for the audit log.")

    async def one_ids(self, context: Context) -> tuple[str, list[str]]:
        """Whom to merge into, and whom. Raises NotFound, Required, TooLarge."""
        if not self.from_:
            raise Required("name whom to merge", field=("from",))
        if len(self.from_) > MAX_MERGED:
            raise TooLarge(f"at most {MAX_MERGED} at a time", field=("from",))
        into = await self.into.get(context, "into")
        sources = await get_all(context, self.from_, "from")
        return into.one_id, [source.one_id for source in sources]


@strawberry.type(description="The answer to mergeCustomers.")
class MergeCustomersPayload:
    customer: Customer | None = strawberry.field(description="The one customer.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was merged; empty on success.")


@strawberry.type
class CustomerMutations:
    @mutation(
        "Finds or makes the customer that the identifiers name, and writes its attributes.",
        Scope.CUSTOMERS_WRITE,
    )
    async def upsert_customer(self, info: Info, input: InputOf[UpsertCustomerInput]) -> UpsertCustomerPayload:
        services = info.context.services
        try:
            one_id, created = await services.upserts.upsert(input.to_domain(info.context.actor.name))
        except BUSINESS as error:
            return UpsertCustomerPayload(
                customer=None, created=False, user_errors=[UserError.from_domain(error)]
            )
        customer = await read_back(info.context, one_id)
        return UpsertCustomerPayload(customer=customer, created=created, user_errors=[])

    @mutation("Makes customers one by an operator's word, whatever the limits say.", Scope.CUSTOMERS_WRITE)
    async def merge_customers(self, info: Info, input: InputOf[MergeCustomersInput]) -> MergeCustomersPayload:
        services = info.context.services
        try:
            into, sources = await input.one_ids(info.context)
            one_id = await services.stewardship.merge(into, sources, input.reason)
        except BUSINESS as error:
            return MergeCustomersPayload(customer=None, user_errors=[UserError.from_domain(error)])
        return MergeCustomersPayload(customer=await read_back(info.context, one_id), user_errors=[])
