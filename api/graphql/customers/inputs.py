"""How callers name a customer."""

import strawberry
from strawberry import UNSET

from api.graphql.context import Context
from api.graphql.relay import decode_id
from oneid.domain.customers import CustomerRecord
from oneid.domain.identifiers import Identifier
from oneid.errors import NotFound
from oneid.services.identity import Party


@strawberry.input(description="An identifier as anybody writes it; it is normalised.")
class IdentifierInput:
    type: str = strawberry.field(description="The declared type, such as phone.")
    value: str = strawberry.field(description="The value.")

    async def normalised(self, context: Context, *field: str) -> Identifier:
        """The identifier. Raises NotFound for a value that can't be anybody's."""
        found = await context.services.customers.normalised(self.type, self.value)
        if found is None:
            raise NotFound(f"this is nobody's {self.type}", field=field)
        return found


@strawberry.input(one_of=True, description="One way to name a customer.")
class CustomerLookup:
    id: strawberry.ID | None = strawberry.field(default=UNSET, description="By global id.")
    one_id: str | None = strawberry.field(default=UNSET, description="By ONE-ID, a former one too.")
    identifier: IdentifierInput | None = strawberry.field(default=UNSET, description="By an identifier.")

    async def find(self, context: Context) -> CustomerRecord | None:
        """The customer, None if nobody is named so."""
        customers = context.services.customers
        if self.identifier:
            return await customers.by_identifier(self.identifier.type, self.identifier.value)
        if self.id:
            kind, one_id = decode_id(self.id) or ("", "")
            return await customers.by_one_id(one_id) if kind == "Customer" else None
        return await customers.by_one_id(self.one_id or "")

    async def get(self, context: Context, *field: str) -> CustomerRecord:
        """The customer. Raises NotFound with the argument's path."""
        record = await self.find(context)
        if record is None:
            raise NotFound("there is no such customer", field=field)
        return record

    async def party(self, context: Context, *field: str) -> Party:
        """The customer and what named it: an identifier or a ONE-ID. Raises NotFound."""
        record = await self.get(context, *field)
        if not self.identifier:
            asked = decode_id(self.id) if self.id else None
            return Party(record, one_id=asked[1] if asked else self.one_id or None)
        named = await context.services.customers.normalised(self.identifier.type, self.identifier.value)
        return Party(record, named)
