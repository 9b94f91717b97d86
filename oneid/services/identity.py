"""The identity rules, and the reasons why two are one customer or are not."""

from collections.abc import Sequence
from dataclasses import dataclass

from graph.decisions import DecisionLog
from graph.rules import RulesStore
from oneid.domain.customers import CustomerRecord
from oneid.domain.decisions import Decision, DecisionKind
from oneid.domain.explanation import Explanation, Side, keeping_apart, shortest_path
from oneid.domain.identifiers import Identifier
from oneid.domain.rule_checks import check_change
from oneid.domain.rules import IdentityRules, RulesChange

#: How old the rules may be for those who read often.
RULES_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Party:
    """One side of a `why`: a customer, and the identifier that it was asked for by, if it was, else the ONE-ID."""

    customer: CustomerRecord
    identifier: Identifier | None = None
    one_id: str | None = None

    def identifiers(self, decisions: Sequence[Decision]) -> Sequence[Identifier]:
        """What stands for this side: of a ONE-ID what it was given to at first, since two that are one customer
        by now have all else in common."""
        if self.identifier:
            return [self.identifier]
        given = (d.kept for d in decisions if d.kind is DecisionKind.CREATED and d.one_id == self.one_id)
        return next(given, [linked.identifier for linked in self.customer.identifiers])


class IdentityService:
    """Reads and changes the rules; explains what the evidence says."""

    def __init__(self, rules: RulesStore, decisions: DecisionLog) -> None:
        self._rules = rules
        self._decisions = decisions

    async def rules(self) -> IdentityRules:
        return await self._rules.current()

    async def recent_rules(self) -> IdentityRules:
        """The rules, at most RULES_SECONDS old."""
        return await self._rules.recent(RULES_SECONDS)

    async def update_rules(self, change: RulesChange) -> IdentityRules:
        """The rules after the change, one version on; they hold for events resolved from now on.

        Raises:
            InvalidInput: with the path of what is wrong; nothing is changed.
        """
        check_change(change)
        return await self._rules.change(change.apply)

    async def why(self, a: Party, b: Party) -> Explanation:
        """The path of evidence between two, or what keeps them apart."""
        if a.customer.one_id == b.customer.one_id:
            decisions = await self._evidence(a.customer)
            path = shortest_path(a.identifiers(decisions), b.identifiers(decisions), decisions)
            return Explanation(True, path)
        return Explanation(
            False, kept_apart_by=keeping_apart(*[await self._side(p.customer) for p in (a, b)])
        )

    async def _side(self, customer: CustomerRecord) -> Side:
        held = frozenset(linked.identifier for linked in customer.identifiers)
        return Side(frozenset(ids_of(customer)), held, await self._evidence(customer))

    async def _evidence(self, customer: CustomerRecord) -> list[Decision]:
        """What was decided about a customer, and about those that it was split from, in order."""
        found = dict[str, Decision]()
        known, asked = set[str](), set(ids_of(customer))
        while asked:
            known |= asked
            found |= {d.id: d for d in await self._decisions.all_of(sorted(asked))}
            asked = {one_id for d in found.values() for one_id in origins(d)} - known
        return sorted(found.values(), key=lambda decision: decision.sequence)


def origins(decision: Decision) -> tuple[str, ...]:
    """The ONE-IDs under which earlier evidence stands."""
    if decision.kind is DecisionKind.SPLIT and decision.one_id:
        return (decision.one_id,)
    return decision.merged_one_ids if decision.kind is DecisionKind.MERGED else ()


def ids_of(customer: CustomerRecord) -> tuple[str, ...]:
    return (customer.one_id, *customer.former_one_ids)
