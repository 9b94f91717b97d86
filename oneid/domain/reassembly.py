"""Reassembly: the customers of one component become what the replay says, each ONE-ID staying with its person."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from uuid import uuid4

from oneid.domain.decisions import Decision, DecisionKind
from oneid.domain.difference import Component, Held
from oneid.domain.identifiers import Identifier
from oneid.domain.regrouping import Regrouping
from oneid.domain.workspace import CustomerNode, Workspace


@dataclass(slots=True)
class Reassembly:
    """One component on one workspace, which holds all its customers and identifiers."""

    space: Workspace
    component: Component
    regrouping: Regrouping
    told: Callable[[str], bool]
    base: Decision
    targets: dict[str, CustomerNode] = field(default_factory=dict[str, CustomerNode])
    decisions: list[Decision] = field(default_factory=list[Decision])

    def run(self) -> None:
        """Changes the workspace; `targets` are then the customers of the groups."""
        keepers = self.component.keepers()
        for customer in self.component.customers.values():
            self.space.customers[customer.one_id].touched = True
        for name, held in keepers.items():
            if held:
                self.targets[name] = self.space.customers[held[0].one_id]
        for name, held in keepers.items():
            if not held:
                self.targets[name] = self._part(self.component.groups[name])
        for name, keys in self.component.groups.items():
            self._gather(self.targets[name], keys)
        self._let_go()
        for name, held in keepers.items():
            self._unite(self.targets[name], held[1:])

    def _part(self, keys: frozenset[str]) -> CustomerNode:
        owned = [node for key in keys if (node := self.space.identifiers[key]).owner]
        if not owned:
            return self._tell(DecisionKind.CREATED, self.space.create(self.base.at), kept=keys)
        oldest = min(owned, key=lambda node: (node.linked_sequence, node.identifier.key))
        source = self.space.customers[oldest.owner or ""]
        leaving = frozenset(keys & source.identifiers)
        stay = frozenset(source.identifiers - leaving)
        part = self.regrouping.take_out(source, leaving, stay, events_follow=False)
        self._tell(DecisionKind.SPLIT, source, kept=stay, dropped=leaving, other=part.one_id)
        return part

    def _gather(self, target: CustomerNode, keys: frozenset[str]) -> None:
        nodes = self.space.identifiers
        strange = [key for key in keys if nodes[key].owner != target.one_id]
        own = {held.one_id for held in self.component.customers.values()}
        losers = dict[str, list[str]]()
        for key in strange:
            owner = nodes[key].owner
            if owner in own:
                losers.setdefault(owner or "", []).append(key)
        self.regrouping.move(target, strange)
        for loser, moved in sorted(losers.items()):
            self._tell(DecisionKind.TRANSFERRED, target, kept=frozenset(moved), other=loser)

    def _let_go(self) -> None:
        """What was named and is nobody's any more: blocked, generic, or over a limit by now."""
        grouped = frozenset().union(*self.component.groups.values())
        for held in self.component.customers.values():
            loose = [key for key in held.links if key not in grouped and self.told(key)]
            for key in loose:
                self.space.unlink(Identifier.from_key(key))
            if loose:
                owner = self.space.customers[held.one_id]
                self._tell(DecisionKind.UNLINKED, owner, dropped=frozenset(loose))

    def _unite(self, target: CustomerNode, others: list[Held]) -> None:
        if others:
            self.space.merge(target, [self.space.customers[held.one_id] for held in others])
            merged = tuple(held.one_id for held in others)
            self._tell(DecisionKind.MERGED, target, kept=frozenset(target.identifiers), merged=merged)

    def _tell(
        self,
        kind: DecisionKind,
        customer: CustomerNode,
        *,
        kept: frozenset[str] = frozenset(),
        dropped: frozenset[str] = frozenset(),
        merged: tuple[str, ...] = (),
        other: str | None = None,
    ) -> CustomerNode:
        told = replace(
            self.base,
            id=uuid4().hex,
            sequence=self.space.next_sequence(),
            kind=kind,
            one_id=customer.one_id,
            kept=tuple(map(Identifier.from_key, sorted(kept))),
            dropped=tuple(map(Identifier.from_key, sorted(dropped))),
            merged_one_ids=merged,
            other_one_id=other,
        )
        self.decisions.append(told)
        return customer
