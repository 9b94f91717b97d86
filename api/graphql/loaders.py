"""DataLoaders: what many objects of one operation ask for is read in one query."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from strawberry.dataloader import DataLoader

from api.graphql.relay import Page
from oneid.bootstrap import Services
from oneid.domain.consents import ConsentHistory
from oneid.domain.customers import CustomerRecord
from oneid.domain.decisions import Decision
from oneid.domain.households import Household
from oneid.domain.lifecycles import Lifecycle, Position, StageChange
from oneid.domain.messages import StoredEvent, parse_time
from oneid.domain.operations import Operation
from oneid.domain.proposals import MergeProposal
from oneid.domain.segments.definitions import Segment
from oneid.domain.segments.membership import Transition
from oneid.domain.tags.tree import TagTree
from oneid.services.scores import ScoreCard
from oneid.services.tags import Held
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


@dataclass(frozen=True, slots=True)
class TransitionsOf:
    """The first `size` transitions of a segment after a sequence, at or after `since` (milliseconds)."""

    segment: str
    size: int
    after: int
    since: int


@dataclass(frozen=True, slots=True)
class MembersOf:
    """The first `size` members of a household after a ONE-ID."""

    household: str
    size: int
    after: str


class Loaders:
    """The loaders of one operation, each made when it is first needed."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._scores: dict[str, DataLoader[str, ScoreCard | None]] = {}

    @cached_property
    def customers(self) -> DataLoader[str, CustomerRecord | None]:
        """Customers by ONE-ID, former ones too."""
        return DataLoader(self._services.customers.by_one_ids)

    @cached_property
    def events(self) -> DataLoader[EventsOf, SearchPage[StoredEvent]]:
        """Pages of customers' events."""
        return DataLoader(self._events)

    @cached_property
    def messages(self) -> DataLoader[str, StoredEvent | None]:
        """Events by messageId."""
        return DataLoader(self._messages)

    @cached_property
    def decisions(self) -> DataLoader[DecisionsOf, list[Decision]]:
        """Pages of customers' decisions."""
        return DataLoader(self._decisions)

    @cached_property
    def decision_counts(self) -> DataLoader[OneIds, int]:
        """How many decisions customers have."""
        return DataLoader(self._services.decision_pages.counts)

    @cached_property
    def households(self) -> DataLoader[str, Household | None]:
        """Households by id."""
        return DataLoader(self._services.households.by_ids)

    @cached_property
    def homes(self) -> DataLoader[str, list[Household]]:
        """Households by a member's ONE-ID."""
        return DataLoader(self._services.households.of_customers)

    @cached_property
    def memberships(self) -> DataLoader[str, list[Segment]]:
        """The segments that customers are in now, by ONE-ID."""
        return DataLoader(self._services.memberships.of)

    @cached_property
    def segments(self) -> DataLoader[str, Segment | None]:
        """Segments by id or key."""
        return DataLoader(self._services.segments.named)

    @cached_property
    def segment_counts(self) -> DataLoader[Segment, int]:
        """How many are in segments now."""
        return DataLoader(self._services.segments.counts, cache_key_fn=lambda segment: segment.id)

    @cached_property
    def transitions(self) -> DataLoader[TransitionsOf, list[Transition]]:
        """Pages of segments' transitions."""
        return DataLoader(self._transitions)

    @cached_property
    def transition_counts(self) -> DataLoader[tuple[str, int], int]:
        """How many transitions segments have, by id, at or after a time in milliseconds."""
        return DataLoader(self._transition_counts)

    @cached_property
    def tag_tree(self) -> DataLoader[None, TagTree]:
        """All tags, for the key None."""
        return DataLoader(lambda keys: alike(keys, self._services.tags.tree()))

    @cached_property
    def tags(self) -> DataLoader[str, list[Held]]:
        """The tags that customers have now, by ONE-ID."""
        return DataLoader(self._services.tags.of)

    @cached_property
    def tag_counts(self) -> DataLoader[tuple[str, bool], int]:
        """How many customers have tags, by id; with True also those below."""
        return DataLoader(self._services.tags.counts)

    @cached_property
    def lifecycles(self) -> DataLoader[None, list[Lifecycle]]:
        """All lifecycles, for the key None."""
        return DataLoader(lambda keys: alike(keys, self._services.lifecycles.all()))

    @cached_property
    def distributions(self) -> DataLoader[Lifecycle, dict[str, int]]:
        """How many are in the stages of lifecycles now."""
        return DataLoader(
            self._services.lifecycles.distributions, cache_key_fn=lambda lifecycle: lifecycle.id
        )

    @cached_property
    def operations(self) -> DataLoader[str, Operation | None]:
        """Operations by id."""
        return DataLoader(self._services.operations.named)

    @cached_property
    def proposals(self) -> DataLoader[str, MergeProposal | None]:
        """Merge proposals by id."""
        return DataLoader(self._services.proposals.named)

    @cached_property
    def stages(self) -> DataLoader[str, list[tuple[Lifecycle, Position]]]:
        """Where customers are in each lifecycle, by ONE-ID."""
        return DataLoader(self._services.lifecycles.of)

    @cached_property
    def stage_changes(self) -> DataLoader[OneIds, list[tuple[Lifecycle, StageChange]]]:
        """How customers went from stage to stage, by all of their ONE-IDs."""
        return DataLoader(self._services.lifecycles.histories)

    @cached_property
    def consents(self) -> DataLoader[str, list[ConsentHistory]]:
        """What customers allowed and took back, by ONE-ID."""
        return DataLoader(self._services.consents.of)

    def scores(self, model: str) -> DataLoader[str, ScoreCard | None]:
        """The scores of customers by a model, by ONE-ID."""

        async def load(one_ids: list[str]) -> list[ScoreCard | None]:
            return await self._services.scores.cards_of(model, one_ids)

        return self._scores.setdefault(model, DataLoader(load))

    @cached_property
    def members(self) -> DataLoader[MembersOf, list[CustomerRecord]]:
        """Pages of households' members."""
        return DataLoader(self._members)

    @cached_property
    def member_counts(self) -> DataLoader[str, int]:
        """How many members households have."""
        return DataLoader(self._services.households.member_counts)

    async def _transitions(self, asked: list[TransitionsOf]) -> list[list[Transition]]:
        async def read(group: tuple[int, int, int], keys: Sequence[TransitionsOf]) -> list[list[Transition]]:
            return await self._services.transitions.of([key.segment for key in keys], *group)

        return await by_group(asked, lambda key: (key.size, key.after, key.since), read)

    async def _transition_counts(self, asked: list[tuple[str, int]]) -> list[int]:
        async def read(since: int, keys: Sequence[tuple[str, int]]) -> list[int]:
            return await self._services.transitions.counts([segment for segment, _ in keys], since)

        return await by_group(asked, lambda key: key[1], read)

    async def _members(self, asked: list[MembersOf]) -> list[list[CustomerRecord]]:
        async def read(group: tuple[int, str], keys: Sequence[MembersOf]) -> list[list[CustomerRecord]]:
            return await self._services.households.members([key.household for key in keys], *group)

        return await by_group(asked, lambda key: (key.size, key.after), read)

    async def _events(self, asked: list[EventsOf]) -> list[SearchPage[StoredEvent]]:
        return await self._services.event_pages.of([one.request for one in asked])

    async def _messages(self, ids: list[str]) -> list[StoredEvent | None]:
        found = await self._services.events.get(ids)
        return [found.get(id_) for id_ in ids]

    async def _decisions(self, asked: list[DecisionsOf]) -> list[list[Decision]]:
        async def read(group: tuple[int, int], keys: Sequence[DecisionsOf]) -> list[list[Decision]]:
            return await self._services.decision_pages.of([key.one_ids for key in keys], *group)

        return await by_group(asked, lambda key: (key.size, key.after), read)


async def alike(keys: Sequence[None], read: Awaitable[V]) -> list[V]:
    """The same for each key, read once."""
    return [await read] * len(keys)


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
