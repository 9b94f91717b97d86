"""Declaring attributes."""

from enum import Enum

import strawberry

from api.graphql.arguments import InputOf
from api.graphql.attributes.types import AttributeDefinition, AttributeType
from api.graphql.context import Info
from api.graphql.errors import BUSINESS, UserError
from api.graphql.fields import mutation
from api.graphql.scopes import Scope
from api.graphql.segments.rules import EventPattern, stored
from oneid.domain import catalog, computations
from oneid.domain.computations import Computation
from oneid.domain.segments.parsing import pattern
from oneid.services.attributes import DefinitionChange


@strawberry.enum(description="How events become one value.")
class Aggregate(Enum):
    COUNT = strawberry.enum_value("COUNT", description="How many events.")
    SUM = strawberry.enum_value("SUM", description="The sum of a property.")
    AVG = strawberry.enum_value("AVG", description="The average of a property.")
    MIN = strawberry.enum_value("MIN", description="The least value of a property.")
    MAX = strawberry.enum_value("MAX", description="The greatest value of a property.")
    MOST_FREQUENT = strawberry.enum_value(
        "MOST_FREQUENT",
        description="The value that is there most often, at least twice; of several the first of the alphabet.",
    )
    FIRST = strawberry.enum_value("FIRST", description="The value of the first event that has one.")
    LAST = strawberry.enum_value("LAST", description="The value of the last event that has one.")
    UNIQUE_LIST = strawberry.enum_value(
        "UNIQUE_LIST", description="The different values, at most the last 100."
    )
    UNIQUE_COUNT = strawberry.enum_value("UNIQUE_COUNT", description="How many different values.")
    SHARES = strawberry.enum_value(
        "SHARES", description="The different values with their shares, as value=0.67, the largest first."
    )


@strawberry.input(description="What an attribute is computed from; nobody writes it then.")
class ComputedInput:
    event: EventPattern = strawberry.field(description="The events.")
    aggregate: Aggregate = strawberry.field(description="How they become one value.")
    property: str | None = strawberry.field(
        default=None, description="Their property; dots lead into objects. A COUNT has none."
    )
    last_days: int | None = strawberry.field(
        default=None, description="Only events of the last so many times 24 hours; default: all."
    )

    def to_domain(self) -> Computation:
        """Raises InvalidInput, TooLarge."""
        told = pattern(stored(self.event), ("computed", "event"))
        return Computation(told, computations.Aggregate(self.aggregate.name), self.property, self.last_days)


@strawberry.input(description="An attribute to declare; of one that is declared, what is not given stays.")
class DefineAttributeInput:
    key: str = strawberry.field(description="Its name: 1 to 64 letters, digits, _ or -.")
    type: AttributeType = strawberry.field(description="What it holds; that stays for ever.")
    enum_values: list[str] | None = strawberry.field(default=None, description="The values of an ENUM.")
    pii: bool | None = strawberry.field(
        default=None, description="Whether it is personal data, masked without `pii:read`; default false."
    )
    storefront_visible: bool | None = strawberry.field(
        default=None, description="Whether visitors may read their own; default false."
    )
    description: str | None = strawberry.field(default=None, description="What it means.")
    computed: ComputedInput | None = strawberry.field(
        default=None, description="What it is computed from; default: it is written."
    )

    def to_domain(self) -> DefinitionChange:
        return DefinitionChange(
            key=self.key,
            type=catalog.AttributeType[self.type.name],
            enum_values=None if self.enum_values is None else tuple(dict.fromkeys(self.enum_values)),
            pii=self.pii,
            storefront_visible=self.storefront_visible,
            description=self.description,
            computed=self.computed.to_domain() if self.computed else None,
        )


@strawberry.type(description="The answer to defineAttribute.")
class DefineAttributePayload:
    attribute: AttributeDefinition | None = strawberry.field(description="The definition after the change.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was changed; empty on success.")


@strawberry.type
class AttributeMutations:
    @mutation(
        "Declares an attribute: at once writable, checked, indexed and good for conditions.", Scope.ADMIN
    )
    async def define_attribute(
        self, info: Info, input: InputOf[DefineAttributeInput]
    ) -> DefineAttributePayload:
        try:
            definition = await info.context.services.attributes.define(input.to_domain())
        except BUSINESS as error:
            return DefineAttributePayload(attribute=None, user_errors=[UserError.from_domain(error)])
        return DefineAttributePayload(attribute=AttributeDefinition.from_domain(definition), user_errors=[])
