"""Lifecycles: models, who is where, and how that changes."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import uuid4
from zoneinfo import ZoneInfo

from graph.definitions import Definitions, Known, Numbers, Written
from graph.lifecycles import Lifecycles
from graph.projection import Projections
from oneid.clock import Clock, sequence
from oneid.domain.lifecycles import MERGED, Lifecycle, Position, Stage, StageChange, moved
from oneid.domain.messages import format_time
from oneid.domain.segments.followers import followers, names_stage
from oneid.domain.segments.intervals import milliseconds
from oneid.domain.segments.operators import MAX_DAYS, whole
from oneid.domain.segments.parsing import Brought, Json, Parser, Path
from oneid.domain.segments.references import conditions_in
from oneid.domain.segments.rules import All, HeldRule, Not, Rule
from oneid.errors import Conflict, Cycle, InvalidInput, LimitExceeded, NotFound, Required
from oneid.services.audiences import AudienceService
from oneid.services.building import BuildingService
from oneid.services.projection import ProjectionService
from oneid.services.segments import HiddenSegment, SegmentService
from search.profiles import ProfileIndex

MAX_LIFECYCLES: Final = 50
MAX_TREND_DAYS: Final = 400
MAX_STEPS: Final = 500


@dataclass(frozen=True, slots=True)
class NewStage:
    """A stage as it is written: `sources` None: whoever is in a stage before it may come."""

    key: str
    name: str
    rule: Mapping[str, Any]
    sources: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """So many go, or went, from a stage (None: from none) to another one."""

    source: str | None
    target: str
    count: int


class StagePlugs:
    """The condition `stage` of rules."""

    def __init__(self, lifecycles: Lifecycles) -> None:
        self._lifecycles = lifecycles

    async def __call__(self) -> Brought:
        """As the lifecycles are now."""
        known = {lifecycle.key: lifecycle for lifecycle in await self._lifecycles.all()}

        def read(_: Parser, given: Json, path: Path) -> Rule:
            lifecycle = known.get(str(given.get("lifecycle")))
            if lifecycle is None:
                message = f"there is no lifecycle {given.get('lifecycle')}"
                raise NotFound(message, field=(*path, "lifecycle"))
            days: Any = given.get("inForDays") or 0
            if not whole(days, 0, MAX_DAYS):
                message = f"must be a whole number of days, 0 to {MAX_DAYS}"
                raise InvalidInput(message, field=(*path, "inForDays"))
            stage = lifecycle.stage(str(given.get("stage")), (*path, "stage"))
            return HeldRule((stage.number,), days)

        return Brought({"stage": read})


class LifecycleService:
    """Defines lifecycles, moves customers by hand, and tells who is where."""

    def __init__(
        self,
        definitions: Definitions,
        lifecycles: Lifecycles,
        segments: SegmentService,
        building: BuildingService,
        audiences: AudienceService,
        projection: ProjectionService,
        projections: Projections,
        profiles: ProfileIndex,
        clock: Clock,
        zone: str,
    ) -> None:
        self._definitions = definitions
        self._lifecycles = lifecycles
        self._segments = segments
        self._building = building
        self._audiences = audiences
        self._projection = projection
        self._projections = projections
        self._profiles = profiles
        self._clock = clock
        self._zone = ZoneInfo(zone)

    async def all(self) -> list[Lifecycle]:
        """Every lifecycle, in order of their keys."""
        return await self._lifecycles.all()

    async def get(self, key: str) -> Lifecycle:
        """A lifecycle by its key. Raises NotFound."""
        for lifecycle in await self._lifecycles.all():
            if lifecycle.key == key:
                return lifecycle
        raise NotFound(f"there is no lifecycle {key}", field=("lifecycle",))

    async def define(self, key: str, name: str, stages: Sequence[NewStage], *, personal: bool) -> Lifecycle:
        """Saves a lifecycle in place of the one of its key; customers come to their stages at once, and enter or leave
        no segment by that. Stages keep who is in them by their keys. `personal`: whether the caller may see personal
        data.

        Raises:
            InvalidInput, TooLarge, NotFound, Conflict, LimitExceeded: with the path, also into a rule.
            Cycle: a rule names a stage of the same lifecycle.
            Forbidden: a rule is about personal data.
        """
        known = {lifecycle.key: lifecycle for lifecycle in await self._lifecycles.all()}
        plan = self._made(known.get(key), key, name, stages)
        await self._check_rules(plan, personal)
        rules = await self._segments.hidden(hidden(plan), announced=True, personal=personal)

        def change(known: Known, number: Numbers) -> Written:
            old = known.lifecycles.get(key)
            if old is None and len(known.lifecycles) >= MAX_LIFECYCLES:
                raise LimitExceeded(f"there are at most {MAX_LIFECYCLES} lifecycles", field=("key",))
            if old is not None and old.id != plan.id:
                raise Conflict(f"there is a lifecycle {key} already", field=("key",))
            new = self._made(old, key, name, stages, number, id_=plan.id)
            gone = set(map(old.segment_of, old.stages)) - set(ids(new)) if old else set[str]()
            return Written(
                lifecycle=new,
                segments=list(map(known.rules.next, rules)),
                segments_gone=sorted(gone),
                followers=followers(known.rules, known.lifecycles.values(), names_stage({key})),
                field=("stages",),
            )

        written = await self._definitions.change(change)
        assert written.lifecycle is not None
        await self._building.build_soon()
        return written.lifecycle

    async def preview(self, key: str, name: str, stages: Sequence[NewStage], *, personal: bool) -> list[Flow]:
        """How many would come to another stage if this were the lifecycle of its key; nothing changes. Raises what
        `define` raises."""
        known = {lifecycle.key: lifecycle for lifecycle in await self._lifecycles.all()}
        lifecycle = self._made(known.get(key), key, name, stages)
        rules = await self._check_rules(lifecycle, personal)
        here: dict[str | None, Rule] = {
            stage.key: HeldRule((stage.number,)) for stage in lifecycle.stages if stage.number
        }
        here[None] = All(tuple(Not(rule) for rule in here.values())) if here else All((Not(NOBODY),))
        asked: dict[str, Rule] = {}
        for source, inside in here.items():
            for target in lifecycle.stages:
                if source != target.key and lifecycle.legal(source, target):
                    asked[f"{source or ''}/{target.key}"] = All(
                        (inside, *comes(lifecycle, rules, source, target))
                    )
        counts = await self._audiences.counts(asked)
        told = ((name.partition("/"), count) for name, count in counts.items() if count)
        return [Flow(source or None, target, count) for (source, _, target), count in told]

    async def move(
        self, one_id: str, key: str, stage: str, reason: str, *, force: bool = False
    ) -> tuple[Lifecycle, StageChange]:
        """Puts a customer into a stage. Raises NotFound, Required; Conflict where one may not go there from where
        the customer is, and `force` is not given; nothing changes then."""
        if not reason.strip():
            raise Required("a move by hand has a reason", field=("reason",))
        lifecycle = await self.get(key)
        target = lifecycle.stage(stage)
        at = milliseconds(self._clock.now().timestamp())

        def change(
            owner: str, held: tuple[Position, ...], merges: Sequence[tuple[str | None, Position]]
        ) -> tuple[tuple[Position, ...], list[StageChange]]:
            here = next((one.stage for one in held if one.lifecycle == lifecycle.id), None)
            if here == target.key or not (force or lifecycle.legal(here, target)):
                message = f"one can't go from {here} to {target.key}"
                raise Conflict(message, field=("stage",))
            place = lifecycle.order[target.key]
            position = Position(lifecycle.id, place, at, target.key, target.number, manual=True)
            told = [merged(owner, *one, at) for one in merges]
            by_hand = (str(uuid4()), lifecycle.id, owner, here, target.key, at, sequence(), True, reason)
            return moved(held, position), [*told, StageChange(*by_hand)]

        done = await self._lifecycles.move(one_id, change)
        await self._projection.make_searchable([done.one_id])
        return lifecycle, done

    async def of(self, one_ids: Sequence[str]) -> list[list[tuple[Lifecycle, Position]]]:
        """For each customer, by its current ONE-ID, where it is in each lifecycle."""
        known = {lifecycle.id: lifecycle for lifecycle in await self._lifecycles.all()}
        records = {
            entry.record.one_id: entry.record.stages for entry in await self._projections.among(one_ids)
        }
        return [
            [(known[p.lifecycle], p) for p in records.get(one_id, ()) if p.lifecycle in known]
            for one_id in one_ids
        ]

    async def histories(self, asked: Sequence[Sequence[str]]) -> list[list[tuple[Lifecycle, StageChange]]]:
        """For each person, by all of its ONE-IDs, the newest steps, the newest first; those of lifecycles that are
        there."""
        known = {lifecycle.id: lifecycle for lifecycle in await self._lifecycles.all()}
        told = await self._lifecycles.histories(asked, MAX_STEPS)
        return [[(known[one.lifecycle], one) for one in steps if one.lifecycle in known] for steps in told]

    async def distributions(self, lifecycles: Sequence[Lifecycle]) -> list[dict[str, int]]:
        """How many are in each stage of each lifecycle now, in order."""
        numbers = [stage.number for lifecycle in lifecycles for stage in lifecycle.stages]
        rules: dict[str, Rule] = {str(number): HeldRule((number,)) for number in numbers}
        counts = await self._profiles.counts(await self._audiences.queries(rules))
        return [{stage.key: counts[str(stage.number)] for stage in one.stages} for one in lifecycles]

    async def trend(self, lifecycle: Lifecycle, since: date, until: date) -> dict[date, dict[str, int]]:
        """How many were in each stage at the end of each day, both days included. Raises InvalidInput."""
        days = (until - since).days + 1
        if not 1 <= days <= MAX_TREND_DAYS:
            raise InvalidInput(f"must be 1 to {MAX_TREND_DAYS} days", field=("until",))
        flows = await self._lifecycles.flows(lifecycle.id, self._end(until))
        by_quarter: defaultdict[int, Counter[str]] = defaultdict(Counter)
        for flow in flows:
            by_quarter[flow["quarter"]][flow["target"]] += flow["count"]
            if flow["source"] is not None:
                by_quarter[flow["quarter"]][flow["source"]] -= flow["count"]
        waiting = sorted(by_quarter, reverse=True)
        now, found = Counter[str](), dict[date, dict[str, int]]()
        for day in (since + timedelta(days=number) for number in range(days)):
            while waiting and waiting[-1] * QUARTER_MS < self._end(day):
                now.update(by_quarter[waiting.pop()])
            found[day] = {stage.key: now[stage.key] for stage in lifecycle.stages}
        return found

    async def matrix(self, lifecycle: Lifecycle, since: date, until: date) -> list[Flow]:
        """Of those in each stage at the end of the first day, how many are in which at the end of the last one.
        Raises InvalidInput."""
        if until < since:
            raise InvalidInput("must not be before the first day", field=("until",))
        rows = await self._lifecycles.matrix(lifecycle.id, self._end(since), self._end(until))
        return [Flow(row["source"], row["target"], row["count"]) for row in rows]

    def _end(self, day: date) -> int:
        """The end of a day, in milliseconds since 1970."""
        following = day + timedelta(days=1)
        midnight = datetime(following.year, following.month, following.day, tzinfo=self._zone)
        return milliseconds(midnight.timestamp())

    def _made(
        self,
        old: Lifecycle | None,
        key: str,
        name: str,
        stages: Sequence[NewStage],
        number: Numbers = int,
        *,
        id_: str | None = None,
    ) -> Lifecycle:
        """The next version of a lifecycle. `number`: gives new stages theirs; without it they have 0."""
        known = {stage.key: stage.number for stage in old.stages} if old else {}
        made = tuple(
            Stage(s.key, s.name, known[s.key] if s.key in known else number(), s.rule, s.sources)
            for s in stages
        )
        now, version = format_time(self._clock.now()), old.version + 1 if old else 1
        own = old.id if old else id_ or str(uuid4())
        lifecycle = Lifecycle(own, key, name, version, made, now)
        lifecycle.check()
        return lifecycle

    async def _check_rules(self, lifecycle: Lifecycle, personal: bool) -> dict[str, Rule]:
        found = dict[str, Rule]()
        for place, stage in enumerate(lifecycle.stages):
            path = ("stages", str(place), "rule")
            if any(told.get("lifecycle") == lifecycle.key for told in conditions_in(stage.rule, "stage")):
                raise Cycle("a stage's rule can't name a stage of its own lifecycle", field=path)
            found[stage.key] = await self._audiences.read(
                stage.rule, path, within=lifecycle.segment_of(stage), personal=personal
            )
        return found


QUARTER_MS: Final = 900_000
NOBODY: Final = HeldRule((0,))
"""No number is 0."""


def merged(one_id: str, source: str | None, target: Position, at: int) -> StageChange:
    """How a merge brought a customer to where it is."""
    told = (str(uuid4()), target.lifecycle, one_id, source, target.stage, at, sequence())
    return StageChange(*told, reason=MERGED)


def ids(lifecycle: Lifecycle) -> list[str]:
    return [lifecycle.segment_of(stage) for stage in lifecycle.stages]


def hidden(lifecycle: Lifecycle) -> list[HiddenSegment]:
    return [
        HiddenSegment(lifecycle.segment_of(stage), stage.name, stage.rule, ("stages", str(place), "rule"))
        for place, stage in enumerate(lifecycle.stages)
    ]


def comes(lifecycle: Lifecycle, rules: Mapping[str, Rule], source: str | None, target: Stage) -> list[Rule]:
    """What is true for whoever goes from one stage to another: its rule, and that of no later one that counts."""
    later = [
        stage
        for stage in lifecycle.stages[lifecycle.order[target.key] + 1 :]
        if stage.key == source or lifecycle.legal(source, stage)
    ]
    return [rules[target.key], *(Not(rules[stage.key]) for stage in later)]
