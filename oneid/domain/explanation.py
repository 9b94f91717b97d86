"""Why two are one customer, or are not: a path through the evidence."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from oneid.domain.decisions import Decision, DecisionKind
from oneid.domain.identifiers import Identifier

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


def keeping_apart(
    decisions: Sequence[Decision], one: frozenset[Identifier], other: frozenset[Identifier]
) -> Decision | None:
    """The last decision that left an identifier of one side out of a message that named the other side."""
    sides = (one, other)
    relevant = [
        d for d in decisions if d.kind in KEEPING_APART and any(side & set(d.dropped) for side in sides)
    ]
    return relevant[-1] if relevant else None
