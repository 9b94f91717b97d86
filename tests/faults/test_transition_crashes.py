"""Saving a segment, finding out who is in it, events and time dying at each of their requests, before it and after it.

Whoever goes on ends with each transition told once: none lost, none doubled, none of somebody who was in it before.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest

from graph.transitions import Transitions
from oneid.bootstrap import Stores, building, marking, open_stores, segments, upkeep, work
from oneid.clock import SystemClock
from oneid.domain.segments.definitions import Segment, SegmentKind
from oneid.domain.segments.membership import TransitionKind
from oneid.domain.tags.scorers import Scorer
from oneid.services.lifecycles import NewStage
from oneid.services.segments import NewSegment
from oneid.services.tags import NewTag
from oneid.settings import Settings
from tests.faults.crashing import Crash, Fuse, dying
from tests.pipeline import Pipeline, event, open_pipeline

T = TypeVar("T")
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class HandClock(SystemClock):
    """A clock that stands where it is set."""

    at = START

    def now(self) -> datetime:
        return self.at


@pytest.fixture(scope="module")
async def opened(settings: Settings) -> AsyncIterator[Stores]:
    async with open_stores(settings) as stores:
        yield stores


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def stores(opened: Stores, clock: HandClock) -> Stores:
    return replace(opened, clock=clock, zone="UTC")


@pytest.fixture
def beginning(emptying: Callable[[], Awaitable[None]], stores: Stores) -> Callable[[], Awaitable[Pipeline]]:
    """Empties the stores and opens a log: what some hundred runs leave behind is more than there may be."""

    async def begin() -> Pipeline:
        await emptying()
        return await open_pipeline(stores)

    return begin


class Steps:
    """Each is tried on stores that die, and then done by whoever comes next."""

    def __init__(self, stores: Stores, pipeline: Pipeline, clock: HandClock, fuse: Fuse, name: str) -> None:
        self._stores = stores
        self._dying = dying(stores, fuse)
        self._pipeline = pipeline
        self._clock = clock
        self._fuse = fuse
        self._name = name

    async def step(self, step: Callable[[Stores], Awaitable[T]]) -> T:
        if not self._fuse.blown:
            try:
                return await step(self._dying)
            except Crash:
                assert self._fuse.blown
        return await step(self._stores)

    async def settled(self, stores: Stores) -> None:
        work = upkeep(stores)
        while (
            await work.evaluation.run_once() or await work.judging.wake() or await work.projection.run_once()
        ):
            pass

    async def did(self, event_name: str, at: datetime) -> str:
        item = event(user_id=f"{self._name}-{at}", at=at, extra={"event": event_name})
        await self._pipeline.append([item], START + timedelta(hours=1))
        (received,) = await self._pipeline.drain()
        return received.one_id or ""


class Story(Steps):
    """Somebody who bought before the segment was made, and somebody who buys afterwards."""

    async def run(self) -> tuple[str, list[tuple[str, TransitionKind, datetime]]]:
        """The segment's id, and the transitions that are right."""
        self._clock.at = START
        old = await self.did(self._name, START - DAY)
        segment = await self.step(self._saved)
        new = await self.did(self._name, START)
        await self.step(self.settled)
        for days in (29.5, 31):
            self._clock.at = START + days * DAY
            await self.step(self.settled)
        left = TransitionKind.LEFT
        return segment.id, [
            (new, TransitionKind.ENTERED, START),
            (old, left, START + 29 * DAY),
            (new, left, START + 30 * DAY),
        ]

    async def _saved(self, stores: Stores) -> Segment:
        rule = {"event": {"name": self._name, "window": {"lastDays": 30}}}
        segment = await segments(stores).find(self._name)
        if segment is None:
            new = NewSegment(self._name, self._name, SegmentKind.DYNAMIC, rule, personal=True)
            segment = await segments(stores).create(new)
        await building(stores).build()
        await self.settled(stores)
        return segment


class Model(Steps):
    """Tags by a rule and by an expression, and a lifecycle, which nobody has seen before they are made."""

    async def run(self) -> None:
        self._clock.at = START
        await self.step(self._tags)
        await self.step(self._lifecycle)
        one_id = await self.did(self._name, START)
        await self.step(self.settled)
        (held,) = await work.tags(self._stores).of([one_id])
        own = [one.tag.name for one in held if one.tag.name.endswith(f" {self._name}")]
        assert sorted(own) == [f"expression {self._name}", f"rule {self._name}"]
        ((lifecycle, position),) = (await work.lifecycles(self._stores).of([one_id]))[0]
        assert (lifecycle.key, position.stage) == (self._name, "did")

    async def _tags(self, stores: Stores) -> None:
        tags = work.tags(stores)
        scorer = Scorer(expression="'user_id' in identifiers")
        for new in (
            NewTag(f"rule {self._name}", rule=self._rule),
            NewTag(f"expression {self._name}", scorer=scorer),
        ):
            if (await tags.tree()).find(new.name) is None:
                await tags.create(new, personal=True)
        await building(stores).build()
        await marking(stores).soon()

    async def _lifecycle(self, stores: Stores) -> None:
        lifecycles = work.lifecycles(stores)
        if self._name not in {one.key for one in await lifecycles.all()}:
            stages = [
                NewStage("did", "Did", self._rule),
                NewStage("never", "Never", {"event": {"name": "-"}}),
            ]
            await lifecycles.define(self._name, self._name, stages, personal=True)
        await building(stores).build()

    @property
    def _rule(self) -> dict[str, Any]:
        return {"event": {"name": self._name}}


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("stride", [29, pytest.param(1, marks=pytest.mark.faults)])
async def test_a_crash_at_any_step_loses_no_transition_and_doubles_none(
    beginning: Callable[[], Awaitable[Pipeline]], stores: Stores, clock: HandClock, stride: int
) -> None:
    at, crashes = 1, 0
    while True:
        pipeline = await beginning()
        fuses = [Fuse(at, done=done) for done in (False, True)]
        for done, fuse in enumerate(fuses):
            story = Story(stores, pipeline, clock, fuse, f"order-{at}-{done}")
            segment, expected = await story.run()
            (found,) = await Transitions(stores.graph).of([segment], 100)
            told = [(one.one_id, one.kind, datetime.fromtimestamp(one.at / 1000, UTC)) for one in found]
            assert told == expected, (at, done)
        crashes += sum(fuse.blown for fuse in fuses)
        if not any(fuse.blown for fuse in fuses):
            break
        at += stride
    assert crashes * stride > 100


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("stride", [17, pytest.param(1, marks=pytest.mark.faults)])
async def test_a_crash_at_any_step_leaves_no_tag_and_no_stage_without_its_rule(
    beginning: Callable[[], Awaitable[Pipeline]], stores: Stores, clock: HandClock, stride: int
) -> None:
    at, crashes = 1, 0
    while True:
        pipeline = await beginning()
        fuses = [Fuse(at, done=done) for done in (False, True)]
        for done, fuse in enumerate(fuses):
            await Model(stores, pipeline, clock, fuse, f"model-{at}-{done}").run()
        crashes += sum(fuse.blown for fuse in fuses)
        if not any(fuse.blown for fuse in fuses):
            break
        at += stride
    assert crashes * stride > 100
