"""Installing moments of truth."""

from typing import Any

import strawberry

from api.graphql.arguments import InputOf
from api.graphql.context import Info
from api.graphql.errors import BUSINESS, UserError
from api.graphql.fields import root
from api.graphql.moments.types import MomentOfTruth, MomentOfTruthKind
from api.graphql.scopes import Scope
from oneid.domain.moments import Moment


@strawberry.input(description="Which moment to install, and what of it is otherwise.")
class InstallMomentOfTruthInput:
    kind: MomentOfTruthKind = strawberry.field(description="Which.")
    event: str | None = strawberry.field(default=None, description="The name of the event that begins it.")
    unless: str | None = strawberry.field(
        default=None, description="The name of the event that calls it off."
    )
    property: str | None = strawberry.field(
        default=None, description="The property in which both are alike, such as the id of an order."
    )
    minutes: int | None = strawberry.field(default=None, description="After how many minutes it comes.")
    share: float | None = strawberry.field(
        default=None, description="At which share of the customer's own time between events it comes."
    )

    def changed(self) -> dict[str, Any]:
        """What is given."""
        told = {name: getattr(self, name) for name in ("event", "unless", "property", "minutes", "share")}
        return {name: value for name, value in told.items() if value is not None}


@strawberry.type(description="The answer to installMomentOfTruth.")
class InstallMomentOfTruthPayload:
    moment: MomentOfTruth | None = strawberry.field(description="The moment, with its segment.")
    created: bool = strawberry.field(
        description="Whether the segment is new; else it was there, and stays as it is."
    )
    user_errors: list[UserError] = strawberry.field(
        description="Why nothing was installed; empty on success."
    )


@strawberry.type
class MomentMutations:
    @root("Installs a moment of truth as a segment; one that is there stays.", Scope.SEGMENTS_WRITE)
    async def install_moment_of_truth(
        self, info: Info, input: InputOf[InstallMomentOfTruthInput]
    ) -> InstallMomentOfTruthPayload:
        moment, moments = Moment(input.kind.name), info.context.services.moments
        try:
            segment, created = await moments.install(moment, input.changed(), personal=info.context.pii)
        except BUSINESS as error:
            failed = [UserError.from_domain(error)]
            return InstallMomentOfTruthPayload(moment=None, created=False, user_errors=failed)
        told = MomentOfTruth.from_domain(moment, segment)
        return InstallMomentOfTruthPayload(moment=told, created=created, user_errors=[])
