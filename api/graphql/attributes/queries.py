"""Reading the declared attributes."""

import strawberry

from api.graphql.attributes.types import AttributeDefinition
from api.graphql.context import Info
from api.graphql.fields import root
from api.graphql.scopes import Scope


@strawberry.type
class AttributeQueries:
    @root("The declared attributes, by name.", Scope.CUSTOMERS_READ, size=100)
    async def attribute_definitions(self, info: Info) -> list[AttributeDefinition]:
        catalog = await info.context.services.attributes.catalog()
        return [AttributeDefinition.from_domain(definition) for definition in catalog.definitions]
