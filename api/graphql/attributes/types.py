"""What is declared about attributes."""

from enum import Enum

import strawberry

from oneid.domain import catalog


@strawberry.enum(description="What an attribute holds.")
class AttributeType(Enum):
    STRING = strawberry.enum_value("STRING", description="A text of at most 2,000 characters.")
    NUMBER = strawberry.enum_value("NUMBER", description="A number; compared with 53 bits of precision.")
    BOOLEAN = strawberry.enum_value("BOOLEAN", description="true or false.")
    DATE = strawberry.enum_value("DATE", description="RFC 3339; a day alone is its midnight in UTC.")
    ENUM = strawberry.enum_value("ENUM", description="One of the values given.")
    LIST = strawberry.enum_value("LIST", description="Texts, each of at most 2,000 characters.")
    GEO = strawberry.enum_value("GEO", description="A place: {lat, lon}, in degrees.")


@strawberry.type(description="An attribute that was declared: checked when written, good for conditions.")
class AttributeDefinition:
    key: str = strawberry.field(description="The attribute's name.")
    type: AttributeType = strawberry.field(description="What it holds.")
    enum_values: list[str] = strawberry.field(description="The values of an ENUM; else empty.")
    pii: bool = strawberry.field(description="Whether it is personal data, masked without `pii:read`.")
    storefront_visible: bool = strawberry.field(description="Whether visitors may read their own.")
    description: str = strawberry.field(description="What it means.")

    @classmethod
    def from_domain(cls, definition: catalog.AttributeDefinition) -> "AttributeDefinition":
        return cls(
            key=definition.key,
            type=AttributeType[definition.type.name],
            enum_values=list(definition.enum_values),
            pii=definition.pii,
            storefront_visible=definition.storefront_visible,
            description=definition.description,
        )
