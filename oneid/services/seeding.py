"""Seeding: a deployment full of made-up people, written past the log, for benchmarks and trials."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from graph import seeds
from graph.client import Graph
from oneid.clock import Clock, sequence
from oneid.domain import seeding
from oneid.domain.ids import one_id
from search.events import EventIndex

SLICE: Final = 1_000
EVENTS_AT_ONCE: Final = 5_000


@dataclass(frozen=True, slots=True)
class Seed:
    """How many people, and how many events each of them has. The same `run` gives the same people."""

    run: str
    customers: int
    events_each: int = 0


class SeedService:
    """Writes people and their events. A run that was interrupted goes on where it stopped."""

    def __init__(self, graph: Graph, events: EventIndex, clock: Clock) -> None:
        self._graph = graph
        self._events = events
        self._clock = clock

    async def seed(self, seed: Seed, progress: Callable[[int], None]) -> None:
        """Calls `progress` with the number of people that are done. Memory: one slice. Raises Retriable."""
        done = await seeds.done(self._graph, seed.run)
        progress(min(done, seed.customers))
        for low in range(done, seed.customers, SLICE):
            await self._slice(seed, low, min(low + SLICE, seed.customers))
            progress(min(low + SLICE, seed.customers))

    async def _slice(self, seed: Seed, low: int, high: int) -> None:
        """Events first: people without them would not be made good."""
        until, first = self._clock.now(), sequence()
        people = [
            (one_id(first + number), first + 10 * (number - low), seeding.person(seed.run, number, until))
            for number in range(low, high)
        ]
        batch = [
            event
            for name, _, person in people
            for event in seeding.events(seed.run, person, name, seed.events_each, until)
        ]
        for start in range(0, len(batch), EVENTS_AT_ONCE):
            await self._events.store(batch[start : start + EVENTS_AT_ONCE])
        await seeds.write(self._graph, seed.run, people)
