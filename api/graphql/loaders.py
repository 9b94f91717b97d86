"""DataLoaders: what many objects of one operation ask for is read in one query."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from strawberry.dataloader import DataLoader

from api.graphql.relay import Page
from api.graphql.services import Services
from oneid.domain.customers import CustomerRecord
from oneid.domain.decisions import Decision
from oneid.domain.messages import StoredEvent, parse_time
from search.event_pages import EventRequest
from search.events import EventFilter
from search.pages import Page as SearchPage

K = TypeVar("K")
G = TypeVar("G", bound=Hashable)
V = TypeVar("V")

OneIds = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EventsOf:
    """One page of a customer's events, newest first."""

    one_ids: OneIds
    names: tuple[str, ...] | None
    since: str | None
    until: str | None
    size: int
    after: str | None

    @classmethod
    def customer(
        cls, record: CustomerRecord, names: list[str] | None, since: str | None, until: str | None, page: Page
    ) -> "EventsOf":
        one_ids = (record.one_id, *record.former_one_ids)
        return cls(one_ids, None if names is None else tuple(names), since, until, page.size, page.after)

    @property
    def request(self) -> EventRequest:
        """The page as the event index takes it."""
        since, until = (parse_time(text) if text else None for text in (self.since, self.until))
        return EventRequest(self.one_ids, EventFilter(self.names, since, until), self.size, self.after)


@dataclass(frozen=True, slots=True)
class DecisionsOf:
    """The first `size` decisions about these ONE-IDs after a sequence."""

    one_ids: OneIds
    size: int
    after: int


@dataclass(slots=True)
class Loaders:
    """The loaders of one operation."""

    services: Services
    customers: DataLoader[str, CustomerRecord | None] = field(init=False)
    events: DataLoader[EventsOf, SearchPage[StoredEvent]] = field(init=False)
    messages: DataLoader[str, StoredEvent | None] = field(init=False)
    decisions: DataLoader[DecisionsOf, list[Decision]] = field(init=False)
    decision_counts: DataLoader[OneIds, int] = field(init=False)

    def __post_init__(self) -> None:
        self.customers = DataLoader(self.services.customers.by_one_ids)
        self.events = DataLoader(self._events)
        self.messages = DataLoader(self._messages)
        self.decisions = DataLoader(self._decisions)
        self.decision_counts = DataLoader(self.services.decision_pages.counts)

    def forget(self) -> None:
        """Drops what was read; the next event of a stream reads again."""
        for loader in (self.customers, self.events, self.messages, self.decisions, self.decision_counts):
            loader.clear_all()

    async def _events(self, asked: list[EventsOf]) -> list[SearchPage[StoredEvent]]:
        return await self.services.event_pages.of([one.request for one in asked])

    async def _messages(self, ids: list[str]) -> list[StoredEvent | None]:
        found = await self.services.events.get(ids)
        return [found.get(id_) for id_ in ids]

    async def _decisions(self, asked: list[DecisionsOf]) -> list[list[Decision]]:
        async def read(group: tuple[int, int], keys: Sequence[DecisionsOf]) -> list[list[Decision]]:
            return await self.services.decision_pages.of([key.one_ids for key in keys], *group)

        return await by_group(asked, lambda key: (key.size, key.after), read)


async def by_group(
    keys: Sequence[K], group_of: Callable[[K], G], read: Callable[[G, Sequence[K]], Awaitable[Sequence[V]]]
) -> list[V]:
    """Values in key order, read with one query a group; all fields of one list are one group."""
    groups: defaultdict[G, list[int]] = defaultdict(list)
    for position, key in enumerate(keys):
        groups[group_of(key)].append(position)
    values: dict[int, V] = {}
    for group, positions in groups.items():
        found = await read(group, [keys[position] for position in positions])
        values.update(zip(positions, found, strict=True))
    return [values[position] for position in range(len(keys))]
