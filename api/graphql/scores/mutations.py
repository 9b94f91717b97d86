"""Defining models of scores."""

from enum import Enum
from typing import Any

import strawberry

from api.graphql.arguments import InputOf
from api.graphql.context import Info
from api.graphql.errors import BUSINESS, UserError
from api.graphql.fields import mutation
from api.graphql.scopes import Scope
from api.graphql.scores.types import ScoreModel
from api.graphql.segments.rules import EventPattern, stored
from oneid.domain.scores import models
from oneid.domain.scores.rfm import RfmModel
from oneid.domain.scores.vap import VapModel
from oneid.domain.segments.parsing import pattern
from oneid.domain.segments.rules import EventPattern as Pattern
from oneid.errors import InvalidInput
from oneid.services.scores import ScoreService


@strawberry.enum(description="Names for the cells of an RFM model.")
class RfmGroups(Enum):
    EIGHT = strawberry.enum_value(
        "EIGHT", description="重要价值 and the like: each of R, F, M is 4 or 5, or not."
    )
    ELEVEN = strawberry.enum_value("ELEVEN", description="Champions and the like, by R and F.")


@strawberry.input(description="An RFM model: thresholds, or quintiles of whoever bought within the window.")
class DefineRfmInput:
    key: str = strawberry.field(description="Its name in code; a model of this key is replaced.")
    order: EventPattern = strawberry.field(description="The events that are purchases.")
    amount: str = strawberry.field(description="Their property that is the amount.")
    window_days: int = strawberry.field(default=365, description="Purchases of the last so many days count.")
    recency_days: list[int] | None = strawberry.field(
        default=None, description="Four numbers of days: within the first since the last purchase is a 5."
    )
    frequency: list[int] | None = strawberry.field(
        default=None, description="Four numbers of purchases: at least the first is a 2."
    )
    monetary: list[float] | None = strawberry.field(
        default=None, description="Four sums: at least the first is a 2."
    )
    quintiles: bool = strawberry.field(
        default=False,
        description="Compute the thresholds: each fifth of the buyers has one score, equal ones the same.",
    )
    groups: RfmGroups = strawberry.field(default=RfmGroups.EIGHT, description="Names for the cells.")

    async def to_domain(self, scores: ScoreService) -> models.ScoreModel:
        """Raises InvalidInput, TooLarge."""
        given = (self.recency_days, self.frequency, self.monetary)
        if self.quintiles != all(one is None for one in given):
            message = "give recencyDays, frequency and monetary, or have them computed as quintiles"
            raise InvalidInput(message, field=("quintiles",))
        order = told(self.order, "order")
        # Thresholds that are going to be computed.
        recency, frequency, monetary = (tuple(one or (1, 1, 1, 1)) for one in given)
        spec = RfmModel(
            order,
            self.amount,
            self.window_days,
            tuple(int(days) for days in recency),
            tuple(int(count) for count in frequency),
            monetary,
            self.groups.name,
        )
        if self.quintiles:
            spec.check()
            spec = await scores.by_quintiles(spec)
        return models.ScoreModel(self.key, models.ScoreKind.RFM, spec, 0)


@strawberry.input(description="A VAP model; what is not given has the defaults of the documentation.")
class DefineVapInput:
    key: str = strawberry.field(description="Its name in code; a model of this key is replaced.")
    order: EventPattern = strawberry.field(description="The events that are orders.")
    amount: str = strawberry.field(description="Their property that is the amount, also of refunds.")
    refund: EventPattern | None = strawberry.field(
        default=None, description="The events whose amount is taken off."
    )
    category: str = strawberry.field(description="The property of orders whose different values are breadth.")
    engagement: EventPattern = strawberry.field(description="The events that are engagement.")
    window_days: int | None = strawberry.field(default=None, description="Of value and potential; 365.")
    value: list[float] | None = strawberry.field(
        default=None, description="Two sums: at least the first is a 2; 1000 and 5000."
    )
    terciles: bool = strawberry.field(
        default=False,
        description="Compute the two sums: each third of those who ever ordered has one score, equal ones the same.",
    )
    attrition: list[float] | None = strawberry.field(
        default=None,
        description="Two multiples of the customer's median time between orders; 1 and 2.",
    )
    usual_days: int | None = strawberry.field(
        default=None, description="That time for who has ordered once; 90."
    )
    categories: int | None = strawberry.field(default=None, description="Breadth is so many; 3.")
    engagements: int | None = strawberry.field(default=None, description="Engagement is so many events; 5.")

    async def to_domain(self, scores: ScoreService) -> models.ScoreModel:
        """Raises InvalidInput, TooLarge."""
        if self.terciles and self.value is not None:
            raise InvalidInput("give `value`, or have it computed as terciles", field=("terciles",))
        named = ("window_days", "usual_days", "categories", "engagements")
        options: dict[str, Any] = {
            name: getattr(self, name) for name in named if getattr(self, name) is not None
        }
        options |= {
            name: tuple(given)
            for name in ("value", "attrition")
            if (given := getattr(self, name)) is not None
        }
        spec = VapModel(
            told(self.order, "order"),
            self.amount,
            told(self.refund, "refund") if self.refund else None,
            self.category,
            told(self.engagement, "engagement"),
            **options,
        )
        if self.terciles:
            spec.check()
            spec = await scores.by_terciles(spec)
        return models.ScoreModel(self.key, models.ScoreKind.VAP, spec, 0)


def told(given: EventPattern, name: str) -> Pattern:
    return pattern(stored(given), (name,))


@strawberry.type(description="The answer to defineRfm.")
class DefineRfmPayload:
    model: ScoreModel | None = strawberry.field(description="The model.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was saved; empty on success.")


@strawberry.type(description="The answer to defineVap.")
class DefineVapPayload:
    model: ScoreModel | None = strawberry.field(description="The model.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was saved; empty on success.")


@strawberry.type
class ScoreMutations:
    @mutation("Defines an RFM model; segments that name it follow at once.", Scope.SEGMENTS_WRITE)
    async def define_rfm(self, info: Info, input: InputOf[DefineRfmInput]) -> DefineRfmPayload:
        scores = info.context.services.scores
        try:
            model = await scores.define(await input.to_domain(scores), personal=info.context.pii)
        except BUSINESS as error:
            return DefineRfmPayload(model=None, user_errors=[UserError.from_domain(error)])
        return DefineRfmPayload(model=ScoreModel.from_domain(model), user_errors=[])

    @mutation("Defines a VAP model; segments that name it follow at once.", Scope.SEGMENTS_WRITE)
    async def define_vap(self, info: Info, input: InputOf[DefineVapInput]) -> DefineVapPayload:
        scores = info.context.services.scores
        try:
            model = await scores.define(await input.to_domain(scores), personal=info.context.pii)
        except BUSINESS as error:
            return DefineVapPayload(model=None, user_errors=[UserError.from_domain(error)])
        return DefineVapPayload(model=ScoreModel.from_domain(model), user_errors=[])
