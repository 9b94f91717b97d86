"""Seeding: a deployment full of made-up people, written past the log, for benchmarks and trials."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from graph import seeds
from graph.client import Graph
from graph.seeds import Begun
from oneid.clock import Clock, sequence
from oneid.domain import seeding
from oneid.domain.customers import CustomerRecord
from oneid.domain.messages import StoredEvent
from oneid.services.profile_writer import ProfileWriter
from search.events import EventIndex

SLICE: Final = 500
AHEAD: Final = 4
"""So many slices are with the index while the next one is made up: each server has work all the time."""

PAUSE: Final = 20
"""After so many people the event loop gets its turn, so that what is being sent goes on being sent."""


@dataclass(frozen=True, slots=True)
class Seed:
    """How many people, and how many events each of them has. The same `run` gives the same people."""

    run: str
    customers: int
    events_each: int = 0


@dataclass(frozen=True, slots=True)
class Slice:
    """Some people on their way: `done` are written with them."""

    done: int
    people: list[CustomerRecord]
    indexed: "asyncio.Task[None]"


class SeedService:
    """Writes people, their documents and their events. A run that was interrupted goes on where it stopped: ONE-IDs
    come from its name, so that what was written already is written over."""

    def __init__(self, graph: Graph, events: EventIndex, writer: ProfileWriter, clock: Clock) -> None:
        self._graph = graph
        self._events = events
        self._writer = writer
        self._clock = clock

    async def seed(self, seed: Seed, progress: Callable[[int], None]) -> None:
        """Calls `progress` with the number of people that are done. Memory: a few slices. Raises Retriable."""
        begun = await seeds.begin(self._graph, seed.run, sequence(), self._clock.now())
        progress(min(begun.done, seed.customers))
        ahead = deque[Slice]()
        try:
            for low in range(begun.done, seed.customers, SLICE):
                ahead.append(await self._made(seed, begun, low, min(low + SLICE, seed.customers)))
                if len(ahead) > AHEAD:
                    progress(await self._finished(seed, ahead.popleft()))
            while ahead:
                progress(await self._finished(seed, ahead.popleft()))
        finally:
            for left in ahead:
                left.indexed.cancel()
            await asyncio.gather(*(left.indexed for left in ahead), return_exceptions=True)

    async def _made(self, seed: Seed, begun: Begun, low: int, high: int) -> Slice:
        people, events = list[CustomerRecord](), list[StoredEvent]()
        for number in range(low, high):
            person = seeding.person(seed.run, number, begun.until)
            record = seeding.record(seed.run, person, begun.first)
            people.append(record)
            events += seeding.events(seed.run, person, record.one_id, seed.events_each, begun.until)
            if number % PAUSE == 0:
                await asyncio.sleep(0)
        return Slice(high, people, asyncio.create_task(self._indexed(people, events)))

    async def _indexed(self, people: list[CustomerRecord], events: list[StoredEvent]) -> None:
        await self._events.store(events)
        await self._writer.write(people, [])

    async def _finished(self, seed: Seed, made: Slice) -> int:
        """The index first: people without events would not be made good."""
        await made.indexed
        await seeds.write(self._graph, seed.run, made.done, made.people)
        return made.done
