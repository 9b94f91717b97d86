"""Resolution of the log: entries in, customers and events out, each message exactly once.

One micro-batch is one Neo4j transaction. What fails for a reason of its own is set apart: a message that raises
is kept as a dead letter and its neighbours go on. What fails for another reason waits.
"""

import asyncio
from collections import defaultdict
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Final

import structlog
from neo4j import AsyncManagedTransaction

from graph import households, identity, partitions, tombstones
from graph.attribute_catalog import AttributeCatalog
from graph.client import Graph
from graph.conditions import Conditions
from graph.rules import read_rules
from oneid.backoff import Backoff
from oneid.clock import Clock, sequence
from oneid.domain.catalog import Catalog
from oneid.domain.decisions import Decision
from oneid.domain.evidence import Prepared, prepare
from oneid.domain.households import Sighting
from oneid.domain.ids import one_id
from oneid.domain.messages import Envelope, StoredEvent, format_time
from oneid.domain.resolution import Resolution, Resolver
from oneid.domain.rules import IdentityRules
from oneid.domain.segments.intervals import milliseconds
from oneid.domain.tombstones import Tombstones
from oneid.domain.workspace import Workspace
from oneid.errors import Retriable
from oneid.log import dead_letters
from oneid.log.events import Entry, EventLog
from oneid.metrics import REFUSED_VALUES
from oneid.services.received import Received, is_applied, marks, open_entry
from search.events import EventIndex

log = structlog.get_logger("oneid.resolution")

TRIES: Final = 3
"""A message that the graph refuses so often by itself, and nothing else meanwhile, is at fault."""


class Poison(Exception):
    """One message can't be resolved; the transaction is undone and runs again without it."""

    def __init__(self, received: Received, error: Exception) -> None:
        super().__init__(received.message.message_id)
        received.failure = f"{type(error).__name__} while resolving"
        log.error("message set apart", **received.address, exc_info=error)


class ResolutionService:
    """Resolves batches of one partition in the name of `holder`, who must have taken it (`partitions.take`)."""

    def __init__(
        self,
        graph: Graph,
        log: EventLog,
        events: EventIndex,
        clock: Clock,
        *,
        partition: int,
        holder: str,
        region: str,
        dedupe_seconds: int,
    ) -> None:
        self._graph = graph
        self._log = log
        self._events = events
        self._attributes = AttributeCatalog(graph)
        self._conditions = Conditions(graph)
        self._catalog = Catalog()
        self._clock = clock
        self._partition = partition
        self._holder = holder
        self._region = region
        self._dedupe_seconds = dedupe_seconds
        self._rules = IdentityRules()
        self._tombstones = Tombstones()
        self._carried: frozenset[str] | None = None
        self._before: list[str] = []
        self._began = self._began_before = 0
        self._recent = dict[str, str]()
        self.waiting = list[Received]()
        """What is left of the last batch: its first message made a value generic, and customers have to be rebuilt
        before it is resolved (`resume`)."""

    async def take(self) -> None:
        """Takes the partition. Raises Retriable."""
        await partitions.take(self._graph, self._partition, self._holder)
        self._carried, self._before, self._recent, self.waiting = None, [], {}, []

    def taken_over(self) -> None:
        """Says that all that earlier holders had read is finished: what they applied need not be known any more."""
        self._carried = frozenset()

    async def apply(
        self, entries: Sequence[Entry], give_up: str | None = None, *, at_once: int = 1_000
    ) -> list[Received]:
        """Resolves entries, in order, into the graph, `at_once` messages a transaction; or, with a reason to
        `give_up`, sets them apart. May be called again with the same entries, whatever it raised.

        Raises:
            Retriable: the graph is away; nothing was written, or all of it, or the first of it.
            Overloaded: the same, and less at once may do.
            Superseded: another consumer has the partition; nothing was written.
        """
        batch = [received for entry in entries for received in open_entry(entry, give_up, self._partition)]
        await self._drop_duplicates(batch)
        self._began = sequence()
        await self.resume(batch, at_once=at_once)
        return batch

    async def resume(self, batch: Sequence[Received], *, at_once: int = 1_000) -> None:
        """Resolves what waits of a batch, whose other events are stored, since customers were rebuilt.
        Raises like `apply`."""
        while part := [received for received in batch if received.waits][:at_once]:
            await self._advance(part, batch)
            if any(received.waits for received in part):
                break
        self.waiting = [received for received in batch if received.waits]
        if not self.waiting:
            self._end(batch)

    async def _advance(self, part: Sequence[Received], batch: Sequence[Received]) -> None:
        try:
            await self._transact(part, batch)
        except (Retriable, partitions.Superseded):
            raise
        except Exception as error:
            log.warning("batch refused, resolving one by one", exc_info=error)
            await self._one_by_one(part, batch)

    def _end(self, batch: Sequence[Received]) -> None:
        self._before = list(dict.fromkeys(received.entry.id for received in batch))
        self._began_before = self._began
        self._recent = {r.message.message_id: r.one_id or "" for r in batch if not (r.duplicate or r.failure)}
        for received in batch:
            if received.duplicate and received.one_id is None:
                received.one_id = self._recent.get(received.message.message_id) or None

    async def store(self, batch: Sequence[Received]) -> None:
        """Writes the events to the event index; what the index refuses becomes a dead letter. Then marks the
        customers whose conditions it may change.

        Raises:
            Retriable: the index is away; what was written is written again the next time.
            Superseded: another consumer has the partition; nothing was written.
        """
        await self._check()
        by_id = {r.message.message_id: r for r in batch if r.counts and not (r.waits or r.stored)}
        events = [StoredEvent(r.message, r.one_id, r.keys, r.sequence) for r in by_id.values()]
        traits = [e.message.traits for e in events if e.message.type == "identify"]
        REFUSED_VALUES.inc(sum(len(self._catalog.misfits(values)) for values in traits))
        for rejected in await self._events.store(events) if events else ():
            by_id[rejected.message_id].failure = rejected.reason
        await self._mark(by_id.values())
        for received in by_id.values():
            received.stored = True

    async def _mark(self, stored: Iterable[Received]) -> None:
        """Marks those of whom was told what conditions ask: only now are their events there to be read."""
        told: defaultdict[str, set[str]] = defaultdict(set)
        since = dict[str, int]()
        for received in stored:
            if (one_id := received.one_id) and not received.failure:
                at = milliseconds(received.message.timestamp.timestamp())
                told[one_id].add(received.message.name)
                since[one_id] = min(at, since.get(one_id, at))
        if told:
            await self._conditions.mark_told(told, since)

    async def attribute_again(self, batch: Sequence[Received]) -> None:
        """Reads from the index whose the events of a batch are since customers were rebuilt."""
        found = await self._events.get([r.message.message_id for r in batch if r.one_id])
        for received in batch:
            event = found.get(received.message.message_id)
            if event and event.one_id != received.one_id:
                received.one_id = received.answer = event.one_id

    async def finish(self, entries: Sequence[Entry], batch: Sequence[Received]) -> None:
        """Acknowledges the entries, notes their messageIds and keeps the dead letters. Raises Retriable,
        Superseded."""
        await self._check()
        dead = [self._dead_letter(r) for r in batch if r.failure and not (r.duplicate or r.barred)]
        seen = {r.message.message_id: r.one_id or "" for r in batch if not r.duplicate and not r.failure}
        ids = [entry.id for entry in entries]
        await self._log.finish(self._partition, ids, seen, self._dedupe_seconds, dead)

    async def _check(self) -> None:
        """Index and log know no fence: whoever slept past the lease must not bring back what is gone by now."""
        await partitions.check(self._graph, self._partition, self._holder)

    def _dead_letter(self, received: Received) -> bytes:
        alone: Envelope = {**received.envelope, "items": [received.message.payload]}
        at = format_time(self._clock.now())
        return dead_letters.body(alone, received.failure or "", at, self._partition)

    async def _drop_duplicates(self, batch: list[Received]) -> None:
        """The batch before may be finishing still: what it resolved is not in the ledger yet."""
        known = await self._log.seen([r.message.message_id for r in batch]) | self._recent
        first = dict[str, Received]()
        for received in batch:
            message_id = received.message.message_id
            received.duplicate = message_id in known or message_id in first
            received.one_id = known.get(message_id) or None
            first.setdefault(message_id, received)

    async def _transact(self, part: Sequence[Received], batch: Sequence[Received]) -> None:
        while True:
            try:
                rest = await self._graph.transact("resolve", lambda tx: self._resolve(tx, part, batch))
            except Poison:
                continue
            for received in part:
                received.waits = received in rest
            return

    async def _one_by_one(self, part: Sequence[Received], batch: Sequence[Received]) -> None:
        """Finds the messages that the graph itself refuses. Only the last step marks what is applied."""
        for received in part:
            await self._alone(received)
            if received.waits:
                break
        await self._transact((), batch)

    async def _alone(self, received: Received) -> None:
        """A message is at fault if it fails by itself, again and again, while a transaction without it does not."""
        backoff = Backoff()
        for tries in range(1, TRIES + 1):
            try:
                return await self._transact([received], ())
            except (Retriable, partitions.Superseded):
                raise
            except Exception as error:
                await self._transact((), ())
                if tries == TRIES:
                    log.error("message set apart", **received.address, exc_info=error)
                    received.failure, received.waits = f"{type(error).__name__} in the graph", False
                    return
            await asyncio.sleep(backoff.next())

    async def _resolve(
        self, tx: AsyncManagedTransaction, part: Sequence[Received], batch: Sequence[Received]
    ) -> set[Received]:
        """Resolves a part of a batch up to where customers must be rebuilt, and notes what is applied of the batch;
        what of the part has to wait."""
        fence = await partitions.enter(tx, self._partition, self._holder, sequence())
        await self._refresh_rules(tx, fence.rule_version)
        self._catalog = await self._attributes.within(tx)
        await self._bar(tx, part, fence.tombstone_version)
        fresh = [r for r in part if r.counts]
        prepared = [self._prepare(received) for received in fresh]
        keys = [key for p in prepared for key in p.keys]
        space = Workspace(lambda: one_id(sequence()))
        await identity.load(tx, keys, space)
        count, decisions = self._run(space, fresh, prepared, fence.applied)
        done, rest = fresh[:count], set(fresh[count:])
        await identity.save(tx, space, decisions)
        await households.see(tx, sightings(space, done, prepared[:count], fence.applied))
        if batch:
            ids = marks(batch, {r for r in batch if r.waits} - (set(part) - rest))
            await self._note(tx, fence, ids)
        attribute(space, done)
        return rest

    async def _note(self, tx: AsyncManagedTransaction, fence: partitions.Fence, ids: list[str]) -> None:
        """Notes what is applied and may not be finished: of this batch, of the one before, and of earlier holders."""
        if self._carried is None:
            self._carried = fence.applied
        done = set(ids)
        earlier = sorted(mark for mark in self._carried if partitions.entry_of(mark) not in done)
        since = [
            self._began,
            *([self._began_before] if self._before else ()),
            *([fence.since] if earlier else ()),
        ]
        await partitions.note_applied(tx, self._partition, [*earlier, *self._before, *ids], min(since))

    async def _refresh_rules(self, tx: AsyncManagedTransaction, version: int) -> None:
        if version != self._rules.version:
            self._rules = await read_rules(tx)

    async def _bar(self, tx: AsyncManagedTransaction, batch: Sequence[Received], version: int) -> None:
        """Sets apart what names somebody who was erased. Whose a duplicate was may be erased by now, too."""
        if version != self._tombstones.version:
            await tombstones.refresh(tx, self._tombstones, version)
            for received in batch:
                received.one_id = None
        for received in batch if self._tombstones.by_hash else ():
            received.barred = self._names_erased(received)
            if received.barred:
                received.one_id = None

    def _names_erased(self, received: Received) -> bool:
        try:
            return self._tombstones.bar_message(received.message, self._rules, self._region)
        except Exception as error:
            if received.failure:
                return False
            raise Poison(received, error) from error

    def _prepare(self, received: Received) -> Prepared:
        with setting_apart(received):
            return prepare(received.message, self._rules, self._region)

    def _run(
        self, space: Workspace, fresh: list[Received], prepared: list[Prepared], applied: frozenset[str]
    ) -> tuple[int, list[Decision]]:
        """How many messages were resolved, and what was decided."""
        resolver = Resolver(space, self._rules, self._catalog)
        decisions = list[Decision]()
        for number, (received, case) in enumerate(zip(fresh, prepared, strict=True)):
            if is_applied(received, applied):
                received.one_id, received.keys = owner_of(space, case), case.stored
                received.sequence = space.next_sequence()
                continue
            if number and fresh[number - 1].mark in applied:
                return number, decisions  # who resolved that one died before customers were rebuilt
            with setting_apart(received):
                if exposed := resolver.expose(case):
                    return number, decisions + exposed
                decisions += settle(received, resolver.resolve(case))
        return len(fresh), decisions


@contextmanager
def setting_apart(received: Received) -> Generator[None]:
    """A message that raises is poison."""
    try:
        yield
    except Exception as error:
        raise Poison(received, error) from error


def settle(received: Received, resolution: Resolution) -> list[Decision]:
    """Notes what became of a message; its decisions."""
    received.one_id, received.keys = resolution.one_id, resolution.keys
    received.sequence, received.by = resolution.sequence, resolution.by
    return resolution.decisions


def owner_of(space: Workspace, case: Prepared) -> str | None:
    """Whom a message that is applied already belongs to: the owner of the strongest identifier that has one."""
    owners = (space.owner(identifier) for identifier in case.named.identifiers)
    return next((owner.one_id for owner in owners if owner), None)


def sightings(
    space: Workspace, fresh: list[Received], prepared: list[Prepared], applied: frozenset[str]
) -> list[Sighting]:
    """Households that messages name, with the customer that each message belongs to now."""
    return [
        Sighting(
            household,
            space.current(received.one_id),
            received.by,
            format_time(received.message.timestamp),
            format_time(received.message.received_at),
        )
        for received, case in zip(fresh, prepared, strict=True)
        if received.one_id and received.by and not is_applied(received, applied)
        for household in case.named.households
    ]


def attribute(space: Workspace, fresh: list[Received]) -> None:
    """Follows the merges of the batch, so that its events are stored under the ONE-ID that survived. Callers
    are answered what they would have been had each message come alone."""
    for received in fresh:
        received.answer = received.one_id
        if received.one_id:
            received.one_id = space.current(received.one_id)
            received.version = space.customers[received.one_id].version
