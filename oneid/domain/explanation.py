"""Why two are one customer, or are not: a path through the evidence."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from oneid.domain.decisions import Decision, DecisionKind
from oneid.domain.identifiers import Identifier
from oneid.domain.resolution import GENERIC

JOINING = frozenset({DecisionKind.CREATED, DecisionKind.ADDED, DecisionKind.MERGED, DecisionKind.TRANSFERRED})
KEEPING_APART = frozenset(
    {
        DecisionKind.DEMOTED,
        DecisionKind.REFUSED,
        DecisionKind.CAPPED,
        DecisionKind.UNLINKED,
        DecisionKind.SPLIT,
        DecisionKind.TRANSFERRED,
    }
)


@dataclass(frozen=True, slots=True)
class Step:
    """One decision joined these two identifiers."""

    start: Identifier
    end: Identifier
    decision: Decision


@dataclass(frozen=True, slots=True)
class Explanation:
    """Either the shortest path of evidence between the two, or the last decision that kept them apart."""

    same_customer: bool
    path: tuple[Step, ...] = ()
    kept_apart_by: Decision | None = None


def shortest_path(
    starts: Iterable[Identifier], ends: Iterable[Identifier], decisions: Sequence[Decision]
) -> tuple[Step, ...]:
    """Breadth first over identifiers; each joining decision connects all that it kept. () where none leads."""
    goals, joining = set(ends), [d for d in decisions if d.kind in JOINING]
    by_identifier = dict[Identifier, list[Decision]]()
    for decision in joining:
        for identifier in decision.kept:
            by_identifier.setdefault(identifier, []).append(decision)
    queue = deque(dict.fromkeys(starts))
    came_by = dict[Identifier, Step | None].fromkeys(queue)
    while queue:
        here = queue.popleft()
        if here in goals:
            return unwind(came_by, here)
        for decision in by_identifier.get(here, ()):
            for there in decision.kept:
                if there not in came_by:
                    came_by[there] = Step(here, there, decision)
                    queue.append(there)
    return ()


def unwind(came_by: dict[Identifier, Step | None], goal: Identifier) -> tuple[Step, ...]:
    path = list[Step]()
    step = came_by[goal]
    while step:
        path.append(step)
        step = came_by[step.start]
    return tuple(reversed(path))


@dataclass(frozen=True)
class Side:
    """One of two customers: its ONE-IDs, former ones too, what it has now, and the evidence about it and about
    those that it was split from."""

    one_ids: frozenset[str]
    identifiers: frozenset[Identifier]
    decisions: Sequence[Decision]

    @cached_property
    def own(self) -> list[Decision]:
        return [d for d in self.decisions if not self.one_ids.isdisjoint((d.one_id, d.other_one_id or ""))]

    @cached_property
    def held(self) -> frozenset[Identifier]:
        """What it has, what was joined to it, and what joined any of what it has."""
        found = set(self.identifiers)
        for decision in self.decisions:
            if decision.one_id in self.one_ids or not self.identifiers.isdisjoint(decision.kept):
                found.update(decision.kept)
            if decision.kind is DecisionKind.SPLIT and decision.other_one_id in self.one_ids:
                found.update(decision.dropped)
        return frozenset(found)

    @cached_property
    def claimed(self) -> frozenset[Identifier]:
        """What it held, and what its events named and did not get."""
        dropped = (d.dropped for d in self.own if d.one_id in self.one_ids)
        return self.held.union(*dropped)


def keeping_apart(one: Side, other: Side) -> Decision | None:
    """The last decision that left an identifier of one side out of what the other side had, or took it from there.
    Where there is none, the last that kept both from a third one's identifier, or from a value that is nobody's."""
    about = list(dict.fromkeys([*one.own, *other.own]))
    about.sort(key=lambda decision: decision.sequence)
    strict = [d for d in about if d.kind in KEEPING_APART or d.reason == GENERIC]
    blocked = [d for d in about if d.kind is DecisionKind.BLOCKED]
    for decisions, reach in ((strict, "held"), (strict, "claimed"), (blocked, "claimed")):
        for decision in reversed(decisions):
            if stands_between(decision, one, other, reach) or stands_between(decision, other, one, reach):
                return decision
    return None


def stands_between(decision: Decision, holder: Side, other: Side, reach: str) -> bool:
    """Whether it left out, of what `holder` had or claimed, something that `other` named or kept."""
    theirs = decision.one_id in other.one_ids
    if decision.kind is DecisionKind.TRANSFERRED:
        return theirs and decision.other_one_id in holder.one_ids
    mine: frozenset[Identifier] = holder.held if reach == "held" else holder.claimed
    return (theirs or not other.held.isdisjoint(decision.kept)) and not mine.isdisjoint(decision.dropped)
