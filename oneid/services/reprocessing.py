"""Reprocessing: identities are rebuilt from the event log under today's rules, and only differences are written.

The log is replayed in memory while resolution goes on. Then resolution is paused, until the newest events are
replayed too and the differences written; accepting events is not. Whatever is interrupted is done by the next
run, which finds what is still different.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from graph import partitions, pauses, snapshots, tombstones
from graph.client import Graph
from graph.rules import RulesStore
from oneid.background import background
from oneid.clock import monotonic, sequence
from oneid.domain.difference import Component, components
from oneid.domain.retelling import Retelling
from oneid.errors import Retriable
from oneid.log.events import EventLog
from oneid.services.operation_run import Run
from oneid.services.reassembling import Reassembler
from oneid.services.rehousing import Rehousing
from search.events import EventIndex
from search.replays import Replays

KIND: Final = "reprocessIdentities"
"""The kind of the operation."""

#: Events of the last seconds may still be on their way to the index: they are read under the pause.
UNSETTLED_SECONDS: Final = 15
PAUSE_SECONDS: Final = 20.0
DRAIN_SECONDS: Final = 30.0
SAMPLE: Final = 10
SLICE: Final = 100
ROUNDS: Final = 5


class ReprocessService:
    """Carries the operation out. Memory: all identifiers, and about 400 bytes an event."""

    def __init__(
        self,
        graph: Graph,
        log: EventLog,
        replays: Replays,
        events: EventIndex,
        reassembler: Reassembler,
        region: str,
    ) -> None:
        self._graph = graph
        self._log = log
        self._replays = replays
        self._events = events
        self._reassembler = reassembler
        self._region = region
        self._rules = RulesStore(graph)
        self._rehousing = Rehousing(graph)

    async def handle(self, run: Run) -> dict[str, Any]:
        """`input`: {dryRun}. The result counts what is (or would be) different and shows a sample."""
        generic = frozenset[str]()
        for _ in range(ROUNDS):
            retelling = await self._retell(run, generic)
            if run.input.get("dryRun"):
                done = await self._compare(run, retelling)
            else:
                async with self._paused(run):
                    done = await self._finish(run, retelling)
            if done is not None:
                return done
            generic = retelling.replay.generic()
        raise Retriable("new generic values kept turning up")

    async def _retell(self, run: Run, generic: frozenset[str]) -> Retelling:
        """Everything but the newest events. Values that turn out to be generic are known from the start in a
        second telling, since those whom they would have joined must never have been."""
        erasures = await self._graph.transact("tombstones.version", tombstones.current_version)
        acts = await snapshots.acts(self._graph, 0)
        retelling = Retelling(await self._rules.current(), self._region, acts, generic, erasures)
        await self._read(run, retelling, await self._settled_until())
        found = retelling.replay.generic()
        return retelling if found == generic else await self._retell(run, found)

    async def _settled_until(self) -> int:
        """Up to which place in the order of events all of them are in the index: consumers may be behind with
        storing by seconds, and one that waits for the index by hours, while others go on."""
        now = sequence()
        settled = now - UNSETTLED_SECONDS * 10**9
        for partition, (marks, since) in (await partitions.applied_last(self._graph, now)).items():
            ids = [partitions.entry_of(mark) for mark in marks]
            if await self._log.unfinished(partition, ids):
                settled = min(settled, since - 1)
        return settled

    async def _compare(self, run: Run, retelling: Retelling) -> dict[str, Any] | None:
        """What would be different. None if a value has become generic: all must be told again."""
        known = retelling.replay.generic()
        await self._read(run, retelling, sequence())
        retelling.end()
        if retelling.replay.generic() != known:
            return None
        result = summary(await self._differences(retelling), retelling)
        missing, surplus = await self._rehousing.compare(retelling, await self._owners(retelling))
        return result | {"memberships": len(missing) + len(surplus)}

    async def _read(self, run: Run, retelling: Retelling, until: int) -> None:
        await self._replays.refresh()
        total = await self._replays.count()
        async for page in self._replays.pages(after=retelling.position, until=until):
            retelling.tell(page)
            await run.progress(len(retelling.events), total)
            await asyncio.sleep(0)

    async def _finish(self, run: Run, retelling: Retelling) -> dict[str, Any] | None:
        """The newest events, then the differences; None like `_compare`."""
        known = retelling.replay.generic()
        retelling.more_acts(await snapshots.acts(self._graph, retelling.acted))
        await self._read(run, retelling, sequence())
        retelling.end()
        if retelling.replay.generic() != known:
            return None
        first = await self._differences(retelling)
        result = summary(first, retelling)
        await self._write(run, retelling, first)
        owners = await self._owners(retelling)
        result["eventsMoved"] = await self._move(run, retelling, owners)
        housed = await self._rehousing.compare(retelling, owners)
        await self._rehousing.write(housed, retelling, run.holder)
        return result | {"memberships": sum(map(len, housed))}

    async def _differences(self, retelling: Retelling) -> list[Component]:
        held = [customer async for page in snapshots.customers(self._graph) for customer in page]
        return components(held, retelling.groups(), retelling.told)

    async def _write(self, run: Run, retelling: Retelling, found: list[Component]) -> None:
        """Writes all differences. What changes under its hands, by an operator, is compared again."""
        for _ in range(ROUNDS):
            if not found:
                return
            homes = await self._homes(retelling, found)
            skipped = 0
            for low in range(0, len(found), SLICE):
                part = found[low : low + SLICE]
                skipped += await self._reassembler.reassemble(part, retelling, homes, run.holder)
                await run.progress(len(retelling.events))
            if not skipped:
                return
            found = await self._differences(retelling)
        raise Retriable("customers kept changing while identities were rebuilt")

    async def _homes(self, retelling: Retelling, found: Sequence[Component]) -> dict[str, str | None]:
        """The groups of the events of the customers that will change."""
        current = await snapshots.redirects(self._graph)
        changing = {name for component in found for name in component.customers}
        return {
            told.message_id: name
            for told, name in retelling.homes()
            if told.one_id and current.get(told.one_id, told.one_id) in changing
        }

    async def _move(self, run: Run, retelling: Retelling, owners: Mapping[str, str]) -> int:
        """Moves events that lie with another customer than the replay's."""
        current = await snapshots.redirects(self._graph)
        stray = dict[tuple[str | None, str | None], list[str]]()
        for told, name in retelling.homes():
            target = owners.get(name) if name else None
            if (current.get(told.one_id, told.one_id) if told.one_id else None) != target:
                stray.setdefault((told.one_id, target), []).append(told.message_id)
        moved = 0
        for (source, target), ids in stray.items():
            moved += await self._events.hand_over(source, target, ids)
            await run.progress(len(retelling.events))
        return moved

    async def _owners(self, retelling: Retelling) -> dict[str, str]:
        """The ONE-ID of each group, as the graph has it by now."""
        held = [customer async for page in snapshots.customers(self._graph) for customer in page]
        owner = {key: customer.one_id for customer in held for key in customer.links}
        groups = retelling.groups()
        return {name: owner[key] for name, keys in groups.items() for key in keys if key in owner}

    @asynccontextmanager
    async def _paused(self, run: Run) -> AsyncGenerator[None]:
        """No consumer resolves within the block, and what they resolved is in the index."""
        applied = await self._begin_pause(run)
        try:
            async with background(self._keep(run)):
                await self._drained(applied)
                yield
        finally:
            await pauses.resume(self._graph, run.holder)

    async def _begin_pause(self, run: Run) -> dict[int, list[str]]:
        """Waits for a consumer in the middle of a batch. Raises Retriable if that takes too long."""
        end = monotonic() + DRAIN_SECONDS
        while True:
            try:
                return await self._pause(run)
            except Retriable:
                if monotonic() > end:
                    raise
            await asyncio.sleep(0.05)

    async def _pause(self, run: Run) -> dict[int, list[str]]:
        return await pauses.pause(self._graph, run.holder, sequence() + int(PAUSE_SECONDS * 1e9))

    async def _keep(self, run: Run) -> None:
        while True:
            await asyncio.sleep(PAUSE_SECONDS / 4)
            with suppress(Retriable):
                await self._pause(run)

    async def _drained(self, applied: dict[int, list[str]]) -> None:
        """Returns when no entry that was applied waits to be stored. Raises Retriable if that does not come."""
        end = monotonic() + DRAIN_SECONDS
        for partition, ids in applied.items():
            while await self._log.unfinished(partition, ids):
                if monotonic() > end:
                    raise Retriable("the consumer does not finish what it resolved")
                await asyncio.sleep(0.05)


def summary(found: Sequence[Component], retelling: Retelling) -> dict[str, Any]:
    """Counts of what is different: customers that are split and merged, identifiers that change their owner."""
    splits = merges = moved = 0
    sample = list[dict[str, Any]]()
    for component in found:
        keepers = component.keepers()
        owner = {key: held.one_id for held in component.customers.values() for key in held.links}
        home = {key: name for name, keys in component.groups.items() for key in keys}
        parts = [name for name, held in keepers.items() if not held]
        gone = [(other.one_id, held[0].one_id) for held in keepers.values() for other in held[1:]]
        keeps = {other.one_id: name for name, held in keepers.items() for other in held}
        splits, merges = splits + len(parts), merges + len(gone)
        moved += sum(
            home.get(key) != keeps.get(one_id) for key, one_id in owner.items() if retelling.told(key)
        )
        if len(sample) < SAMPLE:
            sample.append(
                {"customers": sorted(component.customers), "becomes": len(component.groups), "merged": gone}
            )
    return {
        "events": len(retelling.events),
        "different": len(found),
        "split": splits,
        "merged": merges,
        "moved": moved,
        "sample": sample,
    }
