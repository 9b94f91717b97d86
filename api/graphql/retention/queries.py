"""Listing retention policies."""

from typing import Annotated

import strawberry

from api.graphql.context import Info
from api.graphql.fields import root
from api.graphql.retention.types import RetentionPolicy
from api.graphql.scopes import Scope

Key = Annotated[str | None, strawberry.argument(description="This one only.")]


@strawberry.type
class RetentionQueries:
    @root("Retention policies, in order of their keys.", Scope.ADMIN)
    async def retention_policies(self, info: Info, key: Key = None) -> list[RetentionPolicy]:
        found = await info.context.services.retention.all()
        return [RetentionPolicy.from_domain(policy) for policy in found if key in (None, policy.key)]
