"""Totals of events."""

from decimal import Decimal
from enum import Enum
from typing import Annotated

import strawberry

from api.graphql.charges import AGGREGATION
from api.graphql.context import Info
from api.graphql.fields import root
from api.graphql.scalars import DateTime
from api.graphql.scopes import Scope
from oneid.domain.messages import parse_time
from oneid.errors import Forbidden
from search import totals
from search.events import EventFilter

Property = Annotated[
    str | None,
    strawberry.argument(
        description="A total for each value of this property, at most 1,000; dots lead into objects. Events "
        'without it have the key "", those with a list count for each of its entries.'
    ),
]


@strawberry.enum(description="What a total is kept for. Times are in the deployment's time zone.")
class EventGroup(Enum):
    NAME = strawberry.enum_value("NAME", description="Each event name.")
    SOURCE = strawberry.enum_value("SOURCE", description="Each source.")
    CHANNEL = strawberry.enum_value("CHANNEL", description="Each channel.")
    HOUR = strawberry.enum_value("HOUR", description="Each hour.")
    DAY = strawberry.enum_value("DAY", description="Each day.")
    WEEK = strawberry.enum_value("WEEK", description="Each week, by its Monday.")
    MONTH = strawberry.enum_value("MONTH", description="Each month.")


@strawberry.type(description="A total over events.")
class EventTotal:
    key: str = strawberry.field(description="What it is the total of; empty without groupBy.")
    events: int = strawberry.field(description="How many events.")
    customers: int = strawberry.field(description="Of how many different customers, exactly.")
    sum: Decimal | None = strawberry.field(
        description="The sum of the property, exactly; null without `sum`."
    )

    @classmethod
    def from_domain(cls, total: totals.EventTotal) -> "EventTotal":
        return cls(key=total.key, events=total.events, customers=total.customers, sum=total.sum)


@strawberry.type
class EventQueries:
    @root(
        "Events, customers and the sum of a numeric property, added up.",
        Scope.ANALYTICS_READ,
        weight=AGGREGATION,
        size=100,
    )
    async def event_totals(
        self,
        info: Info,
        names: Annotated[list[str] | None, strawberry.argument(description="Of these names only.")] = None,
        since: Annotated[DateTime | None, strawberry.argument(description="At this time or later.")] = None,
        until: Annotated[DateTime | None, strawberry.argument(description="Before this time.")] = None,
        sum: Annotated[str | None, strawberry.argument(description="A numeric property to add up.")] = None,
        group_by: Annotated[EventGroup | None, strawberry.argument(description="A total for each.")] = None,
        group_by_property: Property = None,
    ) -> list[EventTotal]:
        if sum is not None and not info.context.reader.may_ask(sum):
            raise Forbidden("to add up personal data needs the scope pii:read", field=("sum",))
        wanted = EventFilter(
            names, parse_time(since) if since else None, parse_time(until) if until else None
        )
        group = totals.EventGroup(group_by.name) if group_by else None
        if group_by_property is not None and not info.context.reader.may_ask(group_by_property):
            raise Forbidden("values of personal data need the scope pii:read", field=("groupByProperty",))
        found = await info.context.services.totals.by_key(wanted, sum=sum, group=group, by=group_by_property)
        return [EventTotal.from_domain(total) for total in found]
