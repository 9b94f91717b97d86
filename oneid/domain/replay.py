"""Replay: events and an operator's acts once more, in their order, under today's rules, in memory."""

from collections.abc import Iterable, Sequence
from itertools import count

from oneid.domain.decisions import Decision, DecisionKind
from oneid.domain.evidence import Prepared, prepare
from oneid.domain.extraction import Named
from oneid.domain.identifiers import Identifier
from oneid.domain.journal import DIRECT
from oneid.domain.messages import Message, StoredEvent, parse_time
from oneid.domain.regrouping import Regrouping
from oneid.domain.resolution import Resolution, Resolver
from oneid.domain.rules import IdentityRules
from oneid.domain.separation import reunite, separate
from oneid.domain.sharing import part_of_event
from oneid.domain.workspace import CustomerNode, Division, Workspace

CONSENTED = {"context": {"consent": {"stitching": True}}}
ACTS = frozenset({DecisionKind.MERGED, DecisionKind.UNLINKED, DecisionKind.SPLIT})


class Replay:
    """Rebuilds customers from scratch. `only`: the identifiers that count (None: all); `generic`: values that
    are known to name nobody. Customers have working names, not ONE-IDs."""

    def __init__(
        self,
        rules: IdentityRules,
        region: str,
        *,
        only: frozenset[str] | None = None,
        generic: Iterable[str] = (),
    ) -> None:
        names = count(1)
        self.space = Workspace(lambda: str(next(names)))
        self._rules = rules
        self._region = region
        self._only = only
        self._resolver = Resolver(self.space, rules)
        self._parted: list[tuple[int, frozenset[str], Division]] = []
        for key in generic:
            self.space.node(Identifier.from_key(key)).generic = True

    def event(self, event: StoredEvent) -> Resolution:
        """Resolves an event as if it came now; its customer, by working name, at this point."""
        return self.resolve(self.prepared(event))

    def prepared(self, event: StoredEvent) -> Prepared:
        """What an event names under these rules."""
        prepared = prepare(event.message, self._rules, self._region)
        if self._only is None:
            return prepared
        named = Named(self._counting(prepared.named.identifiers), verified=prepared.named.verified)
        return Prepared(event.message, named, tuple(self._counting(prepared.previous)))

    def resolve(self, prepared: Prepared) -> Resolution:
        return self._resolver.resolve(prepared)

    def act(self, decision: Decision) -> None:
        """Does once more what an operator did, or what a direct write joined."""
        if decision.direct:
            self._join(decision)
        elif decision.kind is DecisionKind.MERGED:
            self._merge(decision)
        elif decision.kind is DecisionKind.UNLINKED:
            for identifier in self._counting(decision.dropped):
                self.space.unlink(identifier)
        elif decision.kind is DecisionKind.SPLIT:
            self._split(decision)

    def home(self, name: str, keys: Sequence[str], sequence: int) -> str:
        """The working name of the customer that an event resolved to `name` belongs to in the end."""
        for at, members, division in self._parted:
            here = at > sequence and name in members
            if here and part_of_event(keys, (division.stay, division.keys)):
                name = division.target
        return self.space.current(name)

    def groups(self) -> dict[str, CustomerNode]:
        """Customers with identifiers, by working name."""
        return {name: customer for name, customer in self.space.customers.items() if customer.identifiers}

    def generic(self) -> frozenset[str]:
        """The values that turned out to name nobody."""
        return frozenset(key for key, node in self.space.identifiers.items() if node.generic)

    def _counting(self, identifiers: Iterable[Identifier]) -> list[Identifier]:
        return [i for i in identifiers if self._only is None or i.key in self._only]

    def _join(self, decision: Decision) -> None:
        known = [i for i in self._counting(decision.kept) if self._rules.links(i)]
        if known:
            at = parse_time(decision.at)
            message = Message(decision.message_id or "", DIRECT, DIRECT, at, at, None, DIRECT, CONSENTED)
            self._resolver.resolve(Prepared(message, Named(sorted(known, key=self._rules.weakness))))

    def _merge(self, decision: Decision) -> None:
        """The customers of each side: of the oldest of its identifiers that anybody has."""
        sides = decision.sides or [(identifier,) for identifier in decision.kept]
        owners = [next(filter(None, map(self.space.owner, self._counting(side))), None) for side in sides]
        distinct = list({owner.one_id: owner for owner in owners if owner}.values())
        if len(distinct) > 1:
            self.space.merge(distinct[0], distinct[1:])
            reunite(self.space, distinct[0].identifiers)

    def _split(self, decision: Decision) -> None:
        stayed, left = ({i.key for i in self._counting(of)} for of in (decision.kept, decision.dropped))
        for customer in list(self.space.customers.values()):
            keys = frozenset(customer.identifiers & left)
            if keys and customer.identifiers - keys:
                self._part(decision, customer, keys)
        if decision.sticky:
            known = self.space.identifiers.keys()
            separate(self.space, decision.id, (stayed & known, left & known))

    def _part(self, decision: Decision, customer: CustomerNode, keys: frozenset[str]) -> None:
        """Whoever is merged into the customer later was no part of it: their events are not shared out."""
        members = frozenset(n for n in self.space.customers if self.space.current(n) == customer.one_id)
        stay = frozenset(customer.identifiers - keys)
        Regrouping(self.space, (), decision.at).take_out(customer, keys, stay)
        self._parted.append((decision.sequence, members, self.space.divisions[-1]))
