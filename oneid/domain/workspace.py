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
    `stored`: the graph has it, and `stored_owner` is the owner that it has there. `seen`: only `last_seen_at`
    moved; `changed`: more did. `first_one_id`: whose it was first of all. `sides`: of each sticky split that it
    was part of, "id:side". `anchors`: the values it was seen with, counted until it is `generic`.
    """

    identifier: Identifier
    owner: str | None = None
    stored_owner: str | None = None
    first_seen_at: str = ""
    last_seen_at: str = ""
    verified: bool = False
    source: str | None = None
    linked_sequence: int = 0
    quarantined: bool = False
    first_one_id: str | None = None
    sides: tuple[str, ...] = ()
    anchors: tuple[str, ...] = ()
    generic: bool = False
    stored: bool = False
    seen: bool = False
    changed: bool = False

    def refresh(self, at: str, source: str, verified: bool) -> None:
        """Notes that an event of time `at` named it."""
        if at > self.last_seen_at:
            self.last_seen_at, self.seen = at, True
        if not self.first_seen_at or at < self.first_seen_at:
            self.first_seen_at, self.changed = at, True
        if verified and not self.verified:
            self.verified = self.changed = True
        self.source = self.source or source


@dataclass(slots=True)
class CustomerNode:
    """A customer with the keys of all its identifiers. Lower `sequence` is older. `touched`: it gets a new
    version; `changed`: more than version and time are different. `restored`: it was merged away and is a
    customer again. `rebuild`: a value that had joined it joins nobody any more."""

    one_id: str
    sequence: int
    version: int
    created_at: str
    updated_at: str
    merges: int = 0
    identifiers: set[str] = field(default_factory=set[str])
    stored_attributes: str | None = None
    merged_into: str | None = None
    created: bool = False
    restored: bool = False
    rebuild: bool = False
    touched: bool = False
    changed: bool = False
    _attributes: Attributes | None = None

    @property
    def attributes(self) -> Attributes:
        """Read from their stored form when they are first asked for: most events don't."""
        if self._attributes is None:
            self._attributes = attributes.from_stored(self.stored_attributes)
        return self._attributes

    def replace_attributes(self, new: Attributes) -> None:
        self._attributes, self.changed = new, True

    def put(self, key: str, value: AttributeValue) -> None:
        if attributes.put(self.attributes, key, value):
            self.changed = True


@dataclass(frozen=True, slots=True)
class Division:
    """A part that left a customer: `keys` went from `source` to `target`, `stay` did not. Where `events_follow`,
    events that name some of the first and none of the second go along."""

    source: str
    target: str
    keys: frozenset[str]
    stay: frozenset[str]
    events_follow: bool = True


class Workspace:
    """Identifiers by key and customers by ONE-ID. Holds every identifier that the batch names, their owners,
    and all identifiers of those owners. `redirects`: former ONE-IDs that lead elsewhere now."""

    def __init__(self, new_one_id: Callable[[], str]) -> None:
        self.identifiers: dict[str, IdentifierNode] = {}
        self.customers: dict[str, CustomerNode] = {}
        self.redirects: dict[str, str] = {}
        self.divisions: list[Division] = []
        self._sequence = 0
        self._new_one_id = new_one_id

    def start(self, sequence: int) -> None:
        """Numbers what follows from here. To be called once all is locked: who waited comes later."""
        self._sequence = sequence

    def next_sequence(self) -> int:
        self._sequence += 1
        return self._sequence

    def node(self, identifier: Identifier) -> IdentifierNode:
        node = self.identifiers.get(identifier.key)
        if node is None:
            node = self.identifiers[identifier.key] = IdentifierNode(identifier)
        return node

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
        self._take(node)
        node.owner, node.changed, node.linked_sequence = customer.one_id, True, self.next_sequence()
        node.first_one_id = node.first_one_id or customer.one_id
        customer.identifiers.add(identifier.key)

    def unlink(self, identifier: Identifier) -> None:
        """Takes an identifier from its owner, who stays a customer also without any. What was known of it was known
        of the two: whoever gets it next has yet to be seen with it, and to prove it."""
        node = self.node(identifier)
        self._take(node)
        node.first_seen_at = node.last_seen_at = ""
        node.verified, node.source = False, None

    def _take(self, node: IdentifierNode) -> None:
        if node.owner:
            former = self.customers[node.owner]
            former.identifiers.discard(node.identifier.key)
            former.touched = True
        node.owner, node.changed = None, True

    def merge(self, survivor: CustomerNode, others: Iterable[CustomerNode]) -> None:
        """Moves all that the others hold to the survivor. Link order is kept."""
        for other in others:
            for key in other.identifiers:
                self.identifiers[key].owner = survivor.one_id
                self.identifiers[key].changed = True
            survivor.identifiers |= other.identifiers
            survivor.merges += other.merges + 1
            survivor.rebuild |= other.rebuild
            attributes.merge(survivor.attributes, other.attributes)
            other.identifiers = set()
            other.attributes.clear()
            other.merged_into, other.touched, other.changed = survivor.one_id, True, True
            survivor.touched = survivor.changed = True

    def current(self, one_id: str) -> str:
        """The ONE-ID that this one redirects to within the batch, itself if it was not merged away."""
        while (into := self.customers[one_id].merged_into) is not None:
            one_id = into
        return one_id
