"""Identity by hand and by request: the rules, merges, upserts, and the reasons why."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from neo4j import AsyncManagedTransaction

from graph import identity
from graph.client import Graph
from graph.decisions import DecisionLog
from graph.rules import RulesStore, read_rules
from oneid.clock import Clock, sequence
from oneid.domain.customers import CustomerRecord
from oneid.domain.decisions import Decision, DecisionKind
from oneid.domain.explanation import Explanation, keeping_apart, shortest_path
from oneid.domain.identifiers import Identifier
from oneid.domain.ids import one_id
from oneid.domain.messages import format_time
from oneid.domain.rule_checks import check_change
from oneid.domain.rules import IdentityRules, RulesChange
from oneid.domain.workspace import CustomerNode, Workspace
from oneid.errors import NotFound

#: Evidence that one explanation reads at most.
MAX_EVIDENCE = 20_000


@dataclass(frozen=True, slots=True)
class Party:
    """One side of a `why`: a customer, and the identifier that it was asked for by, if it was."""

    customer: CustomerRecord
    identifier: Identifier | None = None

    @property
    def identifiers(self) -> list[Identifier]:
        return [self.identifier] if self.identifier else [i.identifier for i in self.customer.identifiers]


class IdentityService:
    """Changes rules and merges customers; explains what the evidence says."""

    def __init__(self, graph: Graph, rules: RulesStore, decisions: DecisionLog, clock: Clock) -> None:
        self._graph = graph
        self._rules = rules
        self._decisions = decisions
        self._clock = clock

    async def rules(self) -> IdentityRules:
        return await self._rules.current()

    async def update_rules(self, change: RulesChange) -> IdentityRules:
        """The rules after the change, one version on; they hold for events resolved from now on.

        Raises:
            InvalidInput: with the path of what is wrong; nothing is changed.
        """
        check_change(change)
        return await self._rules.change(change.apply)

    async def merge(self, into: str, sources: Sequence[str], reason: str | None) -> str:
        """Merges customers by an operator's word, limits or not; the ONE-ID `into` stands for all of them.

        Customers that are one already stay so, without a new decision. Raises NotFound.
        """

        async def work(tx: AsyncManagedTransaction) -> str:
            space = Workspace(lambda: one_id(sequence()))
            survivor, *others = await self._current(tx, space, [into, *sources])
            others = [other for other in dict.fromkeys(others) if other != survivor]
            if others:
                rules = await read_rules(tx)
                await identity.save(tx, space, [self._merge(space, survivor, others, rules, reason)])
            return survivor

        return await self._graph.transact("identity.merge", work)

    async def _current(self, tx: AsyncManagedTransaction, space: Workspace, one_ids: list[str]) -> list[str]:
        """Loads the customers that these ONE-IDs stand for, and returns their ONE-IDs in the order asked."""
        found = await identity.survivors(tx, one_ids)
        for asked in one_ids:
            if asked not in found:
                raise NotFound(f"there is no customer {asked}", field=("oneId",))
        await identity.load_customers(tx, set(found.values()), space)
        return [found[asked] for asked in one_ids]

    def _merge(
        self, space: Workspace, into: str, sources: list[str], rules: IdentityRules, reason: str | None
    ) -> Decision:
        survivor, others = space.customers[into], [space.customers[source] for source in sources]
        kept = [first for customer in (survivor, *others) if (first := oldest_identifier(space, customer))]
        now = format_time(self._clock.now())
        survivor.updated_at = max(survivor.updated_at, now)
        space.merge(survivor, others)
        return Decision(
            id=uuid4().hex,
            sequence=space.next_sequence(),
            kind=DecisionKind.MERGED,
            at=now,
            message_id=None,
            rule_version=rules.version,
            one_id=into,
            merged_one_ids=tuple(sources),
            kept=tuple(kept),
            manual=True,
            reason=reason,
        )

    async def why(self, a: Party, b: Party) -> Explanation:
        """The path of evidence between two, or what keeps them apart."""
        one_ids = [*ids_of(a.customer), *ids_of(b.customer)]
        decisions = await self._decisions.page(MAX_EVIDENCE, one_ids=list(dict.fromkeys(one_ids)))
        if a.customer.one_id == b.customer.one_id:
            return Explanation(True, shortest_path(a.identifiers, b.identifiers, decisions))
        sides = [frozenset(i.identifier for i in party.customer.identifiers) for party in (a, b)]
        return Explanation(False, kept_apart_by=keeping_apart(decisions, *sides))


def ids_of(customer: CustomerRecord) -> tuple[str, ...]:
    return (customer.one_id, *customer.former_one_ids)


def oldest_identifier(space: Workspace, customer: CustomerNode) -> Identifier | None:
    nodes = [space.identifiers[key] for key in customer.identifiers]
    return min(nodes, key=lambda node: node.linked_sequence).identifier if nodes else None
