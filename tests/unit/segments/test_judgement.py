"""Judging over instants: what holds then, whichever stages the customer comes to on the way."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from oneid.domain.lifecycles import (
    Lifecycle,
    Position,
    Stage,
    from_stored,
    stage_intervals,
    to_stored,
)
from oneid.domain.lifecycles import (
    brought as brought_by,
)
from oneid.domain.segments.histories import DAY_MS
from oneid.domain.segments.intervals import Interval
from oneid.domain.segments.judgement import MAX_INSTANTS, MAX_MOVES, Judgement
from oneid.domain.segments.membership import Course, Live, Membership, course

DAY, UTC = DAY_MS, ZoneInfo("UTC")
QUIET, LOST, AWAKE, DORMANT, GONE = 1, 2, 11, 12, 13
MODEL = Lifecycle(
    "m",
    "m",
    "m",
    1,
    (
        Stage("awake", "", AWAKE, {}),
        Stage("dormant", "", DORMANT, {}),
        Stage("gone", "", GONE, {}, ("dormant",)),
    ),
    "",
)
IDS = frozenset({"m:awake", "m:dormant", "m:gone", "in-dormant", "in-dormant-7", "no-stage", "x"})
LIVE = Live(1, IDS, frozenset(), (), ((DORMANT, 7),), (MODEL,))
HELD: dict[int, tuple[Interval, ...]] = {QUIET: ((60 * DAY, None),), LOST: ((90 * DAY, None),)}
HOME = Position("m", 0, 0, "awake", AWAKE)


def course_of(positions: tuple[Position, ...]) -> Course:
    return course({**HELD, **stage_intervals(positions)}, LIVE, {}, {1970}, UTC)


def matched(held: Course, at: int) -> set[str]:
    """What stored queries of these segments would match."""
    numbers, names = held.holding(at)
    told = {"m:awake": True, "m:dormant": QUIET in numbers, "m:gone": LOST in numbers}
    told |= {"in-dormant": DORMANT in numbers, "in-dormant-7": f"{DORMANT}-7" in names}
    told["no-stage"] = QUIET in numbers and DORMANT not in numbers and GONE not in numbers
    return {id_ for id_, holds in told.items() if holds}


def judged(judgement: Judgement, match: Callable[[Course, int], set[str]] = matched) -> Judgement:
    while judgement.instants:
        judgement.take([match(judgement.course, at) for at in judgement.instants])
    return judgement


def begun(now: int, wake_at: int | None = 60 * DAY) -> Judgement:
    known = Membership(frozenset({"m:awake"}), 4, wake_at)
    return Judgement("c", known, (HOME,), LIVE, course_of, (), now)


def told(judgement: Judgement, *segments: str) -> list[tuple[str, str, float]]:
    found = [(one.segment, one.kind.value, one.at / DAY) for one in judgement.transitions]
    return [one for one in found if one[0] in segments]


def test_who_passes_through_a_stage_while_nobody_looks_was_in_what_depends_on_it() -> None:
    done = judged(begun(120 * DAY))

    assert told(done, "in-dormant", "in-dormant-7") == [
        ("in-dormant", "ENTERED", 60),
        ("in-dormant-7", "ENTERED", 67),
        ("in-dormant", "LEFT", 90),
        ("in-dormant-7", "LEFT", 90),
    ]
    assert [(c.source, c.target, c.at / DAY) for c in done.changes] == [
        ("awake", "dormant", 60),
        ("dormant", "gone", 90),
    ]
    assert done.positions == (Position("m", 2, 90 * DAY, "gone", GONE),)
    assert done.inside == {"m:awake", "m:dormant", "m:gone"}
    assert done.wake_at() is None


def test_nobody_is_in_a_segment_for_no_time_at_all() -> None:
    """Between what an instant brings and the stage that follows from it."""
    assert told(judged(begun(120 * DAY)), "no-stage") == []


def test_step_by_step_is_the_same_as_all_at_once() -> None:
    positions: tuple[Position, ...] = (HOME,)
    membership, steps = Membership(frozenset({"m:awake"}), 4, 60 * DAY), list[object]()
    for day in range(55, 121):
        one = judged(Judgement("c", membership, positions, LIVE, course_of, (), day * DAY))
        steps += [(t.segment, t.kind, t.at) for t in one.transitions]
        positions, membership = one.positions, Membership(one.inside, 5, one.wake_at())

    at_once = judged(begun(120 * DAY))

    assert steps == [(t.segment, t.kind, t.at) for t in at_once.transitions]
    assert (positions, membership.segments) == (at_once.positions, at_once.inside)


LADDER = Lifecycle("l", "l", "l", 1, tuple(Stage(s, s, n, {}) for n, s in enumerate("abcd", 20)), "")


def climbed(news: int | None, own: Position | None = None, days: tuple[int, ...] = (1, 2, 3, 4)) -> Judgement:
    """Somebody did what leads to each of four stages on these days; now it is the tenth."""
    held = {n: ((day * DAY, None),) for n, day in enumerate(days)}
    live = Live(1, frozenset(f"l:{s}" for s in "abcd"), lifecycles=(LADDER,))

    def match(course: Course, at: int) -> set[str]:
        return {f"l:{s}" for n, s in enumerate("abcd") if n in course.holding(at)[0]}

    positions = (own,) if own else ()
    one = Judgement("c", Membership(), positions, live, lambda _: Course(held), (), 10 * DAY, news)
    return judged(one, match)


def steps(judgement: Judgement) -> list[tuple[str | None, str, float]]:
    return [(one.source, one.target, one.at / DAY) for one in judgement.changes]


def test_what_came_at_once_leads_from_stage_to_stage_when_it_happened() -> None:
    done = climbed(news=DAY)
    assert steps(done) == [(None, "a", 1), ("a", "b", 2), ("b", "c", 3), ("c", "d", 4)]
    assert [(one.segment, one.at / DAY) for one in done.transitions] == [(f"l:{s}", 10) for s in "abcd"]


def test_what_happened_in_one_instant_leads_through_the_stages_in_their_order() -> None:
    assert steps(climbed(DAY, days=(1, 1, 1, 1))) == [
        (None, "a", 1),
        ("a", "b", 1),
        ("b", "c", 1),
        ("c", "d", 1),
    ]


def test_what_was_known_before_is_no_step_of_its_own() -> None:
    """A lifecycle that is defined after it all begins where everybody is."""
    assert steps(climbed(news=None)) == [(None, "d", 10)]


def test_what_happened_before_the_customer_came_where_it_is_changes_nothing() -> None:
    there = Position("l", 1, int(3.5 * DAY), "b", 21)
    assert steps(climbed(DAY, there)) == [("b", "d", 4)]


def test_who_was_judged_is_judged_at_now_only() -> None:
    assert begun(50 * DAY).instants == [50 * DAY]
    assert begun(120 * DAY, wake_at=None).instants == [120 * DAY]
    assert judged(begun(50 * DAY)).wake_at() == 60 * DAY
    assert judged(begun(50 * DAY)).wake_at(55 * DAY) == 55 * DAY


def test_more_than_is_judged_at_once_is_judged_the_next_time() -> None:
    turning = [n * DAY for n in range(61, 61 + 2 * MAX_INSTANTS)]
    known = Membership(IDS - {"x"}, 4, 61 * DAY)

    def flickers(_: Course, at: int) -> set[str]:
        return set(IDS) if at // DAY % 2 else set(IDS - {"x"})

    first = Judgement("c", known, (), Live(1, IDS), lambda _: Course({}), turning, 500 * DAY)
    judged(first, flickers)

    assert len(first.transitions) == MAX_INSTANTS
    assert first.wake_at() == (61 + MAX_INSTANTS) * DAY
    known = Membership(first.inside, 5, first.wake_at())
    second = Judgement("c", known, (), Live(1, IDS), lambda _: Course({}), turning, 500 * DAY)
    judged(second, flickers)
    assert [t.at // DAY for t in (*first.transitions, *second.transitions)] == [n // DAY for n in turning]


def test_rules_that_contradict_each_other_come_to_an_end() -> None:
    """Each of two models has a stage for whoever is not in the one of the other."""
    models = tuple(
        Lifecycle(m, m, m, 1, (Stage("a", "", n, {}, ("b",)), Stage("b", "", n + 1, {}, ("a",))), "")
        for m, n in (("p", 20), ("q", 30))
    )
    ids = frozenset({"p:a", "p:b", "q:a", "q:b"})

    def held(positions: tuple[Position, ...]) -> Course:
        return Course(stage_intervals(positions))

    def paradox(course: Course, at: int) -> set[str]:
        numbers, _ = course.holding(at)
        return {"p:a" if 30 in numbers else "p:b", "q:b" if 20 in numbers else "q:a"}

    one = Judgement("c", Membership(), (), Live(1, ids, lifecycles=models), held, (), DAY)

    judged(one, paradox)

    assert len(one.changes) <= 4 < MAX_MOVES


def test_a_merge_is_told_where_it_leads_to_another_stage() -> None:
    own = to_stored([HOME, Position("n", 1, 5, "b", 41)])
    brought = [
        f"+{row}"
        for row in to_stored(
            [
                Position("m", 1, 7, "dormant", DORMANT),
                Position("n", 0, 3, "a", 40),
                Position("o", 0, 9, "z", 50),
            ]
        )
    ]

    assert [p.stage for p in from_stored([*own, *brought])] == ["dormant", "b", "z"]
    assert [(source, p.lifecycle, p.stage) for source, p in brought_by([*own, *brought])] == [
        ("awake", "m", "dormant"),
        (None, "o", "z"),
    ]
    assert brought_by(own) == []

    now = 20 * DAY
    judgement = Judgement("c", Membership(), from_stored([*own, *brought]), LIVE, course_of, (), now)
    judgement.join(brought_by([*own, *brought]))
    found = [(c.lifecycle, c.source, c.target, c.at, c.reason) for c in judged(judgement).changes]
    assert found == [("m", "awake", "dormant", now, "merged"), ("o", None, "z", now, "merged")]
