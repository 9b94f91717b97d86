"""Identity by an operator's hand: merge customers, unlink an identifier, split a customer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from neo4j import AsyncManagedTransaction

from graph import identity
from graph.client import Graph, Overtaken
from graph.customers import Customers
from graph.rules import read_rules
from oneid.clock import Clock, sequence
from oneid.domain.decisions import Decision, DecisionKind
from oneid.domain.identifiers import Identifier
from oneid.domain.ids import one_id
from oneid.domain.messages import StoredEvent, format_time
from oneid.domain.regrouping import Regrouping
from oneid.domain.separation import reunite, separate
from oneid.domain.sharing import shares
from oneid.domain.workspace import CustomerNode, Workspace
from oneid.errors import InvalidInput, NotFound
from oneid.services.rehoming import RehomingService
from search.replays import Replays


@dataclass(frozen=True, slots=True)
class Split:
    """What to take out of a customer. `sticky`: later evidence must not bring it back."""

    customer: str
    identifiers: Sequence[Identifier]
    sticky: bool = False
    reason: str | None = None


class StewardshipService:
    """An operator's word passes the limits, is recorded as a manual decision, and survives reprocessing."""

    def __init__(
        self, graph: Graph, customers: Customers, replays: Replays, rehoming: RehomingService, clock: Clock
    ) -> None:
        self._graph = graph
        self._customers = customers
        self._replays = replays
        self._rehoming = rehoming
        self._clock = clock

    async def merge(self, into: str, sources: Sequence[str], reason: str | None) -> str:
        """Merges customers, limits or not; the ONE-ID `into` stands for all of them.

        Customers that are one already stay so, without a new decision. Raises NotFound.
        """
        act = Act(uuid4().hex, DecisionKind.MERGED, format_time(self._clock.now()), reason)

        async def work(tx: AsyncManagedTransaction) -> str:
            space = Workspace(lambda: one_id(sequence()))
            survivor, *others = await current(tx, space, [into, *sources])
            others = [other for other in dict.fromkeys(others) if other != survivor]
            if others:
                await identity.save(
                    tx, space, [merged(space, await act.decision(tx, space), survivor, others)]
                )
            return survivor

        return await self._graph.transact("identity.merge", work)

    async def unlink(self, identifier: Identifier, reason: str | None) -> str:
        """Takes an identifier off its customer, who keeps history and ONE-ID; the ONE-ID. Raises NotFound."""
        act = Act(uuid4().hex, DecisionKind.UNLINKED, format_time(self._clock.now()), reason)

        async def work(tx: AsyncManagedTransaction) -> str:
            if done := await identity.decided(tx, act.id):
                return done.one_id
            space = Workspace(lambda: one_id(sequence()))
            await identity.load(tx, [identifier.key], space)
            decision = unlinked(space, await act.decision(tx, space), identifier)
            await identity.save(tx, space, [decision])
            return decision.one_id

        return await self._graph.transact("identity.unlink", work)

    async def split(self, split: Split) -> tuple[str, str]:
        """Makes identifiers a customer of their own; their events and attributes go along. Returns the ONE-ID
        of the part that kept it, the one with the oldest identifier, and that of the other part.

        Raises:
            NotFound: the customer, or one of the identifiers on it.
            InvalidInput: nothing is named, or nothing would stay.
        """
        act = Act(uuid4().hex, DecisionKind.SPLIT, format_time(self._clock.now()), split.reason)
        written = await self._written(split.customer)

        async def work(tx: AsyncManagedTransaction) -> tuple[str, str]:
            if done := await identity.decided(tx, act.id):
                return done.one_id, done.other_one_id or ""
            space = Workspace(lambda: one_id(sequence()))
            (customer,) = await current(tx, space, [split.customer])
            regrouping = Regrouping(space, await identity.formers(tx, [customer]), act.at)
            decision = divided(space, await act.decision(tx, space), split, regrouping, written)
            await identity.save(tx, space, [decision])
            return decision.one_id, decision.other_one_id or ""

        parts = await self._graph.transact("identity.split", work)
        await self._rehoming.follow(parts)
        return parts

    async def _written(self, customer: str) -> list[StoredEvent]:
        """The customer's identify events, which say what attributes each part wrote."""
        found = (await self._customers.by_one_ids([customer])).get(customer)
        if found is None:
            raise NotFound(f"there is no customer {customer}", field=("customer",))
        await self._replays.refresh()
        pages = self._replays.pages(one_ids=[found.one_id, *found.former_one_ids], type="identify")
        return [event async for page in pages for event in page]


@dataclass(frozen=True, slots=True)
class Act:
    """One act of an operator. Its id is the decision's: done once, however often the work runs."""

    id: str
    kind: DecisionKind
    at: str
    reason: str | None

    async def decision(self, tx: AsyncManagedTransaction, space: Workspace) -> Decision:
        """The decision under today's rules, before it says whom it is about."""
        rules = await read_rules(tx)
        return Decision(
            self.id,
            space.next_sequence(),
            self.kind,
            self.at,
            None,
            rules.version,
            "",
            manual=True,
            reason=self.reason,
        )


async def current(tx: AsyncManagedTransaction, space: Workspace, one_ids: list[str]) -> list[str]:
    """Loads the customers that these ONE-IDs stand for, and returns their ONE-IDs in the order asked. Raises
    NotFound; Overtaken if one of them was merged or split while this waited for its lock."""
    found = await identity.survivors(tx, one_ids)
    await identity.load_customers(tx, set(found.values()), space)
    if await identity.survivors(tx, one_ids) != found:
        raise Overtaken
    for asked in one_ids:
        if found.get(asked) not in space.customers:
            raise NotFound(f"there is no customer {asked}", field=("oneId",))
    return [found[asked] for asked in one_ids]


def merged(space: Workspace, decision: Decision, into: str, sources: list[str]) -> Decision:
    """Makes customers one. What stood between them, a sticky split too, is undone."""
    survivor, others = space.customers[into], [space.customers[source] for source in sources]
    sides = [side for customer in (survivor, *others) if (side := in_link_order(space, customer))]
    survivor.updated_at = max(survivor.updated_at, decision.at)
    space.merge(survivor, others)
    reunite(space, survivor.identifiers)
    kept = tuple(side[0] for side in sides)
    return replace(
        decision, one_id=into, merged_one_ids=tuple(sources), kept=kept, sides=tuple(map(tuple, sides))
    )


def unlinked(space: Workspace, decision: Decision, identifier: Identifier) -> Decision:
    owner = space.owner(identifier)
    if owner is None:
        raise NotFound("nobody has this identifier", field=("identifier",))
    space.unlink(identifier)
    owner.updated_at = max(owner.updated_at, decision.at)
    return replace(decision, one_id=owner.one_id, dropped=(identifier,))


def divided(
    space: Workspace, decision: Decision, split: Split, regrouping: Regrouping, written: list[StoredEvent]
) -> Decision:
    customer = next(iter(space.customers.values()))
    kept, off = regrouping.split(customer, checked(split, customer))
    stays, leaves = frozenset(kept.identifiers), frozenset(off.identifiers)
    first, second = shares(kept.attributes, written, [stays, leaves])
    kept.replace_attributes(first)
    off.replace_attributes(second)
    if split.sticky:
        separate(space, decision.id, (stays, leaves))
    return replace(
        decision,
        one_id=kept.one_id,
        other_one_id=off.one_id,
        kept=tuple(map(Identifier.from_key, sorted(stays))),
        dropped=tuple(map(Identifier.from_key, sorted(leaves))),
        sticky=split.sticky,
    )


def checked(split: Split, customer: CustomerNode) -> frozenset[str]:
    """The keys to split off. Raises NotFound, InvalidInput."""
    if not split.identifiers:
        raise InvalidInput("name what to split off", field=("identifiers",))
    for number, identifier in enumerate(split.identifiers):
        if identifier.key not in customer.identifiers:
            raise NotFound(f"the customer has no such {identifier.type}", field=("identifiers", str(number)))
    keys = frozenset(identifier.key for identifier in split.identifiers)
    if not customer.identifiers - keys:
        raise InvalidInput("at least one identifier must stay", field=("identifiers",))
    return keys


def in_link_order(space: Workspace, customer: CustomerNode) -> list[Identifier]:
    nodes = [space.identifiers[key] for key in customer.identifiers]
    return [node.identifier for node in sorted(nodes, key=lambda node: node.linked_sequence)]
