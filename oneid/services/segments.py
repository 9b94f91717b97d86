"""Segments: definitions that are saved, and who is in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from uuid import uuid4

from graph.definitions import Definitions, Known, Numbers, Written
from graph.segments import Segments
from graph.tags import Tags
from oneid.clock import Clock, sequence
from oneid.domain.customers import CustomerRecord
from oneid.domain.messages import format_time
from oneid.domain.segments.conditions import timed
from oneid.domain.segments.definitions import Segment, SegmentKind
from oneid.domain.segments.followers import followers, names_segment
from oneid.domain.segments.intervals import milliseconds
from oneid.domain.segments.references import with_paths
from oneid.domain.segments.rules import All, Not, Rule
from oneid.errors import Conflict, InvalidInput, NotFound, TooLarge, VersionConflict
from oneid.metrics import TRANSITIONS
from oneid.services.audiences import AudienceService
from oneid.services.building import BuildingService, prepared
from oneid.services.evaluation import MaterialisationService
from search.members import Members
from search.pages import Page

MAX_MEMBERS: Final = 1_000


@dataclass(frozen=True, slots=True)
class NewSegment:
    """What to create: by a rule (DYNAMIC; SNAPSHOT: who matches it now), or without one a list (STATIC).
    `members`: ONE-IDs that a list begins with. `personal`: whether the caller may see personal data."""

    key: str
    name: str
    kind: SegmentKind
    rule: Mapping[str, Any] | None = None
    members: Sequence[str] = ()
    personal: bool = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class SegmentChange:
    """What to change; what is None stays. `add` and `remove`: ONE-IDs, of a list. `announced`: who is in by the new
    rule and was not has entered, and the other way round. `personal`: whether the caller may see personal data."""

    name: str | None = None
    rule: Mapping[str, Any] | None = None
    add: Sequence[str] = ()
    remove: Sequence[str] = ()
    expected_version: int | None = None
    announced: bool = False
    personal: bool = field(kw_only=True)


@dataclass(frozen=True, slots=True)
class HiddenSegment:
    """The rule of a tag or of a stage. `path`: its place in what was written, for refusals."""

    id: str
    name: str
    rule: Mapping[str, Any]
    path: tuple[str, ...] = ("rule",)


class SegmentService:
    """Creates, changes and reads segments."""

    def __init__(
        self,
        definitions: Definitions,
        segments: Segments,
        tags: Tags,
        audiences: AudienceService,
        materialisation: MaterialisationService,
        building: BuildingService,
        members: Members,
        clock: Clock,
    ) -> None:
        self._definitions = definitions
        self._segments = segments
        self._tags = tags
        self._audiences = audiences
        self._materialisation = materialisation
        self._building = building
        self._members = members
        self._clock = clock

    async def create(self, new: NewSegment) -> Segment:
        """Saves a segment. Its members are those of the rule from now on.

        Raises:
            InvalidInput, TooLarge, NotFound, Forbidden: with the path, also into the rule.
            Conflict: the key is another segment's.
        """
        check_kind(new)
        now = format_time(self._clock.now())
        segment = Segment(str(uuid4()), new.key, new.name, new.kind, 1, now, now)
        segment.check()
        if await self._segments.named([new.key]):
            raise Conflict(f"there is a segment {new.key} already", field=("key",))
        if new.rule is None:
            await self._segments.save(segment)
            await self._list(segment, new.members, ())
            return segment
        rule = await self._audiences.read(new.rule, personal=new.personal)
        if new.kind is SegmentKind.SNAPSHOT:
            return await self._snapshot(replace(segment, rule=dict(new.rule)), rule)
        return await self._save(segment, new.rule, rule)

    async def update(self, id_: str, change: SegmentChange) -> Segment:
        """Changes a segment. Raises what `create` raises, and VersionConflict."""
        segment = await self.get(id_)
        if change.expected_version not in (None, segment.version):
            message = f"the segment is at version {segment.version}, not {change.expected_version}"
            raise VersionConflict(message, field=("expectedVersion",))
        check_change(segment, change)
        now = format_time(self._clock.now())
        name = segment.name if change.name is None else change.name
        new = replace(segment, name=name, version=segment.version + 1, updated_at=now)
        new.check()
        if change.rule is not None:
            rule = await self._audiences.read(change.rule, within=segment.id, personal=change.personal)
            return await self._save(new, change.rule, rule, announced=change.announced)
        await self._segments.save(new)
        await self._list(new, change.add, change.remove)
        return new

    async def get(self, name: str, field: tuple[str, ...] = ("id",)) -> Segment:
        """A segment by id or key. Raises NotFound."""
        segment = await self.find(name)
        if segment is None:
            raise NotFound(f"there is no segment {name}", field=field)
        return segment

    async def find(self, name: str) -> Segment | None:
        """A segment by id or key."""
        (found,) = await self.named([name])
        return found

    async def named(self, names: Sequence[str]) -> list[Segment | None]:
        """Segments by ids or keys, in order. The rules of tags and stages are none."""
        known = [one for one in await self._segments.named(names) if not one.hidden]
        found = {name: one for one in known for name in (one.key, one.id)}
        return [found.get(name) for name in names]

    async def page(self, limit: int, after: str = "") -> list[Segment]:
        """Segments in order of their keys, those after a key."""
        return await self._segments.page(limit, after)

    async def total(self) -> int:
        """How many segments there are."""
        return await self._segments.count()

    async def members(self, segment: Segment, **page: Any) -> Page[CustomerRecord]:
        """A page of who is in a segment now, the newest first."""
        return await self._audiences.members(await self.rule_of(segment), **page)

    async def counts(self, segments: Sequence[Segment]) -> list[int]:
        """How many are in each segment now. Raises NotFound where the rule of one can't be read any more."""
        return await self._audiences.counts_of(segments)

    async def only(self, inside: Segment, outside: Segment, **page: Any) -> Page[CustomerRecord]:
        """A page of who is in one segment and not in another one now, the newest first."""
        return await self._audiences.members(await self._apart(inside, outside), **page)

    async def difference(self, inside: Segment, outside: Segment) -> int:
        """How many are in one segment and not in another one now."""
        return (await self._audiences.count(await self._apart(inside, outside)))[0]

    async def common(self, one: Segment, other: Segment) -> int:
        """How many are in both segments now."""
        rule = All((await self.rule_of(one), await self.rule_of(other)))
        return (await self._audiences.count(rule))[0]

    async def _apart(self, inside: Segment, outside: Segment) -> Rule:
        return All((await self.rule_of(inside), Not(await self.rule_of(outside))))

    async def rule_of(self, segment: Segment) -> Rule:
        """The tree of a segment."""
        return await self._audiences.rule_of(segment)

    async def hidden(
        self, wanted: Sequence["HiddenSegment"], *, personal: bool, announced: bool = False
    ) -> list[Segment]:
        """The rules of tags and stages, with their conditions, ready to be saved; `announced`: who is in by them has
        entered; `personal`: whether the caller may see personal data.

        Raises:
            InvalidInput, TooLarge, NotFound, Conflict: with the path of the rule at fault.
            LimitExceeded: there are too many conditions.
            Forbidden: a rule is about personal data.
        """
        rules = [
            await self._audiences.read(one.rule, one.path, within=one.id, personal=personal) for one in wanted
        ]
        await self._materialisation.make({id_: one for rule in rules for id_, one in timed(rule).items()})
        return [
            prepared(self._hidden(one), rule, announced=announced)
            for one, rule in zip(wanted, rules, strict=True)
        ]

    async def readable(self, rule: Mapping[str, Any]) -> dict[str, Any]:
        """A rule as people write it: with the paths that its tags have now."""
        told: dict[str, Any] = with_paths(rule, await self._tags.tree())
        return told

    def _hidden(self, wanted: "HiddenSegment") -> Segment:
        now = format_time(self._clock.now())
        kind, rule = SegmentKind.DYNAMIC, dict(wanted.rule)
        return Segment(wanted.id, wanted.id, wanted.name, kind, 1, now, now, rule, hidden=True)

    async def _save(
        self, segment: Segment, written: Mapping[str, Any], rule: Rule, *, announced: bool = False
    ) -> Segment:
        # The conditions first: there may be too many.
        await self._materialisation.make(timed(rule))
        saved = prepared(replace(segment, rule=dict(written)), rule, announced=announced)

        def change(known: Known, _: Numbers) -> Written:
            told = followers(known.rules, known.lifecycles.values(), names_segment(saved))
            return Written(segments=[saved], followers=told)

        await self._definitions.change(change)
        await self._building.build_soon()
        return await self.get(saved.id)

    async def _snapshot(self, segment: Segment, rule: Rule) -> Segment:
        """Lists who matches before the segment is there: a crash leaves no half of it to be seen."""
        query = await self._audiences.query(rule)
        async for one_ids in self._members.of(query):
            await self._segments.add(segment.id, one_ids, sequence())
        await self._materialisation.settle()
        await self._segments.save(segment)
        return segment

    async def _list(self, segment: Segment, add: Sequence[str], remove: Sequence[str]) -> None:
        """Changes who is on a list; whoever a list begins with did not enter it."""
        at = milliseconds(self._clock.now().timestamp())
        if add:
            count = await self._segments.add(segment.id, add, sequence(), at if segment.version > 1 else None)
            TRANSITIONS.inc(count if segment.version > 1 else 0)
        if remove:
            TRANSITIONS.inc(await self._segments.remove(segment.id, remove, sequence(), at))
        if add or remove:
            await self._materialisation.settle()


def check_kind(new: NewSegment) -> None:
    """Raises InvalidInput where a kind is given what it has not, or lacks what it has."""
    if (new.kind is SegmentKind.STATIC) == (new.rule is not None):
        raise InvalidInput("a STATIC segment has no rule, and every other one has", field=("rule",))
    if new.members and new.kind is not SegmentKind.STATIC:
        raise InvalidInput("only a STATIC segment is given its members", field=("members",))
    if len(new.members) > MAX_MEMBERS:
        raise TooLarge(f"at most {MAX_MEMBERS} members at a time", field=("members",))


def check_change(segment: Segment, change: SegmentChange) -> None:
    """Raises Conflict where a kind can't be changed so."""
    if change.rule is not None and segment.kind is not SegmentKind.DYNAMIC:
        raise Conflict(f"a {segment.kind} segment has no rule to change", field=("rule",))
    if (change.add or change.remove) and segment.kind is not SegmentKind.STATIC:
        raise Conflict(f"the members of a {segment.kind} segment are not kept by hand", field=("add",))
    if len(change.add) + len(change.remove) > MAX_MEMBERS:
        raise TooLarge(f"at most {MAX_MEMBERS} members at a time", field=("add",))
