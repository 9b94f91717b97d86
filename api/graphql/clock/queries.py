"""Reading the clock."""

import strawberry

from api.graphql.clock.types import Clock
from api.graphql.context import Info
from api.graphql.fields import root
from api.graphql.scopes import Scope


@strawberry.type
class ClockQueries:
    @root("The business clock.", Scope.CUSTOMERS_READ)
    def clock(self, info: Info) -> Clock:
        return Clock.from_domain(info.context.services.clock)
