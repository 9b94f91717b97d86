"""Listing models of scores."""

from typing import Annotated

import strawberry

from api.graphql.context import Info
from api.graphql.fields import root
from api.graphql.scopes import Scope
from api.graphql.scores.types import ScoreModel

Key = Annotated[str | None, strawberry.argument(description="This one only.")]


@strawberry.type
class ScoreQueries:
    @root("Models of scores, in order of their keys.", Scope.SEGMENTS_READ, size=10)
    async def score_models(self, info: Info, key: Key = None) -> list[ScoreModel]:
        found = await info.context.services.scores.models()
        return [ScoreModel.from_domain(model) for model in found if key in (None, model.key)]
