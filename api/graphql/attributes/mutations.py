"""Declaring attributes."""

import strawberry

from api.graphql.arguments import InputOf
from api.graphql.attributes.types import AttributeDefinition, AttributeType
from api.graphql.context import Info
from api.graphql.errors import BUSINESS, UserError
from api.graphql.fields import root
from api.graphql.scopes import Scope
from oneid.domain import catalog
from oneid.services.attributes import DefinitionChange


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

    def to_domain(self) -> DefinitionChange:
        return DefinitionChange(
            key=self.key,
            type=catalog.AttributeType[self.type.name],
            enum_values=None if self.enum_values is None else tuple(dict.fromkeys(self.enum_values)),
            pii=self.pii,
            storefront_visible=self.storefront_visible,
            description=self.description,
        )


@strawberry.type(description="The answer to defineAttribute.")
class DefineAttributePayload:
    attribute: AttributeDefinition | None = strawberry.field(description="The definition after the change.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was changed; empty on success.")


@strawberry.type
class AttributeMutations:
    @root("Declares an attribute: at once writable, checked, indexed and good for conditions.", Scope.ADMIN)
    async def define_attribute(
        self, info: Info, input: InputOf[DefineAttributeInput]
    ) -> DefineAttributePayload:
        try:
            definition = await info.context.services.attributes.define(input.to_domain())
        except BUSINESS as error:
            return DefineAttributePayload(attribute=None, user_errors=[UserError.from_domain(error)])
        return DefineAttributePayload(attribute=AttributeDefinition.from_domain(definition), user_errors=[])
