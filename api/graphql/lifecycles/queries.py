"""Reading lifecycles, and asking what one would do."""

from typing import Annotated

import strawberry

from api.graphql.charges import PREVIEW
from api.graphql.context import Context, Info
from api.graphql.fields import root
from api.graphql.lifecycles.inputs import DefineLifecycleInput
from api.graphql.lifecycles.types import Lifecycle, StageFlow
from api.graphql.scopes import Scope

Model = Annotated[DefineLifecycleInput, strawberry.argument(description="The lifecycle as it would be.")]


async def lifecycle_node(context: Context, key: str) -> Lifecycle | None:
    """A lifecycle by its own id."""
    found = await context.loaders.lifecycles.load(None)
    return next((Lifecycle.from_domain(one) for one in found if one.id == key), None)


@strawberry.type
class LifecycleQueries:
    @root("Lifecycles, in order of their keys.", Scope.SEGMENTS_READ, size=10)
    async def lifecycles(self, info: Info) -> list[Lifecycle]:
        return list(map(Lifecycle.from_domain, await info.context.loaders.lifecycles.load(None)))

    @root(
        "How many would come to another stage; nothing changes.", Scope.SEGMENTS_READ, weight=PREVIEW, size=20
    )
    async def lifecycle_preview(self, info: Info, input: Model) -> list[StageFlow]:
        flows = await info.context.services.lifecycles.preview(*input.to_domain(), personal=info.context.pii)
        return list(map(StageFlow.from_domain, flows))
