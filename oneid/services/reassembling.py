"""Writing what a replay found different: components of customers, some of them in each transaction."""

from collections.abc import Iterator, Mapping, Sequence
from uuid import uuid4

from neo4j import AsyncManagedTransaction

from graph import identity, pauses, snapshots, tombstones
from graph.client import Graph
from oneid.clock import Clock, sequence
from oneid.domain import attributes
from oneid.domain.attributes import Attributes, Written
from oneid.domain.decisions import Decision, DecisionKind
from oneid.domain.difference import Component
from oneid.domain.ids import one_id
from oneid.domain.messages import StoredEvent, format_time
from oneid.domain.reassembly import Reassembly
from oneid.domain.regrouping import Regrouping
from oneid.domain.retelling import Retelling
from oneid.domain.workspace import Workspace
from oneid.errors import Retriable
from search.replays import Replays

REPROCESS = "REPROCESS"
Homes = Mapping[str, str | None]
"""By messageId, the group that an event belongs to."""


class Reassembler:
    """Brings customers to where the replay says they belong."""

    def __init__(self, graph: Graph, replays: Replays, clock: Clock) -> None:
        self._graph = graph
        self._replays = replays
        self._clock = clock

    async def reassemble(
        self, found: Sequence[Component], retelling: Retelling, homes: Homes, holder: str
    ) -> int:
        """Writes these components in one transaction; returns how many have changed meanwhile and were left.

        Raises Retriable if the pause is over, or somebody was erased since the log was read: nothing is written.
        """
        events = await self._identifying(found)
        base = Decision(
            uuid4().hex,
            0,
            DecisionKind.SPLIT,
            format_time(self._clock.now()),
            None,
            retelling.rules.version,
            "",
            reason=REPROCESS,
        )

        async def work(tx: AsyncManagedTransaction) -> int:
            if not await pauses.stands(tx, holder, sequence()):
                raise Retriable("resolution is no longer paused")
            if await tombstones.current_version(tx) != retelling.erasures:
                raise Retriable("somebody was erased meanwhile")
            space = await load(tx, found)
            formers = await identity.formers(tx, space.customers)
            regrouping = Regrouping(space, formers, base.at)
            fresh = [component for component in found if unchanged(component, space)]
            decisions = list[Decision]()
            for component in fresh:
                reassembly = Reassembly(space, component, regrouping, retelling.told, base)
                held = together(space, component)
                mine = [event for name in component.customers for event in events.get(name, ())]
                reassembly.run()
                give_attributes(reassembly, held, mine, homes)
                follow(space, component, retelling)
                decisions += reassembly.decisions
            await identity.save(tx, space, decisions)
            return len(found) - len(fresh)

        return await self._graph.transact("identity.reassemble", work)

    async def _identifying(self, found: Sequence[Component]) -> dict[str, list[StoredEvent]]:
        """The identify events of each customer, in order: they wrote its attributes."""
        one_ids = [name for component in found for name in component.customers]
        current = dict.fromkeys(one_ids, "") | await snapshots.redirects_to(self._graph, one_ids)
        events = dict[str, list[StoredEvent]]()
        if one_ids:
            async for page in self._replays.pages(one_ids=list(current), type="identify"):
                for event in page:
                    name = event.one_id or ""
                    events.setdefault(current[name] or name, []).append(event)
        return events


async def load(tx: AsyncManagedTransaction, found: Sequence[Component]) -> Workspace:
    space = Workspace(lambda: one_id(sequence()))
    await identity.load(tx, {key for component in found for key in component.keys}, space)
    rest = {name for component in found for name in component.customers} - space.customers.keys()
    if rest:
        await identity.load_customers(tx, rest, space)
    return space


def unchanged(component: Component, space: Workspace) -> bool:
    """Whether the graph is still as it was when it was compared."""
    for held in component.customers.values():
        node = space.customers.get(held.one_id)
        if node is None or node.version != held.version:
            return False
    owners = {space.identifiers[key].owner for key in component.keys}
    return owners <= {None, *component.customers}


def together(space: Workspace, component: Component) -> Attributes:
    """The values of all customers of a component."""
    held = Attributes()
    for name in component.customers:
        attributes.merge(held, space.customers[name].attributes)
    return held


def give_attributes(
    reassembly: Reassembly, held: Attributes, events: Sequence[StoredEvent], homes: Homes
) -> None:
    """Each customer gets what its own events wrote, and what was written directly by its identifiers."""
    space, targets = reassembly.space, reassembly.targets
    here = [space.current(name) for name in reassembly.component.customers]
    ends = list(dict.fromkeys([*(target.one_id for target in targets.values()), *here]))
    place = {name: ends.index(target.one_id) for name, target in targets.items()}
    written = list(_written(events, homes, place, len(ends)))

    def part_of(key: str | None) -> int:
        owner = space.identifiers[key].owner if key in space.identifiers else None
        return ends.index(owner) if owner in ends else 0

    parts = attributes.share_out(held, written, len(ends) + 1, part_of)
    for name, values in zip(ends, parts[: len(ends)], strict=True):
        space.customers[name].replace_attributes(values)


def _written(
    events: Sequence[StoredEvent], homes: Homes, place: Mapping[str, int], nobody: int
) -> Iterator[tuple[str, Written]]:
    for event in events:
        part = place.get(homes.get(event.message.message_id) or "", nobody)
        by, at = next(iter(event.identifiers), None), format_time(event.message.timestamp)
        for key, value in event.message.traits.items():
            yield key, (attributes.told_by(event.message, value, at, event.sequence, by), part)


def follow(space: Workspace, component: Component, retelling: Retelling) -> None:
    """What the replay learned of each identifier: whether it is shared by too many, and when it was seen."""
    told = retelling.replay.space.identifiers
    for key in component.keys & told.keys():
        node, seen = space.identifiers[key], told[key]
        node.generic, node.anchors, node.quarantined = seen.generic, seen.anchors, seen.quarantined
        if not node.last_seen_at:
            node.first_seen_at, node.last_seen_at = seen.first_seen_at, seen.last_seen_at
        node.changed = True
