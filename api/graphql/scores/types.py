"""Models of scores, score cards, and how many have which scores."""

from enum import Enum

import strawberry
from strawberry.scalars import JSON

from api.graphql.charges import AGGREGATION
from api.graphql.context import Info
from api.graphql.fields import field
from oneid.domain.scores import models, rfm
from oneid.services.scores import Distribution
from oneid.services.scores import ScoreCard as Card


@strawberry.enum(description="What a model scores.")
class ScoreKind(Enum):
    RFM = strawberry.enum_value("RFM", description="Recency, frequency, monetary value: each 1 to 5.")
    VAP = strawberry.enum_value("VAP", description="Value, attrition, potential: each 1 to 3.")


@strawberry.type(description="How many customers have something.")
class ScoreCount:
    name: str = strawberry.field(description="The cell, such as 543, or the group.")
    count: int = strawberry.field(description="How many.")


@strawberry.type(description="How many customers have which scores now.")
class ScoreDistribution:
    scored: int = strawberry.field(description="How many have scores at all.")
    cells: list[ScoreCount] = strawberry.field(description="By cell; those that nobody is in are left out.")
    groups: list[ScoreCount] = strawberry.field(description="By group, in the order of the model.")

    @classmethod
    def from_domain(cls, found: Distribution) -> "ScoreDistribution":
        return cls(
            scored=found.scored,
            cells=[ScoreCount(name=cell, count=count) for cell, count in sorted(found.cells.items())],
            groups=[ScoreCount(name=group, count=count) for group, count in found.groups.items()],
        )


@strawberry.type(description="A model of scores.")
class ScoreModel:
    key: str = strawberry.field(description="Its name in code.")
    kind: ScoreKind = strawberry.field(description="What it scores.")
    version: int = strawberry.field(description="Grows with each change.")
    thresholds: JSON = strawberry.field(description="By scale the least for each score from 2 on.")
    model: strawberry.Private[models.ScoreModel]

    @field("How many customers have which scores now.", weight=AGGREGATION)
    async def distribution(self, info: Info) -> ScoreDistribution:
        return ScoreDistribution.from_domain(await info.context.services.scores.distribution(self.model))

    @classmethod
    def from_domain(cls, model: models.ScoreModel) -> "ScoreModel":
        return cls(
            key=model.key,
            kind=ScoreKind[model.kind.name],
            version=model.version,
            thresholds=JSON(thresholds(model.spec)),
            model=model,
        )


@strawberry.type(description="One score, explained.")
class Score:
    scale: str = strawberry.field(description="r, f, m; or v, a, p.")
    score: int | None = strawberry.field(description="The score; null without scores.")
    value: float | None = strawberry.field(description="What it comes from: days, a number, a sum, times.")
    explanation: str = strawberry.field(description="What that is, and what it is compared with.")


@strawberry.type(description="The scores of a customer by one model, now.")
class ScoreCard:
    model: str = strawberry.field(description="The model's key.")
    kind: ScoreKind = strawberry.field(description="What is scored.")
    cell: str | None = strawberry.field(description="The scores side by side, such as 543; null without any.")
    group: str | None = strawberry.field(description="The name that the model has for the cell.")
    scores: list[Score] = strawberry.field(description="Each score with what it comes from.")

    @classmethod
    def from_domain(cls, card: Card) -> "ScoreCard":
        return cls(
            model=card.model.key,
            kind=ScoreKind[card.model.kind.name],
            cell=card.cell,
            group=card.group,
            scores=[
                Score(scale=scale, score=card.scores.get(scale), value=fact.value, explanation=fact.told)
                for scale, fact in card.facts.items()
            ],
        )


def thresholds(spec: models.Spec) -> dict[str, list[float]]:
    if isinstance(spec, rfm.RfmModel):
        return {"r": list(spec.recency), "f": list(spec.frequency), "m": list(spec.monetary)}
    return {"v": list(spec.value), "a": list(spec.attrition), "p": [spec.categories, spec.engagements]}
