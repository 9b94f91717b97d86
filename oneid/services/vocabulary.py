"""What rules may name: attributes, segments, tags, models and lifecycles, as they are now.

All of it is kept in memory, with the trees of the segments, and read again only where it has changed: one short read
tells whether it has.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from graph.attribute_catalog import AttributeCatalog
from graph.client import Graph
from graph.conditions import Conditions
from graph.segments import Segments
from graph.stamps import Stamps, stamps
from oneid.domain.catalog import Catalog
from oneid.domain.segments.conditions import ConditionSet
from oneid.domain.segments.definitions import Segment, SegmentKind
from oneid.domain.segments.parsing import Brought, Parser, Path, Plugs
from oneid.domain.segments.references import MAX_SEGMENTS, named
from oneid.domain.segments.rules import Rule, SegmentRule
from oneid.errors import Cycle, NotFound, TooLarge

T = TypeVar("T")

PlugSource: TypeAlias = Callable[[], Awaitable[Brought]]
"""The conditions that a module brings, as its definitions are now."""


@dataclass(frozen=True, slots=True)
class Read:
    """The tree of a segment, the ids of all segments in it, its own one too, and how many it brings in."""

    rule: Rule
    inside: frozenset[str]
    count: int


class Vocabulary:
    """All of one moment. `known`: the segments that are rules and those that they name, by id and by key."""

    def __init__(
        self,
        at: Stamps,
        catalog: Catalog,
        plugs: Plugs,
        known: Mapping[str, Segment],
        conditions: ConditionSet,
    ) -> None:
        self.at = at
        self.catalog = catalog
        self.conditions = conditions
        self._plugs = plugs
        self._known = known
        self._read = dict[tuple[str, str], Read]()

    def with_conditions(self, at: Stamps, conditions: ConditionSet) -> "Vocabulary":
        """The same where only conditions have changed."""
        found = Vocabulary(at, self.catalog, self._plugs, self._known, conditions)
        found._read = self._read
        return found

    def missing(self, written: Any) -> set[str]:
        """The segments that a written rule names and that are not known here."""
        return named(written) - self._known.keys()

    def rule(
        self,
        written: Mapping[str, Any],
        zone: str,
        path: Path = ("rule",),
        *,
        within: str = "",
        more: Mapping[str, Segment] | None = None,
    ) -> Rule:
        """The tree of a written rule with those of the segments that it names. `zone`: the IANA time zone of periods
        for which a rule names none; `within`: the segment whose rule it becomes; `more`: segments that are not known
        here. Raises InvalidInput, TooLarge, NotFound, Cycle."""
        known = {**self._known, **more} if more else self._known
        return self._parsed(written, path, _Reading(known, zone, within))

    def rule_of(self, segment: Segment, zone: str) -> Rule:
        """The tree of a segment as it is here. Raises what `rule` raises."""
        if segment.kind is not SegmentKind.DYNAMIC or segment.rule is None:
            return SegmentRule(segment.id, None)
        if self._known.get(segment.id) != segment:
            return self.rule(segment.rule, zone, within=segment.id)
        return self._of(segment, ("rule",), _Reading(self._known, zone)).rule

    def _parsed(self, written: Mapping[str, Any], path: Path, reading: "_Reading") -> Rule:
        def segment(name: str, path: Path, *, hidden: bool = False) -> SegmentRule:
            return self._segment(name, reading.place(path), reading, hidden)

        return Parser(self.catalog, segment, self._plugs, reading.zone).parse(written, path)

    def _segment(self, name: str, path: Path, reading: "_Reading", hidden: bool) -> SegmentRule:
        segment = reading.known.get(name)
        if segment is None or (segment.hidden and not hidden):
            raise NotFound(f"there is no segment {name}", field=path)
        if segment.kind is not SegmentKind.DYNAMIC or segment.rule is None:
            reading.bring(segment.id, frozenset((segment.id,)), 1, path)
            return SegmentRule(segment.id, None)
        if segment.id == reading.within or segment.id in reading.open:
            raise Cycle(f"{segment.name} would be a part of itself", field=path)
        read = self._of(segment, path, reading)
        if reading.within in read.inside:
            raise Cycle(f"{reading.known[reading.within].name} would be a part of itself", field=path)
        reading.bring(segment.id, read.inside, read.count, path)
        return SegmentRule(segment.id, read.rule)

    def _of(self, segment: Segment, path: Path, reading: "_Reading") -> Read:
        place = (reading.zone, segment.id)
        if place not in self._read:
            inner = reading.into(segment.id, path)
            rule = self._parsed(segment.rule or {}, path, inner)
            self._read[place] = Read(rule, frozenset({segment.id, *inner.inside}), 1 + inner.count)
        return self._read[place]


class _Reading:
    """One rule being read. `within`: the segment whose rule it becomes; `open`: those whose rules are being read
    around it; `top`: where in what was written the outermost of them is named."""

    def __init__(
        self,
        known: Mapping[str, Segment],
        zone: str,
        within: str = "",
        open_: Sequence[str] = (),
        top: Path | None = None,
    ) -> None:
        self.known = known
        self.zone = zone
        self.within = within
        self.open = open_
        self.inside = set[str]()
        self.count = 0
        self._top = top

    def place(self, path: Path) -> Path:
        """What is wrong further inside is still the fault of this place in what was written."""
        return path if self._top is None else self._top

    def into(self, segment: str, path: Path) -> "_Reading":
        return _Reading(self.known, self.zone, self.within, (*self.open, segment), path)

    def bring(self, segment: str, inside: Iterable[str], count: int, path: Path) -> None:
        self.inside |= {segment, *inside}
        self.count += count
        if self.count > MAX_SEGMENTS:
            raise TooLarge(f"a rule brings in at most {MAX_SEGMENTS:,} segments", field=path)


class VocabularyService:
    """Reads what rules may name where it has changed. One for a process: it holds all of them. `segments` and
    `conditions`: what it reads those by."""

    def __init__(
        self,
        graph: Graph,
        catalog: AttributeCatalog,
        segments: Segments,
        conditions: Conditions,
        plugs: Sequence[PlugSource],
    ) -> None:
        self._graph = graph
        self._catalog = catalog
        self.segments = segments
        self.conditions = conditions
        self._plugs = plugs
        self._last: Vocabulary | None = None

    async def current(self) -> Vocabulary:
        """As they are now. Raises Retriable."""
        # Read before the rest: what is newer than it is read again the next time.
        at = await stamps(self._graph)
        if self._last is None or self._last.at != at:
            self._last = await self._all(at)
        return self._last

    async def through(self, work: Callable[[Vocabulary], Awaitable[T]]) -> T:
        """What work comes to with all as it is now. It is begun with what was read last, while the graph says whether
        that still holds, and done anew where it does not. Raises Retriable, and what `work` raises."""
        if (last := self._last) is None:
            return await work(await self.current())
        begun, current = await asyncio.gather(work(last), self.current(), return_exceptions=True)
        if isinstance(current, BaseException):
            raise current
        if current is not last:
            return await work(current)
        if isinstance(begun, BaseException):
            raise begun
        return begun

    async def named(self, names: Iterable[str]) -> dict[str, Segment]:
        """Segments by id and by key, those that exist."""
        found = await self.segments.named(sorted(names)) if names else []
        return {name: segment for segment in found for name in (segment.id, segment.key)}

    async def _all(self, at: Stamps) -> Vocabulary:
        last = self._last
        conditions = await self.conditions.all()
        if last and last.at[:3] == at[:3]:
            return last.with_conditions(at, conditions)
        brought = [await source() for source in self._plugs]
        plugs = {name: plug for one in brought for name, plug in one.plugs.items()}
        dynamic = await self.segments.dynamic()
        known = {name: segment for segment in dynamic for name in (segment.id, segment.key)}
        fixed = {name for segment in dynamic for name in named(segment.rule)} - known.keys()
        known |= await self.named(fixed)
        return Vocabulary(at, await self._catalog.current(), plugs, known, conditions)
