"""Resolution: which customer a message belongs to, and what that changes.

Deterministic and rule-guarded: match by identifiers, hold the limits by demoting the weakest type, then create,
add or merge into the oldest customer. Works on a `Workspace` and does no I/O, so that any batch size gives the
result of one message after the other.
"""

from dataclasses import dataclass, field

from oneid.domain.attributes import told_by
from oneid.domain.catalog import Catalog
from oneid.domain.decisions import Decision, DecisionKind
from oneid.domain.evidence import Prepared
from oneid.domain.identifiers import Identifier
from oneid.domain.journal import Journal
from oneid.domain.limits import Limits, candidates
from oneid.domain.messages import format_time
from oneid.domain.rules import IdentifierType, IdentityRules, SharedIdentifierPolicy
from oneid.domain.separation import separated
from oneid.domain.workspace import CustomerNode, IdentifierNode, Workspace

DEVICE_TYPES = frozenset({"anonymous_id", "device_id"})
CONSENT = "CONSENT"
GENERIC = "GENERIC"


@dataclass(slots=True)
class Resolution:
    """What became of one message: the customer it was attributed to (None: nobody), the keys it named,
    its place in the order of processing, the decisions taken, and the key of the strongest identifier that
    counted."""

    one_id: str | None
    keys: tuple[str, ...]
    sequence: int
    decisions: list[Decision]
    by: str | None = None


@dataclass(slots=True)
class Case:
    """One message on its way: the identifiers still in play, and what was left out, in order of strength."""

    prepared: Prepared
    journal: Journal
    at: str
    identifiers: list[Identifier]
    generic: list[Identifier] = field(default_factory=list[Identifier])
    demoted: list[Identifier] = field(default_factory=list[Identifier])
    apart: set[Identifier] = field(default_factory=set[Identifier])


class Resolver:
    """Resolves messages one after the other on a workspace that holds all they name."""

    def __init__(self, workspace: Workspace, rules: IdentityRules, catalog: Catalog | None = None) -> None:
        self._space = workspace
        self._rules = rules
        self._catalog = catalog or Catalog()

    def expose(self, prepared: Prepared) -> list[Decision]:
        """Counts with what a message's values were seen: from now on those that too many share name nobody.
        Tells which were taken from customers, who are to be rebuilt before the message is resolved."""
        if not self._rules.counts_anchors:
            return []
        identifiers = self._named(prepared)[0]
        journal = Journal(prepared.message, self._rules.version, self._space.next_sequence, "generic-")
        for identifier in identifiers:
            node, rule = self._space.node(identifier), self._rules.by_type[identifier.type]
            if rule.generic_after and not node.generic:
                self._count_anchors(identifiers, node, rule, journal)
        return journal.close(None)

    def resolve(self, prepared: Prepared) -> Resolution:
        """Applies one message: changes the workspace and tells the outcome."""
        exposed = self.expose(prepared)
        sequence = self._space.next_sequence()
        case = self._open(prepared)
        target = self._place(case) if case.identifiers else None
        if target:
            self._share_devices(case, target)
            self._remember(case, target)
        one_id = target.one_id if target else None
        keys = prepared.stored
        dropped = prepared.named.dropped + [(identifier, GENERIC) for identifier in case.generic]
        by = case.identifiers[0].key if target else None
        joined = [i for i in case.identifiers if target and i.key in target.identifiers]
        return Resolution(one_id, keys, sequence, exposed + case.journal.close(one_id, dropped, joined), by)

    def _open(self, prepared: Prepared) -> Case:
        message = prepared.message
        journal = Journal(message, self._rules.version, self._space.next_sequence)
        identifiers, refused = self._named(prepared)
        if refused:
            journal.note(DecisionKind.REFUSED, dropped=[refused], reason="ALIAS_OF_KNOWN")
        case = Case(prepared, journal, format_time(message.timestamp), identifiers)
        self._ignore_generic(case)
        self._ignore_quarantined(case)
        self._ask_consent(case)
        return case

    def _named(self, prepared: Prepared) -> tuple[list[Identifier], Identifier | None]:
        """What a message names, an alias's previousId included, and the previousId that is refused. It is looked
        for as anonymous_id, then as user_id; unknown, it counts as anonymous_id."""
        previous, identifiers = prepared.previous, prepared.named.identifiers
        found = next((identifier for identifier in previous if self._space.owner(identifier)), None)
        alias = found or next(iter(previous), None)
        if alias is None or alias in identifiers:
            return identifiers, None
        if found and found.type == "user_id" and any(map(self._known_user, identifiers)):
            return identifiers, found
        return sorted([*identifiers, alias], key=self._rules.weakness), None

    def _known_user(self, identifier: Identifier) -> bool:
        return identifier.type == "user_id" and self._space.owner(identifier) is not None

    def _count_anchors(
        self, identifiers: list[Identifier], node: IdentifierNode, rule: IdentifierType, journal: Journal
    ) -> None:
        anchors = {i.value for i in identifiers if i.type == rule.generic_anchor and i != node.identifier}
        seen = anchors.union(node.anchors)
        if len(seen) > rule.generic_after:
            self._make_generic(node, journal)
        elif len(seen) > len(node.anchors):
            node.anchors, node.changed = tuple(sorted(seen)), True

    def _make_generic(self, node: IdentifierNode, journal: Journal) -> None:
        owner = self._space.owner(node.identifier)
        if owner:
            self._space.unlink(node.identifier)
            owner.rebuild = owner.changed = True
            dropped = [node.identifier]
            journal.note(
                DecisionKind.UNLINKED, dropped=dropped, reason=GENERIC, of=owner.one_id, changes=True
            )
        node.generic, node.anchors, node.changed = True, (), True

    def _ignore_generic(self, case: Case) -> None:
        """A value seen with more than N anchors names nobody: whom it had joined are rebuilt without it."""
        case.generic = [i for i in case.identifiers if self._space.node(i).generic]
        if case.generic:
            case.identifiers = [i for i in case.identifiers if i not in case.generic]

    def _ignore_quarantined(self, case: Case) -> None:
        """A quarantined value links nobody: it is ignored beside others and stands for itself alone."""
        node = self._space.node
        if any(node(identifier).quarantined for identifier in case.identifiers):
            linking = [i for i in case.identifiers if not node(i).quarantined]
            case.identifiers = linking or case.identifiers[:1]

    def _ask_consent(self, case: Case) -> None:
        if self._rules.consent_required and not case.prepared.consents and len(case.identifiers) > 1:
            case.journal.note(DecisionKind.DEMOTED, dropped=case.identifiers[1:], reason=CONSENT)
            case.identifiers = case.identifiers[:1]

    def _place(self, case: Case) -> CustomerNode:
        """Finds or makes the customer, and links what may be linked."""
        case.apart = self._proven_elsewhere(case)
        limits = Limits(self._space, self._rules, case.prepared.message.timestamp)
        case.identifiers, case.demoted, owners = limits.hold(case.identifiers, case.apart)
        if case.demoted:
            case.journal.note(DecisionKind.DEMOTED, dropped=case.demoted, reason="LIMIT")
        if not owners:
            return self._create(case)
        if cap := self._over_cap(case, owners):
            return self._cap(case, owners[0], cap)
        return self._join(case, owners)

    def _proven_elsewhere(self, case: Case) -> set[Identifier]:
        """Identifiers that this event proves to be its user's, held by another customer that has a user_id."""
        users = [i for i in case.identifiers if i.type == "user_id"]
        if not users or not case.prepared.named.verified:
            return set()
        mine = {owner.one_id for owner in candidates(self._space, users, set())}
        return {i for i in case.identifiers if self._moves_when_proven(case, i, mine)}

    def _moves_when_proven(self, case: Case, identifier: Identifier, mine: set[str]) -> bool:
        rule = self._rules.by_type[identifier.type]
        if not rule.transfer_on_verified or identifier.type not in case.prepared.named.verified:
            return False
        owner = self._space.owner(identifier)
        return (
            owner is not None
            and owner.one_id not in mine
            and any(key.startswith("user_id:") for key in owner.identifiers)
        )

    def _create(self, case: Case) -> CustomerNode:
        customer = self._space.create(format_time(case.prepared.message.received_at))
        limit = self._rules.max_identifiers
        linked, over = case.identifiers[:limit], case.identifiers[limit:]
        if over:
            case.journal.note(DecisionKind.CAPPED, kept=linked, dropped=over, reason="MAX_IDENTIFIERS")
        case.journal.note(DecisionKind.CREATED, kept=linked, changes=True)
        self._note_moves(case, linked)
        self._link(case, linked, customer)
        return customer

    def _over_cap(self, case: Case, owners: list[CustomerNode]) -> str | None:
        if len(owners) > 1 and sum(c.merges for c in owners) + len(owners) - 1 > self._rules.max_merges:
            return "MAX_MERGES"
        held = set[str]().union(*(owner.identifiers for owner in owners))
        union = held.union(identifier.key for identifier in case.identifiers)
        gains = len(owners) > 1 or len(union) > len(held)
        return "MAX_IDENTIFIERS" if gains and len(union) > self._rules.max_identifiers else None

    def _cap(self, case: Case, target: CustomerNode, cap: str) -> CustomerNode:
        """Over a cap nothing merges: the event goes to the owner of its strongest owned identifier."""
        free = [i for i in case.identifiers if i in case.apart or self._space.owner(i) is None]
        if len(target.identifiers) + len(free) > self._rules.max_identifiers:
            free = []
        kept = [i for i in case.identifiers if i in free or i.key in target.identifiers]
        dropped = [i for i in case.identifiers if i not in kept]
        case.journal.note(DecisionKind.CAPPED, kept=kept, dropped=dropped, reason=cap)
        self._note_added(case, kept, target)
        self._link(case, kept, target)
        return target

    def _join(self, case: Case, owners: list[CustomerNode]) -> CustomerNode:
        survivor, *others = sorted(owners, key=lambda customer: customer.sequence)
        here = {owner.one_id for owner in owners}
        case.apart = {i for i in case.apart if self._space.identifiers[i.key].owner not in here}
        if others:
            merged = tuple(other.one_id for other in others)
            case.journal.note(DecisionKind.MERGED, kept=case.identifiers, merged=merged, changes=True)
            self._note_moves(case, case.identifiers)
        else:
            self._note_added(case, case.identifiers, survivor)
        self._space.merge(survivor, others)
        self._link(case, case.identifiers, survivor)
        return survivor

    def _note_added(self, case: Case, kept: list[Identifier], target: CustomerNode) -> None:
        """What is new to a customer: identifiers that were nobody's, and proven ones that were another's."""
        new = {i for i in kept if i.key not in target.identifiers}
        if new - case.apart:
            case.journal.note(DecisionKind.ADDED, kept=kept, changes=True)
            self._note_moves(case, kept)
        elif new:
            self._note_moves(case, kept, alone=True)

    def _note_moves(self, case: Case, kept: list[Identifier], *, alone: bool = False) -> None:
        """One entry for each customer who loses proven identifiers. Where no other entry says whom they join,
        it does."""
        losers = dict[str, list[Identifier]]()
        for identifier in kept:
            owner = self._space.owner(identifier) if identifier in case.apart else None
            if owner:
                losers.setdefault(owner.one_id, []).append(identifier)
        for loser, moved in losers.items():
            joined = kept if alone else moved
            case.journal.note(
                DecisionKind.TRANSFERRED, kept=joined, reason="VERIFIED", other=loser, changes=True
            )

    def _link(self, case: Case, identifiers: list[Identifier], customer: CustomerNode) -> None:
        source, verified = case.prepared.message.source, case.prepared.named.verified
        for identifier in identifiers:
            self._space.link(identifier, customer)
            self._space.node(identifier).refresh(case.at, source, identifier.type in verified)

    def _share_devices(self, case: Case, target: CustomerNode) -> None:
        """What the policy does to a device that was kept out because it is another customer's. A sticky split
        stands above it."""
        policy = self._rules.shared_identifier_policy
        for identifier in case.demoted:
            owner = self._space.owner(identifier)
            if identifier.type not in DEVICE_TYPES or owner is None or owner is target:
                continue
            if separated(self._space, target.identifiers | {identifier.key}):
                continue
            if policy is SharedIdentifierPolicy.LAST_LOGIN:
                self._space.link(identifier, target)
                kept = [*case.identifiers, identifier]
                case.journal.note(
                    DecisionKind.TRANSFERRED, kept=kept, reason=policy, other=owner.one_id, changes=True
                )
            elif policy is SharedIdentifierPolicy.QUARANTINE:
                self._space.unlink(identifier)
                self._space.node(identifier).quarantined = True
                dropped = [identifier]
                case.journal.note(
                    DecisionKind.UNLINKED, dropped=dropped, reason=policy, of=owner.one_id, changes=True
                )

    def _remember(self, case: Case, target: CustomerNode) -> None:
        message = case.prepared.message
        target.touched = True
        target.updated_at = max(target.updated_at, format_time(message.received_at))
        if message.type == "identify":
            by = case.identifiers[0].key
            for key, value in self._catalog.fitting(message.traits).items():
                number = self._space.next_sequence()
                target.put(key, told_by(message, value, case.at, number, by))
