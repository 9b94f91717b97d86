"""Moving the clock of a sandbox."""

import strawberry
from strawberry import UNSET

from api.graphql.arguments import InputOf
from api.graphql.clock.types import Clock
from api.graphql.context import Info
from api.graphql.errors import BUSINESS, UserError
from api.graphql.fields import mutation
from api.graphql.scalars import DateTime
from api.graphql.scopes import Scope
from oneid.domain.messages import parse_time
from oneid.services.clock import ClockService


@strawberry.input(one_of=True, description="How far to move the clock; it never goes back.")
class AdvanceClockInput:
    by: str | None = strawberry.field(default=UNSET, description="An ISO-8601 duration, such as P3D.")
    to: DateTime | None = strawberry.field(default=UNSET, description="A moment.")

    async def apply(self, clock: ClockService) -> None:
        """Raises InvalidInput, Conflict."""
        if self.to:
            await clock.advance_to(parse_time(self.to))
        else:
            await clock.advance_by(self.by or "")


@strawberry.type(description="The answer to advanceClock.")
class AdvanceClockPayload:
    clock: Clock = strawberry.field(description="The clock after the move.")
    user_errors: list[UserError] = strawberry.field(description="Why it was not moved; empty on success.")


@strawberry.type
class ClockMutations:
    @mutation("Moves the business clock forwards, in every process within 100 ms. Sandbox only.", Scope.ADMIN)
    async def advance_clock(self, info: Info, input: InputOf[AdvanceClockInput]) -> AdvanceClockPayload:
        clock = info.context.services.clock
        errors: list[UserError] = []
        try:
            await input.apply(clock)
        except BUSINESS as error:
            errors = [UserError.from_domain(error)]
        return AdvanceClockPayload(clock=Clock.from_domain(clock), user_errors=errors)
