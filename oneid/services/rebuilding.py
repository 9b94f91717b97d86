"""Rebuilding: a customer whom a shared value had joined becomes the people that the rest of the evidence tells.

Only the consumer does this, when every event that it resolved is in the index: a replay that misses events would
tear apart what they hold together.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from neo4j import AsyncManagedTransaction

from graph import identity, rebuilds
from graph.client import Graph
from graph.customers import Customers
from graph.decisions import DecisionLog
from graph.rules import RulesStore
from oneid.clock import Clock, sequence
from oneid.domain.decisions import LEFT_OUT, Decision, DecisionKind
from oneid.domain.identifiers import Identifier
from oneid.domain.ids import one_id
from oneid.domain.messages import StoredEvent, format_time
from oneid.domain.regrouping import Regrouping
from oneid.domain.replay import Replay
from oneid.domain.resolution import GENERIC
from oneid.domain.rules import IdentityRules
from oneid.domain.sharing import shares
from oneid.domain.workspace import CustomerNode, Workspace
from oneid.errors import Retriable
from oneid.services.rehoming import RehomingService
from search.replays import Replays

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one customer: its identifiers, its events in order, and what else joined or parted it."""

    one_id: str
    keys: frozenset[str]
    events: list[StoredEvent]
    acts: list[Decision]
    rules: IdentityRules


class RebuildService:
    """Rebuilds the customers that are marked."""

    def __init__(
        self, graph: Graph, replays: Replays, rehoming: RehomingService, clock: Clock, region: str
    ) -> None:
        self._graph = graph
        self._customers = Customers(graph)
        self._decisions = DecisionLog(graph)
        self._rules = RulesStore(graph)
        self._replays = replays
        self._rehoming = rehoming
        self._clock = clock
        self._region = region

    async def run_once(self, limit: int = 100) -> int:
        """Rebuilds at most `limit` marked customers and returns how many. One that can't be rebuilt stays marked
        and holds nobody up. Raises Retriable."""
        found = await rebuilds.marked(self._graph, limit)
        for customer in found:
            try:
                await self._rebuild(customer)
            except Retriable:
                raise
            except Exception:
                logger.exception("customer %s could not be rebuilt", customer)
        return len(found)

    async def _rebuild(self, customer: str) -> None:
        evidence = await self._evidence(customer)
        if evidence is None:
            return
        groups = self._groups(evidence)

        async def work(tx: AsyncManagedTransaction) -> None:
            space = Workspace(lambda: one_id(sequence()))
            await identity.load_customers(tx, [customer], space)
            node = space.customers.get(customer)
            if node and not node.identifiers ^ evidence.keys and await rebuilds.end(tx, customer):
                await self._regroup(tx, space, node, evidence, groups)

        await self._graph.transact("identity.rebuild", work)
        await self._rehoming.run_once()

    async def _evidence(self, customer: str) -> Evidence | None:
        """None if there is no such customer any more."""
        record = (await self._customers.by_one_ids([customer])).get(customer)
        if record is None or record.one_id != customer:
            return None
        one_ids = [record.one_id, *record.former_one_ids]
        await self._replays.refresh()
        pages = self._replays.pages(one_ids=one_ids)
        return Evidence(
            customer,
            frozenset(linked.identifier.key for linked in record.identifiers),
            [event async for page in pages for event in page],
            [d for d in await self._decisions.all_of(one_ids) if is_act(d)],
            await self._rules.current(),
        )

    def _groups(self, evidence: Evidence) -> list[frozenset[str]]:
        replay = Replay(evidence.rules, self._region, only=evidence.keys)
        for step in in_order(evidence.events, evidence.acts):
            if isinstance(step, Decision):
                replay.act(step)
            else:
                replay.event(step)
        return [frozenset(group.identifiers) for group in replay.groups().values()]

    async def _regroup(
        self,
        tx: AsyncManagedTransaction,
        space: Workspace,
        customer: CustomerNode,
        evidence: Evidence,
        groups: Sequence[frozenset[str]],
    ) -> None:
        named = frozenset(key for event in evidence.events for key in event.identifiers)
        generic = await rebuilds.generic(tx, named - evidence.keys)
        if generic:
            await rebuilds.unattribute(
                tx, customer.one_id, generic, evidence.keys, until=space.next_sequence()
            )
        at = format_time(self._clock.now())
        regrouping = Regrouping(space, await identity.formers(tx, [customer.one_id]), at)
        parts = take_apart(regrouping, customer, groups)
        keys = [frozenset(part.identifiers) for part in parts]
        values = shares(customer.attributes, without(generic, evidence.events), [*keys, generic])
        for part, held in zip(parts, values, strict=False):
            part.replace_attributes(held)
        base = Decision(
            "", 0, DecisionKind.SPLIT, at, None, evidence.rules.version, customer.one_id, reason=GENERIC
        )
        await identity.save(tx, space, [told(space, base, customer, part) for part in parts[1:]])


def without(generic: frozenset[str], events: Sequence[StoredEvent]) -> list[StoredEvent]:
    """The events as if they had not named the generic values, where they named others."""
    kept = [tuple(key for key in event.identifiers if key not in generic) for event in events]
    return [
        replace(event, identifiers=keys or event.identifiers)
        for event, keys in zip(events, kept, strict=True)
    ]


def take_apart(
    regrouping: Regrouping, customer: CustomerNode, groups: Sequence[frozenset[str]]
) -> list[CustomerNode]:
    """The customer, who keeps the oldest group and what no evidence names, and a customer for each other one."""
    everything = frozenset(customer.identifiers)
    leaving = regrouping.keeper_first(groups)[1:]
    return [customer, *(regrouping.take_out(customer, part, everything - part) for part in leaving)]


def told(space: Workspace, base: Decision, customer: CustomerNode, part: CustomerNode) -> Decision:
    return replace(
        base,
        id=uuid4().hex,
        sequence=space.next_sequence(),
        kept=tuple(map(Identifier.from_key, sorted(customer.identifiers))),
        dropped=tuple(map(Identifier.from_key, sorted(part.identifiers))),
        other_one_id=part.one_id,
    )


def is_act(decision: Decision) -> bool:
    """Whether an operator or a direct write made this decision, rather than an event."""
    joins = decision.kind not in LEFT_OUT and bool(decision.kept)
    return decision.manual or (decision.direct and joins)


def in_order(events: Iterable[StoredEvent], acts: Iterable[Decision]) -> list[StoredEvent | Decision]:
    """Events and acts as they were processed."""
    return sorted([*events, *acts], key=lambda step: step.sequence)
