"""How callers name a customer."""

from collections.abc import Sequence

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

    @property
    def named_one_id(self) -> str:
        """The ONE-ID that names the customer; empty if it is none, or an identifier names it."""
        if self.id:
            kind, one_id = decode_id(self.id) or ("", "")
            return one_id if kind == "Customer" else ""
        return self.one_id or ""

    async def find(self, context: Context) -> CustomerRecord | None:
        """The customer, None if nobody is named so."""
        (found,) = await find_all(context, [self])
        return found

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


async def find_all(context: Context, lookups: Sequence[CustomerLookup]) -> list[CustomerRecord | None]:
    """The customers in the order asked, None where nobody is named so: two reads, however many."""
    customers = context.services.customers
    named = [(one.identifier.type, one.identifier.value) for one in lookups if one.identifier]
    one_ids = [one.named_one_id for one in lookups if not one.identifier]
    owners = iter(await customers.by_identifiers(named) if named else ())
    others = iter(await customers.by_one_ids(one_ids) if one_ids else ())
    return [next(owners if one.identifier else others) for one in lookups]


async def get_all(context: Context, lookups: Sequence[CustomerLookup], *field: str) -> list[CustomerRecord]:
    """The customers. Raises NotFound with the place of one that nobody is named by."""
    found = list[CustomerRecord]()
    for number, record in enumerate(await find_all(context, lookups)):
        if record is None:
            raise NotFound("there is no such customer", field=(*field, str(number)))
        found.append(record)
    return found
