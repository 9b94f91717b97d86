"""Lifecycles: stages in an order, and when a customer goes from one to another."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import orjson

from oneid.errors import Conflict, InvalidInput, NotFound, TooLarge

KEY: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
MAX_NAME: Final = 200
MAX_STAGES: Final = 30


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage. `number` stands for it in the index and is never used again; `sources`: the stages that one may come
    from, None: those before it. Whoever is in no stage may come to any."""

    key: str
    name: str
    number: int
    rule: Mapping[str, Any]
    sources: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Lifecycle:
    """A model: its stages in order. Of several whose rules are true the last one counts. Times are RFC 3339."""

    id: str
    key: str
    name: str
    version: int
    stages: tuple[Stage, ...]
    updated_at: str

    @cached_property
    def order(self) -> Mapping[str, int]:
        return {stage.key: place for place, stage in enumerate(self.stages)}

    def stage(self, key: str, field: Sequence[str] = ("stage",)) -> Stage:
        """A stage by its key. Raises NotFound."""
        if key not in self.order:
            raise NotFound(f"there is no stage {key}", field=tuple(field))
        return self.stages[self.order[key]]

    def legal(self, source: str | None, target: Stage) -> bool:
        """Whether one may go from a stage (None: no stage) to another one."""
        if source is None or source not in self.order:
            return True
        if target.sources is not None:
            return source in target.sources
        return self.order[source] < self.order[target.key]

    def segment_of(self, stage: Stage) -> str:
        """The id of the hidden segment of a stage's rule."""
        return f"{self.id}:{stage.key}"

    def with_rules(self, told: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> "Lifecycle":
        """With other rules in place of those of its stages."""
        stages = tuple(replace(stage, rule=told(stage.rule)) for stage in self.stages)
        return replace(self, stages=stages)

    def check(self) -> None:
        """Raises InvalidInput, TooLarge, NotFound where the model makes no sense."""
        if not KEY.fullmatch(self.key):
            message = "a key has 1 to 64 small letters, digits, _ or -, and starts with a letter or a digit"
            raise InvalidInput(message, field=("key",))
        if not 0 < len(self.name) <= MAX_NAME:
            raise InvalidInput(f"a name has 1 to {MAX_NAME} characters", field=("name",))
        if len(self.stages) < 2:
            raise InvalidInput("a lifecycle has at least 2 stages", field=("stages",))
        if len(self.stages) > MAX_STAGES:
            raise TooLarge(f"a lifecycle has at most {MAX_STAGES} stages", field=("stages",))
        for place, stage in enumerate(self.stages):
            self._check(stage, place)

    def _check(self, stage: Stage, place: int) -> None:
        path = ("stages", str(place))
        if not KEY.fullmatch(stage.key):
            raise InvalidInput("is no key", field=(*path, "key"))
        if any(stage.key == earlier.key for earlier in self.stages[:place]):
            raise Conflict(f"there are two stages {stage.key}", field=(*path, "key"))
        for number, source in enumerate(stage.sources or ()):
            self.stage(source, (*path, "from", str(number)))


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Where a customer is. `place`: the stage's in the order, so that a merge can tell which is further; `since`:
    milliseconds since 1970; `manual`: somebody put the customer there."""

    lifecycle: str
    place: int
    since: int
    stage: str
    number: int
    manual: bool = False


@dataclass(frozen=True, slots=True)
class StageChange:
    """A customer went from one stage to another; None is no stage. `sequence`: its place in the order of the
    deployment; `reason`: what a person gave for it, or "merged"."""

    id: str
    lifecycle: str
    one_id: str
    source: str | None
    target: str
    at: int
    sequence: int = 0
    manual: bool = False
    reason: str | None = None


def advanced(
    lifecycle: Lifecycle,
    position: Position | None,
    true: Collection[str],
    entered: Collection[str],
    at: int,
    visited: Collection[str] = (),
) -> list[Position]:
    """The positions that a customer comes to at an instant, one after the other. `true`: the keys of the stages
    whose rules are true; `entered`: those that just became so; `visited`: those that it came to at this instant. From
    where a person put the customer only what just became true leads away."""
    path: list[Position] = []
    seen = set(visited)
    while True:
        here = position.stage if position else None
        told = entered if position and position.manual else true
        stays = [lifecycle.order[here]] if here and here in told and here in lifecycle.order else []
        ways = [
            lifecycle.order[stage.key]
            for stage in lifecycle.stages
            if stage.key in told and stage.key not in {here, *seen} and lifecycle.legal(here, stage)
        ]
        best = max([*ways, *stays], default=None)
        if best is None or best in stays:
            return path
        stage = lifecycle.stages[best]
        position = Position(lifecycle.id, best, at, stage.key, stage.number)
        seen.add(stage.key)
        path.append(position)


def step_by_step(
    lifecycle: Lifecycle, here: str | None, path: Sequence[Position], entered: Collection[str]
) -> list[Position]:
    """A path with the stages in between: of those that just became true as many as one may go through, in order."""
    steps = list[Position]()
    for position in path:
        first = lifecycle.order.get(here, -1) if here else -1
        between = [s for s in lifecycle.stages[first + 1 : position.place] if s.key in entered]
        steps += [
            replace(position, place=lifecycle.order[stage.key], stage=stage.key, number=stage.number)
            for stage in _way(lifecycle, here, between, lifecycle.stages[position.place])
        ]
        here = position.stage
    return steps


def _way(lifecycle: Lifecycle, here: str | None, between: Sequence[Stage], target: Stage) -> list[Stage]:
    """The longest legal way to a stage that one may go to at once."""
    ways: dict[str | None, list[Stage]] = {here: []}
    for stage in [*between, target]:
        found = [way for source, way in ways.items() if lifecycle.legal(source, stage)]
        if found:
            ways[stage.key] = [*max(found, key=len), stage]
    return ways[target.key]


MERGED: Final = "merged"
"""The reason of a step that a merge made."""

BROUGHT: Final = "+"
"""Before a position that somebody brought who was merged into the customer, and that is not told yet."""


def from_stored(rows: Iterable[str] | None) -> tuple[Position, ...]:
    """Of two positions in one lifecycle, after a merge, the further one counts."""
    found: dict[str, Position] = {}
    for row in rows or ():
        lifecycle, place, since, stage, number, manual = orjson.loads(row.removeprefix(BROUGHT))
        one = Position(lifecycle, place, since, stage, number, manual)
        known = found.get(lifecycle)
        if known is None or (one.place, -one.since) > (known.place, -known.since):
            found[lifecycle] = one
    return tuple(sorted(found.values()))


def brought(rows: Sequence[str] | None) -> list[tuple[str | None, Position]]:
    """The steps that a customer made by being merged: from its own stage, None without one, to one further on."""
    own = {one.lifecycle: one for one in from_stored(row for row in rows or () if row[:1] != BROUGHT)}
    steps = [(own.get(one.lifecycle), one) for one in from_stored(rows)]
    return [(old.stage if old else None, one) for old, one in steps if old is None or old.stage != one.stage]


def to_stored(positions: Iterable[Position]) -> list[str]:
    """A JSON text each, so that lists can be joined without being read."""
    return [
        orjson.dumps([one.lifecycle, one.place, one.since, one.stage, one.number, one.manual]).decode()
        for one in sorted(positions)
    ]


def moved(positions: Iterable[Position], new: Position) -> tuple[Position, ...]:
    """With a new position in its lifecycle."""
    return tuple(sorted([*(one for one in positions if one.lifecycle != new.lifecycle), new]))


def stage_intervals(positions: Iterable[Position]) -> dict[int, tuple[tuple[int, int | None], ...]]:
    """Since when each stage holds, by its number."""
    return {one.number: ((one.since, None),) for one in positions}
