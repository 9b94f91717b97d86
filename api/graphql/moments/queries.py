"""Listing moments of truth."""

import strawberry

from api.graphql.context import Info
from api.graphql.fields import root
from api.graphql.moments.types import MomentOfTruth
from api.graphql.scopes import Scope


@strawberry.type
class MomentQueries:
    @root(
        "The ready-made moments of truth, with the segments of those that are installed.", Scope.SEGMENTS_READ
    )
    async def moments_of_truth(self, info: Info) -> list[MomentOfTruth]:
        installed = await info.context.services.moments.installed()
        return [MomentOfTruth.from_domain(moment, segment) for moment, segment in installed.items()]
