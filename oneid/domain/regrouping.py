"""Regrouping: the identifiers of customers are shared out anew, and each ONE-ID stays with the person it named.

One rule serves splits, generic values and reprocessing. A customer's ONE-ID goes to the group that holds its
oldest identifier (in link order). A group that holds nobody's oldest gets back the former ONE-ID under which its
oldest identifier was first known, if that one redirects to the customer it leaves; else it gets a new one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from oneid.domain.workspace import CustomerNode, Division, IdentifierNode, Workspace


@dataclass(frozen=True, slots=True)
class Former:
    """A ONE-ID that redirects to the customer `current`, and what its own customer had."""

    one_id: str
    current: str
    sequence: int
    version: int
    created_at: str
    merges: int


class Regrouping:
    """Moves identifiers between the customers of one workspace, which holds all of them."""

    def __init__(self, space: Workspace, formers: Iterable[Former], at: str) -> None:
        self._space = space
        self._formers = {former.one_id: former for former in formers}
        self._at = at

    def split(self, customer: CustomerNode, keys: frozenset[str]) -> tuple[CustomerNode, CustomerNode]:
        """Shares one customer out in two: the part that keeps the ONE-ID, and the other one."""
        kept, leaving = self.keeper_first([keys, frozenset(customer.identifiers) - keys])
        return customer, self.take_out(customer, leaving, kept)

    def keeper_first(self, groups: Sequence[frozenset[str]]) -> list[frozenset[str]]:
        """The groups in the order of their oldest identifiers: the first one keeps the ONE-ID."""
        return sorted(groups, key=lambda group: self._oldest(group).linked_sequence)

    def take_out(
        self,
        customer: CustomerNode,
        keys: frozenset[str],
        stay: frozenset[str],
        *,
        events_follow: bool = True,
    ) -> CustomerNode:
        """Makes identifiers of a customer a customer of their own."""
        part = self._restored(customer, keys) or self._space.create(self._at)
        self.move(part, keys)
        customer.touched = part.touched = True
        customer.updated_at = part.updated_at = max(customer.updated_at, self._at)
        self._redirect(customer, part)
        self._space.divisions.append(Division(customer.one_id, part.one_id, keys, stay, events_follow))
        return part

    def move(self, target: CustomerNode, keys: Iterable[str]) -> None:
        """Gives identifiers to a customer; their link order stays."""
        for key in keys:
            node = self._space.identifiers[key]
            if node.owner is None:
                node.linked_sequence = self._space.next_sequence()
                node.first_one_id = node.first_one_id or target.one_id
            else:
                self._space.customers[node.owner].identifiers.discard(key)
            node.owner, node.changed = target.one_id, True
            target.identifiers.add(key)

    def _oldest(self, keys: Iterable[str]) -> IdentifierNode:
        nodes = (self._space.identifiers[key] for key in keys)
        return min(nodes, key=lambda node: (node.linked_sequence, node.identifier.key))

    def _restored(self, customer: CustomerNode, keys: frozenset[str]) -> CustomerNode | None:
        former = self._formers.get(self._oldest(keys).first_one_id or "")
        if former is None or former.current != customer.one_id or former.one_id in self._space.customers:
            return None
        part = CustomerNode(
            former.one_id, former.sequence, former.version, former.created_at, self._at, former.merges
        )
        part.restored = part.changed = True
        self._space.customers[part.one_id] = part
        customer.merges = max(0, customer.merges - former.merges - 1)
        customer.changed = True
        return part

    def _redirect(self, customer: CustomerNode, part: CustomerNode) -> None:
        """A former ONE-ID follows the oldest of the identifiers that were first known under it."""
        for former in self._formers.values():
            if former.current != customer.one_id or former.one_id in self._space.customers:
                continue
            named = [
                key
                for key in (*customer.identifiers, *part.identifiers)
                if self._space.identifiers[key].first_one_id == former.one_id
            ]
            if named and self._oldest(named).owner == part.one_id:
                self._space.redirects[former.one_id] = part.one_id
