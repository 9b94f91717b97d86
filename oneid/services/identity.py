"""The identity rules, and the reasons why two are one customer or are not."""

from collections.abc import Sequence
from dataclasses import dataclass

from graph.decisions import DecisionLog
from graph.rules import RulesStore
from oneid.domain.customers import CustomerRecord
from oneid.domain.decisions import Decision, DecisionKind
from oneid.domain.explanation import Explanation, keeping_apart, shortest_path
from oneid.domain.identifiers import Identifier
from oneid.domain.rule_checks import check_change
from oneid.domain.rules import IdentityRules, RulesChange

#: Evidence that one explanation reads at most.
MAX_EVIDENCE = 20_000

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
        one_ids = [*ids_of(a.customer), *ids_of(b.customer)]
        decisions = await self._decisions.page(MAX_EVIDENCE, one_ids=list(dict.fromkeys(one_ids)))
        if a.customer.one_id == b.customer.one_id:
            path = shortest_path(a.identifiers(decisions), b.identifiers(decisions), decisions)
            return Explanation(True, path)
        sides = [frozenset(i.identifier for i in party.customer.identifiers) for party in (a, b)]
        return Explanation(False, kept_apart_by=keeping_apart(decisions, *sides))


def ids_of(customer: CustomerRecord) -> tuple[str, ...]:
    return (customer.one_id, *customer.former_one_ids)
