"""What happens to customers, as those are told who follow it; and which of it somebody has been told lately."""

from bisect import bisect_right, insort
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from oneid.domain.decisions import Decision, DecisionKind
from oneid.domain.messages import format_time
from oneid.domain.segments.membership import Transition, TransitionKind

NEAR_NS: Final = 5_000_000_000
FAR_NS: Final = 150_000_000_000
LAST: Final = "\uffff"


class ChangeKind(StrEnum):
    CUSTOMER_CREATED = "CUSTOMER_CREATED"
    CUSTOMER_MERGED = "CUSTOMER_MERGED"
    CUSTOMER_SPLIT = "CUSTOMER_SPLIT"
    CUSTOMER_ERASED = "CUSTOMER_ERASED"
    SEGMENT_ENTERED = "SEGMENT_ENTERED"
    SEGMENT_LEFT = "SEGMENT_LEFT"


DECISIONS: Final = {
    DecisionKind.CREATED: ChangeKind.CUSTOMER_CREATED,
    DecisionKind.MERGED: ChangeKind.CUSTOMER_MERGED,
    DecisionKind.SPLIT: ChangeKind.CUSTOMER_SPLIT,
    DecisionKind.ERASED: ChangeKind.CUSTOMER_ERASED,
}
TRANSITIONS: Final = {
    TransitionKind.ENTERED: ChangeKind.SEGMENT_ENTERED,
    TransitionKind.LEFT: ChangeKind.SEGMENT_LEFT,
}


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `at`: RFC 3339. `merged_one_ids`: merged away, or erased with it; `split_one_id`: the other part;
    `receipt`: of an erasure, whose `one_id` is empty once nobody knows it any more; `segment`: its id."""

    id: str
    sequence: int
    kind: ChangeKind
    at: str
    one_id: str
    merged_one_ids: tuple[str, ...] = ()
    split_one_id: str | None = None
    receipt: str | None = None
    segment: str | None = None


def of_decision(told: Decision, erased: Collection[str]) -> Change:
    """The change that a decision is. `erased`: of an erasure, the ONE-IDs while they are known, today's first."""
    kind = DECISIONS[told.kind]
    if kind is ChangeKind.CUSTOMER_ERASED:
        one_id, *former = erased or ("",)
        return Change(told.id, told.sequence, kind, told.at, one_id, tuple(former), receipt=told.one_id)
    other = told.other_one_id if kind is ChangeKind.CUSTOMER_SPLIT else None
    return Change(told.id, told.sequence, kind, told.at, told.one_id, told.merged_one_ids, other)


def of_transition(told: Transition) -> Change:
    """The change that a transition is."""
    kind, at = TRANSITIONS[told.kind], format_time(datetime.fromtimestamp(told.at / 1000, UTC))
    return Change(told.id, told.sequence, kind, at, told.one_id, segment=told.segment)


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the feed: the highest sequence told, and how many changes were told of those that lie less than
    NEAR_NS and FAR_NS before it."""

    sequence: int
    near: int
    far: int


class Lately:
    """Which changes were told, of those less than FAR_NS before the highest sequence told."""

    def __init__(self, high: int) -> None:
        self.high = high
        self._ids = set[str]()
        self._order = list[tuple[int, str]]()

    def __contains__(self, id_: str) -> bool:
        return id_ in self._ids

    def note(self, sequence: int, id_: str) -> None:
        """A change was told."""
        self.high = max(self.high, sequence)
        self._ids.add(id_)
        insort(self._order, (sequence, id_))
        if self._order[0][0] <= self.high - 2 * FAR_NS:
            self._drop(self._order[: len(self._order) - self.count(FAR_NS)])

    def count(self, nanoseconds: int) -> int:
        """How many were told of those so close before the highest."""
        return len(self._order) - self._place(self.high - nanoseconds)

    def between(self, after: int, until: int) -> int:
        """How many were told with a sequence in (after, until]."""
        return self._place(until) - self._place(after)

    def keep(self, ids: Collection[str], after: int, until: int) -> None:
        """Forgets those with a sequence in (after, until] that are not among these: they are gone from the log."""
        within = self._order[self._place(after) : self._place(until)]
        self._drop([entry for entry in within if entry[1] not in ids])

    def _place(self, sequence: int) -> int:
        return bisect_right(self._order, (sequence, LAST))

    @property
    def position(self) -> Position:
        return Position(self.high, self.count(NEAR_NS), self.count(FAR_NS))

    def _drop(self, entries: Collection[tuple[int, str]]) -> None:
        gone = set(entries)
        self._order = [entry for entry in self._order if entry not in gone] if gone else self._order
        self._ids -= {id_ for _, id_ in gone}
