"""What becomes of one customer from the last judgement to now: instant by instant, each step to another stage
beginning a new course."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final

from oneid.domain.lifecycles import MERGED, Position, StageChange, advanced, moved, step_by_step
from oneid.domain.segments.membership import Course, Live, Membership, Transition, TransitionKind

MAX_INSTANTS: Final = 50
"""That are judged at once: the next judgement goes on with what else was missed."""

MAX_MOVES: Final = 100
"""Likewise."""

MAX_NEWS: Final = 25
"""Instants before that one that are looked at for lifecycles, the latest."""

CourseOf = Callable[[tuple[Position, ...]], Course]
"""What holds when for a customer that is there in its lifecycles."""


class Judgement:
    """Asks at `instants` which segments match, and takes the answers, until there are none left to ask. `positions`,
    `inside`, `transitions` and `changes` are what has become of the customer until then."""

    def __init__(
        self,
        one_id: str,
        membership: Membership,
        positions: tuple[Position, ...],
        live: Live,
        course_of: CourseOf,
        changed: Collection[int],
        now: int,
        news: int | None = None,
    ) -> None:
        """`changed`: instants at which something changed besides what holds; `now`: until when the customer is judged
        (milliseconds); `news`: when the first happened of the events that came since the customer was judged. They may
        be older than that judgement, which stands: only lifecycles go from there step by step."""
        self.positions = positions
        self.inside = membership.segments & live.ids
        self.transitions: list[Transition] = []
        self.changes: list[StageChange] = []
        self.course = course_of(positions)
        self._one_id = one_id
        self._round = membership.seen + 1
        self._live = live
        self._course_of = course_of
        self._changed = set(changed)
        self._now = now
        self._visited = set[tuple[str, str]]()
        self._known = self.inside
        self._told_from = now if membership.wake_at is None else min(membership.wake_at, now)
        self._stepwise = news is not None and bool(live.lifecycles)
        self._from = min(news, self._told_from) if news is not None and live.lifecycles else self._told_from
        self.instants = self._due()

    def join(self, merges: Iterable[tuple[str | None, Position]]) -> None:
        """Tells to which positions the customer came by merging: the stage where it was, and where it is."""
        for source, target in merges:
            self._step(source, target, self.instants[0], reason=MERGED)

    def take(self, matched: Sequence[set[str]]) -> None:
        """What matched at each of the instants. Where the customer moves, the rest is to be asked anew."""
        for at, found in zip(self.instants, matched, strict=True):
            inside = frozenset(found & self._live.ids)
            self._from = at
            if self._moves(at, inside):
                self.course = self._course_of(self.positions)
                self.instants = self._due() if len(self.changes) < MAX_MOVES else []
                return
            self._settle(at, inside)
        self.instants = []

    def wake_at(self, known: int | None = None) -> int | None:
        """When to judge next; None: when something happens. `known`: an instant that is known from elsewhere."""
        told = self._turning() if known is None else {*self._turning(), known}
        return min((at for at in told if at >= self._from), default=None)

    def _turning(self) -> set[int]:
        return self.course.changes() | self._changed

    def _due(self) -> list[int]:
        """The instants from the first that is not judged, and now."""
        due = sorted(at for at in self._turning() if self._from <= at < self._now)
        news = [at for at in due if at < self._told_from][-MAX_NEWS:]
        told = [at for at in due if at >= self._told_from]
        again = {self._from} if self._visited else set[int]()
        return sorted({*news, *told, *again, self._now})[:MAX_INSTANTS]

    def _settle(self, at: int, inside: frozenset[str]) -> None:
        """The customer is in these segments at an instant, and moves no more."""
        if at >= self._told_from:
            self._tell(at, inside)
        self._known, self._from = inside, at + 1
        self._visited.clear()

    def _tell(self, at: int, inside: frozenset[str]) -> None:
        left, entered = self.inside - inside, inside - self.inside
        told = [(TransitionKind.LEFT, one) for one in sorted(left - self._live.silent)]
        told += [(TransitionKind.ENTERED, one) for one in sorted(entered - self._live.silent)]
        for kind, segment in told:
            number = len(self.transitions)
            id_ = f"{self._one_id}:{self._round}:{number}"
            self.transitions.append(Transition(id_, segment, self._one_id, kind, at))
        self.inside = inside

    def _moves(self, at: int, inside: frozenset[str]) -> bool:
        """Whether the customer comes to another stage at an instant, if these segments match."""
        before = len(self.changes)
        for lifecycle in self._live.lifecycles:
            of_stage = {lifecycle.segment_of(stage): stage.key for stage in lifecycle.stages}
            true = {key for id_, key in of_stage.items() if id_ in inside}
            entered = {key for id_, key in of_stage.items() if id_ in inside - self._known}
            visited = {stage for id_, stage in self._visited if id_ == lifecycle.id}
            here = next((one for one in self.positions if one.lifecycle == lifecycle.id), None)
            if here and at <= here.since and at < self._told_from:
                continue  # where the customer is known to have been stands
            stage = here.stage if here else None
            path = advanced(lifecycle, here, true, entered, at, visited)
            for step in step_by_step(lifecycle, stage, path, entered - visited) if self._stepwise else path:
                self._step(stage, step, at)
                stage = step.stage
        return len(self.changes) > before

    def _step(self, source: str | None, target: Position, at: int, reason: str | None = None) -> None:
        number = len(self.changes)
        id_ = f"{self._one_id}:{self._round}:{target.lifecycle}:{number}"
        told = (id_, target.lifecycle, self._one_id, source, target.stage, at)
        self.changes.append(StageChange(*told, reason=reason))
        self.positions = moved(self.positions, target)
        # At one instant nobody comes to a stage twice: rules that contradict each other have an end.
        self._visited.add((target.lifecycle, target.stage))
