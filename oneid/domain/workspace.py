"""The part of the identity graph that a micro-batch touches, in memory: read whole, changed, written back."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from oneid.domain import attributes
from oneid.domain.attributes import Attributes
from oneid.domain.customers import AttributeValue
from oneid.domain.identifiers import Identifier


@dataclass(slots=True)
class IdentifierNode:
    """An identifier and its owner's ONE-ID (None: nobody's). Times are RFC 3339 event times, "" if never seen.
    `stored_owner` is the owner that the graph still has."""

    identifier: Identifier
    owner: str | None = None
    stored_owner: str | None = None
    first_seen_at: str = ""
    last_seen_at: str = ""
    verified: bool = False
    source: str | None = None
    linked_sequence: int = 0
    quarantined: bool = False
    changed: bool = False

    def refresh(self, at: str, source: str, verified: bool) -> None:
        """Notes that an event of time `at` named it."""
        self.first_seen_at = min(self.first_seen_at or at, at)
        self.last_seen_at = max(self.last_seen_at, at)
        self.verified = self.verified or verified
        self.source = self.source or source
        self.changed = True


@dataclass(slots=True)
class CustomerNode:
    """A customer with the keys of all its identifiers. Lower `sequence` is older."""

    one_id: str
    sequence: int
    version: int
    created_at: str
    updated_at: str
    merges: int = 0
    identifiers: set[str] = field(default_factory=set[str])
    attributes: Attributes = field(default_factory=dict[str, AttributeValue])
    merged_into: str | None = None
    created: bool = False
    changed: bool = False


class Workspace:
    """Identifiers by key and customers by ONE-ID. Holds every identifier that the batch names, their owners,
    and all identifiers of those owners."""

    def __init__(self, sequence: int, new_one_id: Callable[[], str]) -> None:
        self.identifiers: dict[str, IdentifierNode] = {}
        self.customers: dict[str, CustomerNode] = {}
        self._sequence = sequence
        self._new_one_id = new_one_id

    def next_sequence(self) -> int:
        self._sequence += 1
        return self._sequence

    def node(self, identifier: Identifier) -> IdentifierNode:
        return self.identifiers.setdefault(identifier.key, IdentifierNode(identifier))

    def owner(self, identifier: Identifier) -> CustomerNode | None:
        node = self.identifiers.get(identifier.key)
        return self.customers[node.owner] if node and node.owner else None

    def create(self, at: str) -> CustomerNode:
        customer = CustomerNode(self._new_one_id(), self.next_sequence(), 0, at, at, created=True)
        self.customers[customer.one_id] = customer
        return customer

    def link(self, identifier: Identifier, customer: CustomerNode) -> None:
        """Gives an identifier to a customer, taking it from whoever has it."""
        node = self.node(identifier)
        if node.owner == customer.one_id:
            return
        self.unlink(identifier)
        node.owner, node.changed, node.linked_sequence = customer.one_id, True, self.next_sequence()
        customer.identifiers.add(identifier.key)

    def unlink(self, identifier: Identifier) -> None:
        """Takes an identifier from its owner, who stays a customer also without any."""
        node = self.node(identifier)
        if node.owner:
            former = self.customers[node.owner]
            former.identifiers.discard(identifier.key)
            former.changed = True
        node.owner, node.changed = None, True

    def merge(self, survivor: CustomerNode, others: Iterable[CustomerNode]) -> None:
        """Moves all that the others hold to the survivor. Link order is kept."""
        for other in others:
            for key in other.identifiers:
                self.identifiers[key].owner = survivor.one_id
                self.identifiers[key].changed = True
            survivor.identifiers |= other.identifiers
            survivor.merges += other.merges + 1
            attributes.merge(survivor.attributes, other.attributes)
            other.identifiers, other.attributes = set(), {}
            other.merged_into, other.changed = survivor.one_id, True
        survivor.changed = True

    def current(self, one_id: str) -> str:
        """The ONE-ID that this one redirects to within the batch, itself if it was not merged away."""
        while (into := self.customers[one_id].merged_into) is not None:
            one_id = into
        return one_id
