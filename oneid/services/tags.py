"""Tags: the tree, who gives them, and who has them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

from graph.attribute_catalog import AttributeCatalog
from graph.definitions import Definitions, Known, Numbers, Work, Written
from graph.projection import Projected, Projections
from graph.tags import Tags
from graph.transitions import Transitions
from oneid.clock import Clock
from oneid.domain.catalog import Catalog
from oneid.domain.customers import CustomerRecord
from oneid.domain.messages import format_time, parse_time
from oneid.domain.segments.definitions import Segment
from oneid.domain.segments.followers import followers, names_tag
from oneid.domain.segments.intervals import milliseconds
from oneid.domain.segments.membership import within
from oneid.domain.segments.parsing import Brought, Json, Parser, Path
from oneid.domain.segments.rules import AnyOf, HeldRule, Rule
from oneid.domain.tags.assignments import (
    Assignment,
    AssignmentMethod,
    assigned,
    unassigned,
)
from oneid.domain.tags.packs import PACKS, flattened
from oneid.domain.tags.personal import computes_with_personal
from oneid.domain.tags.scorers import Scorer
from oneid.domain.tags.tree import Tag, TagMethod, TagTree
from oneid.errors import Conflict, Forbidden, InvalidInput, TooLarge
from oneid.services.audiences import AudienceService
from oneid.services.building import BuildingService
from oneid.services.judging import JudgingService
from oneid.services.marking import MarkingService
from oneid.services.projection import ProjectionService
from oneid.services.segments import HiddenSegment, SegmentService
from search.documents import course_of

MAX_AT_ONCE: Final = 1_000


@dataclass(frozen=True, slots=True)
class NewTag:
    """What to create. `parent`: id or path of the tag above. At most one of `rule` and `scorer`."""

    name: str
    parent: str | None = None
    rule: Mapping[str, Any] | None = None
    scorer: Scorer | None = None

    @property
    def method(self) -> TagMethod:
        if self.rule is not None:
            return TagMethod.RULE
        if self.scorer is not None:
            return TagMethod.EXPRESSION if self.scorer.expression is not None else TagMethod.MODEL
        return TagMethod.MANUAL


@dataclass(frozen=True, slots=True)
class Held:
    """A tag that a customer has, by which method, and the name of who or what gave it. `at`: since when (milliseconds),
    None where nobody knows; `until`: when it goes by itself."""

    tag: Tag
    method: str
    source: str
    at: int | None = None
    until: int | None = None


class TagPlugs:
    """The condition `tag` of rules."""

    def __init__(self, tags: Tags) -> None:
        self._tags = tags

    async def __call__(self) -> Brought:
        """As the tree is now."""
        tree = await self._tags.tree()

        def read(parser: Parser, given: Json, path: Path) -> Rule:
            tag = tree.get(str(given.get("tag")), (*path, "tag"))
            tags = tree.below(tag) if given.get("includeDescendants") else [tag]
            rules = [parser.segment(one.id, path) for one in tags if one.rule is not None]
            return AnyOf((HeldRule(tuple(one.number for one in tags)), *rules))

        return Brought({"tag": read}, [tag.id for tag in tree.tags if tag.rule is not None])


class TagService:
    """Changes the tree, gives tags and takes them, and tells them."""

    def __init__(
        self,
        definitions: Definitions,
        tags: Tags,
        catalog: AttributeCatalog,
        segments: SegmentService,
        audiences: AudienceService,
        building: BuildingService,
        judging: JudgingService,
        projection: ProjectionService,
        projections: Projections,
        marking: MarkingService,
        transitions: Transitions,
        clock: Clock,
    ) -> None:
        self._definitions = definitions
        self._tags = tags
        self._catalog = catalog
        self._segments = segments
        self._audiences = audiences
        self._building = building
        self._judging = judging
        self._projection = projection
        self._projections = projections
        self._marking = marking
        self._transitions = transitions
        self._clock = clock

    async def tree(self) -> TagTree:
        """All tags."""
        return await self._tags.tree()

    async def create(self, new: NewTag, *, personal: bool) -> Tag:
        """Creates a tag. `personal`: whether the caller may see personal data. Raises InvalidInput, TooLarge,
        NotFound, Conflict with the path at fault; Forbidden where it would be earned by personal data."""
        (tag,) = await self.create_all([new], personal=personal)
        return tag

    async def create_all(self, wanted: Sequence[NewTag], *, personal: bool) -> Sequence[Tag]:
        """Creates tags, each after those before it, or none of them. Raises what `create` raises."""
        for new in wanted:
            await self._check(new, personal)
        now = format_time(self._clock.now())
        ids = [str(uuid4()) for _ in wanted]
        rules = await self._hidden(zip(ids, wanted, strict=True), personal)

        def change(known: Known, number: Numbers) -> Written:
            tree, made = known.tree, [tag for id_ in ids if (tag := known.tree.by_id.get(id_))]
            if made:
                # An earlier attempt wrote them, and its answer was lost.
                return Written(made, catalog=scored(made))
            for id_, new in zip(ids, wanted, strict=True):
                parent = tree.get(new.parent, ("parent",)) if new.parent else None
                path = tree.place(new.name, parent)
                made.append(Tag(id_, number(), path, new.method, now, new.rule, new.scorer))
                tree = tree.changed(made[-1:])
            return Written(made, segments=rules, catalog=scored(made))

        return await self._change(change)

    async def install(self, pack: str) -> Sequence[Tag]:
        """Creates the tags of a ready-made tree that are not there yet, and returns them."""
        known = (await self._tags.tree()).by_path
        missing = [(path, rule) for path, rule in flattened(PACKS[pack]) if path not in known]
        wanted = [
            NewTag(path.rpartition("/")[2], path.rpartition("/")[0] or None, rule) for path, rule in missing
        ]
        return await self.create_all(wanted, personal=True) if wanted else []

    async def update(self, name: str, new: NewTag, *, personal: bool) -> Tag:
        """Gives a tag another rule, model or expression, of the method that it has. Raises what `create` raises."""
        tag = (await self._tags.tree()).get(name)
        if new.method is not tag.method:
            raise Conflict(f"the tag is {tag.method}, and a method stays", field=("method",))
        await self._check(new, personal)
        rules = await self._hidden([(tag.id, replace(new, name=tag.name))], personal)
        now = format_time(self._clock.now())

        def change(known: Known, _: Numbers) -> Written:
            changed = known.tree.get(tag.id).redefined(new.rule, new.scorer, now)
            named = names_tag(known.tree, frozenset([tag.id]))
            return Written(
                [changed],
                segments=list(map(known.rules.next, rules)),
                followers=followers(known.rules, known.lifecycles.values(), named),
                catalog=scored([changed]),
            )

        (changed,) = await self._change(change)
        return changed

    async def move(self, name: str, parent: str | None) -> Tag:
        """Moves a tag with all below it. Raises NotFound, Conflict, TooLarge; Cycle where a rule would be a part of
        itself."""

        def change(known: Known, _: Numbers) -> Written:
            above = known.tree.get(parent, ("parent",)) if parent else None
            return Written(known.tree.moved(known.tree.get(name), above), field=("parent",))

        moved = await self._change(change)
        return moved[0]

    async def delete(self, name: str) -> Tag:
        """Deletes a tag, and takes it from everybody. Raises NotFound, Conflict where tags are below it or rules
        name it."""
        tag = (await self._tags.tree()).get(name)

        def change(known: Known, _: Numbers) -> Written:
            if tag.id not in known.tree.by_id:
                return Written()
            if known.tree.below(known.tree.get(tag.id)) != [known.tree.get(tag.id)]:
                raise Conflict("there are tags below it", field=("tag",))
            if users := known.rules.naming(tag.id):
                raise Conflict(f"the rule of {users[0]} names it", field=("tag",))
            return Written(tags_gone=[tag.id], segments_gone=[tag.id], catalog=scored([tag], gone=True))

        await self._change(change)
        return tag

    async def _change(self, change: Work) -> Sequence[Tag]:
        """Writes tags with their rules, and brings up what they mean for others: rules that name a tag with what is
        below it may have changed, and so may who has the tags that are computed."""
        written = await self._definitions.change(change)
        if written.catalog is not None:
            await self._marking.soon()
        await self._building.build_soon()
        return written.tags

    async def assign(
        self,
        one_ids: Sequence[str],
        names: Sequence[str],
        method: AssignmentMethod,
        source: str,
        until: datetime | None = None,
    ) -> int:
        """Gives customers tags and returns how many had not all of them so. Raises NotFound, TooLarge,
        InvalidInput."""
        tags = await self._named(one_ids, names)
        now = milliseconds(self._clock.now().timestamp())
        end = milliseconds(until.timestamp()) if until else None
        if end is not None and end <= now:
            raise InvalidInput("must be in the future", field=("until",))
        new = [Assignment(tag.number, method, now, end, source) for tag in tags]
        return await self._reassign(one_ids, lambda held: assigned(held, new))

    async def unassign(self, one_ids: Sequence[str], names: Sequence[str]) -> int:
        """Takes tags that were given; returns from how many customers. Raises NotFound, TooLarge."""
        numbers = frozenset(tag.number for tag in await self._named(one_ids, names))
        return await self._reassign(one_ids, lambda held: unassigned(held, numbers))

    async def of(self, one_ids: Sequence[str]) -> list[list[Held]]:
        """For each customer, by its current ONE-ID, the tags that it has now, in order of their paths."""
        tree, catalog = await self._tags.tree(), await self._catalog.current()
        entries = await self._projections.among(one_ids)
        judged = await self._judging.matched([entry.record for entry in entries])
        matched = [ids & tree.by_id.keys() for ids in judged]
        since = await self._since(entries, matched)
        now = milliseconds(self._clock.now().timestamp())
        found = dict[str, list[Held]]()
        for entry, ids in zip(entries, matched, strict=True):
            record = entry.record
            ruled = by_rule(entry, [tree.by_id[id_] for id_ in ids], since)
            held = [*given(tree, record, now), *computed(tree, catalog, record), *ruled]
            found[record.one_id] = sorted(held, key=lambda one: (one.tag.path, one.method))
        return [found.get(one_id, []) for one_id in one_ids]

    async def counts(self, asked: Sequence[tuple[str, bool]]) -> list[int]:
        """How many customers have each tag now, by id; with True also those below it, each customer once."""
        written = {
            f"{n}": {"tag": {"tag": id_, "includeDescendants": below}} for n, (id_, below) in enumerate(asked)
        }
        counts = await self._audiences.counts(await self._audiences.read_each(written))
        return [counts[str(n)] for n in range(len(asked))]

    async def _since(
        self, entries: Sequence[Projected], matched: Sequence[set[str]]
    ) -> dict[tuple[str, str], int]:
        """Since when customers have tags by rule, by ONE-ID and tag, where they entered."""
        asked = {
            entry.record.one_id: ((entry.record.one_id, *entry.record.former_one_ids), sorted(ids))
            for entry, ids in zip(entries, matched, strict=True)
            if ids
        }
        return await self._transitions.entered(asked) if asked else {}

    async def _reassign(
        self, one_ids: Sequence[str], change: Callable[[tuple[Assignment, ...]], tuple[Assignment, ...]]
    ) -> int:
        changed = await self._tags.reassign(one_ids, change)
        await self._projection.make_searchable(one_ids)
        return changed

    async def _named(self, one_ids: Sequence[str], names: Sequence[str]) -> list[Tag]:
        if len(one_ids) > MAX_AT_ONCE:
            raise TooLarge(f"at most {MAX_AT_ONCE} customers at a time", field=("customers",))
        tree = await self._tags.tree()
        return [tree.get(name, ("tags", str(n))) for n, name in enumerate(names)]

    async def _check(self, new: NewTag, personal: bool) -> None:
        if new.rule is not None and new.scorer is not None:
            raise InvalidInput("a tag has a rule, or a model or an expression", field=("rule",))
        if new.scorer is None:
            return
        new.scorer.check()
        keys = (await self._catalog.current()).personal
        if not personal and computes_with_personal(new.scorer, keys):
            field = ("model",) if new.scorer.expression is None else ("expression",)
            raise Forbidden("to compute with personal data needs the scope pii:read", field=field)

    async def _hidden(self, wanted: Iterable[tuple[str, NewTag]], personal: bool) -> list[Segment]:
        """The rules of tags by their ids, those that have one."""
        rules = [HiddenSegment(id_, new.name, new.rule) for id_, new in wanted if new.rule is not None]
        return await self._segments.hidden(rules, personal=personal)


def scored(tags: Sequence[Tag], *, gone: bool = False) -> Callable[[Catalog], Catalog] | None:
    """What tags that are computed change in the catalog; None: nothing."""
    scorers = {tag.number: tag.scorer for tag in tags if tag.scorer is not None}

    def change(catalog: Catalog) -> Catalog:
        others = [pair for pair in catalog.scorers if pair[0] not in scorers]
        new = [] if gone else list(scorers.items())
        return replace(catalog, version=catalog.version + 1, scorers=(*others, *new))

    return change if scorers else None


def given(tree: TagTree, record: CustomerRecord, now: int) -> list[Held]:
    """The tags that a customer was given."""
    by_number = {tag.number: tag for tag in tree.tags}
    return [
        Held(by_number[one.number], one.method, one.source, one.at, one.until)
        for one in record.tags
        if one.number in by_number and within([(one.at, one.until)], now)
    ]


def computed(tree: TagTree, catalog: Catalog, record: CustomerRecord) -> list[Held]:
    """The tags that models and expressions give. What they gave before is kept nowhere: so nobody knows since when."""
    scored = course_of(replace(record, tags=(), held={}), catalog)
    return [Held(tag, tag.method, tag.source) for tag in tree.tags if tag.number in scored]


def by_rule(entry: Projected, tags: Iterable[Tag], since: Mapping[tuple[str, str], int]) -> list[Held]:
    """The tags whose rules are true. Whom a rule was true for when it was made or changed has not entered; who is not
    judged yet is about to."""
    one_id, inside = entry.record.one_id, entry.membership.segments
    told = ((tag, since.get((one_id, tag.id), in_force(tag)) if tag.id in inside else None) for tag in tags)
    return [Held(tag, TagMethod.RULE, tag.source, at) for tag, at in told]


def in_force(tag: Tag) -> int:
    """Since when a tag is what it is, in milliseconds."""
    return milliseconds(parse_time(tag.changed_at or tag.created_at).timestamp())
