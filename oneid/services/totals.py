"""Totals over events, right also while the events of merged customers are on their way."""

from graph.customers import Customers
from oneid.errors import InvalidInput
from search.events import EventFilter, EventIndex
from search.totals import EventGroup, EventTotal


class EventTotals:
    """Adds events up. `zone` is the IANA time zone of days, weeks and months."""

    def __init__(self, events: EventIndex, customers: Customers, zone: str) -> None:
        self._events = events
        self._customers = customers
        self._zone = zone

    async def by_key(
        self,
        wanted: EventFilter,
        *,
        sum: str | None = None,
        group: EventGroup | None = None,
        by: str | None = None,
    ) -> list[EventTotal]:
        """Events, different customers and the exact sum of the numeric property `sum`, for each key: of the group, or
        each value of the property `by`. Raises InvalidInput for both, TooLarge for too many values."""
        if group is not None and by is not None:
            raise InvalidInput("give groupBy or groupByProperty", field=("groupByProperty",))
        former = await self._customers.moving()
        return await self._events.totals(wanted, sum=sum, group=group, by=by, zone=self._zone, former=former)
