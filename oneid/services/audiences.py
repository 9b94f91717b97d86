"""Who a rule is true for, at the instant of the injected clock: the one way from a written rule to people."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from graph.attribute_catalog import AttributeCatalog
from graph.segments import Segments
from oneid.clock import Clock
from oneid.domain.catalog import Catalog
from oneid.domain.customers import CustomerRecord
from oneid.domain.messages import format_time
from oneid.domain.segments.conditions import timed
from oneid.domain.segments.definitions import Segment, SegmentKind
from oneid.domain.segments.parsing import Brought, Parser, Path, Plugs
from oneid.domain.segments.personal import asks_about_personal
from oneid.domain.segments.references import MAX_SEGMENTS, named
from oneid.domain.segments.rules import AnyOf, Rule, SegmentRule, nodes
from oneid.errors import Cycle, Forbidden, NotFound, OneIdError, TooLarge
from oneid.logs import place
from oneid.services.counting import CountingService
from oneid.services.customers import CustomerService
from oneid.services.evaluation import MaterialisationService
from search.pages import Page
from search.segments.compiler import Compiler
from search.segments.present import Instant

PlugSource: TypeAlias = Callable[[], Awaitable[Brought]]
"""The conditions that a module brings, as its definitions are now."""

MAX_EXPANDED: Final = 1_000
"""Nodes of a rule with those of the segments that it names."""

logger = logging.getLogger(__name__)


class AudienceService:
    """Reads rules, materialises what they need, and asks the index."""

    def __init__(
        self,
        catalog: AttributeCatalog,
        segments: Segments,
        materialisation: MaterialisationService,
        customers: CustomerService,
        counting: CountingService,
        clock: Clock,
        zone: str,
        plugs: Sequence[PlugSource] = (),
    ) -> None:
        self._catalog = catalog
        self._segments = segments
        self._materialisation = materialisation
        self._customers = customers
        self._counting = counting
        self._clock = clock
        self._zone = zone
        self._plugs = plugs

    async def read(
        self, written: Mapping[str, Any], path: Path = ("rule",), *, within: str = "", personal: bool
    ) -> Rule:
        """The tree of a rule with those of the segments that it names. `within`: the segment whose rule it
        becomes; `personal`: whether the caller may see personal data, and ask about them.

        Raises:
            InvalidInput, TooLarge, NotFound, Cycle (a segment within itself), Forbidden: with the path.
        """
        catalog, brought = await self._catalog.current(), await self._brought()
        known = await self._known(written, brought)
        rule = References(catalog, known, within, brought.plugs, self._zone).parse(written, path)
        told = nodes(rule)
        if len(told) > MAX_EXPANDED:
            raise TooLarge(f"with its segments a rule has at most {MAX_EXPANDED} nodes", field=path)
        if not personal:
            permit([rule], catalog, path)
        return rule

    async def permit(self, rules: Sequence[Rule], path: Path) -> None:
        """Raises Forbidden where one of the rules is about personal data."""
        permit(rules, await self._catalog.current(), path)

    async def read_all(self, segments: Sequence[Segment]) -> dict[str, Rule]:
        """The trees of segments that are rules, by id, without those that can't be read any more."""
        catalog, brought = await self._catalog.current(), await self._brought()
        known = await self._known([segment.rule for segment in segments], brought)
        found: dict[str, Rule] = {}
        for segment in segments:
            try:
                references = References(catalog, known, segment.id, brought.plugs, self._zone)
                rule = references.parse(segment.rule or {}, ("rule",))
            except OneIdError as error:
                logger.warning("the rule of segment %s can't be read: %s", segment.id, place(error))
            else:
                found[segment.id] = rule
        return found

    async def read_each(self, written: Mapping[str, Mapping[str, Any]]) -> dict[str, Rule]:
        """The trees of several rules, by name, for callers who may ask about personal data. Raises what `read`
        raises."""
        catalog, brought = await self._catalog.current(), await self._brought()
        known = await self._known(list(written.values()), brought)
        return {
            name: References(catalog, known, "", brought.plugs, self._zone).parse(rule, ("rule",))
            for name, rule in written.items()
        }

    async def query(self, rule: Rule) -> dict[str, Any]:
        """The index's query for who the rule is true for now, once its conditions are materialised."""
        return (await self._compiler(rule)).compile(rule)

    async def queries(self, rules: Mapping[str, Rule]) -> dict[str, dict[str, Any]]:
        """The queries of several rules, by name."""
        compiler = await self._compiler(AnyOf(tuple(rules.values())))
        return {name: compiler.compile(rule) for name, rule in rules.items()}

    async def members(self, rule: Rule, **page: Any) -> Page[CustomerRecord]:
        """A page of customers for whom a rule is true, the newest first (`CustomerService.search`)."""
        return await self._customers.search(only=await self.query(rule), **page)

    async def count(self, rule: Rule) -> tuple[int, str]:
        """How many a rule is true for, and when that was asked (RFC 3339)."""
        at = format_time(self._clock.now())
        return (await (await self._counting.of(rule)).counts({"all": rule}))["all"], at

    async def counts(self, rules: Mapping[str, Rule]) -> dict[str, int]:
        """How many each rule is true for, by name, all of one moment."""
        if not rules:
            return {}
        return await (await self._counting.of(AnyOf(tuple(rules.values())))).counts(rules)

    async def _compiler(self, rule: Rule) -> Compiler:
        numbers = await self._materialisation.numbers(timed(rule))
        return Compiler(Instant(self._clock.now(), self._zone), numbers)

    async def _brought(self) -> Brought:
        told = [await source() for source in self._plugs]
        plugs = {name: plug for one in told for name, plug in one.plugs.items()}
        return Brought(plugs, [id_ for one in told for id_ in one.segments])

    async def _known(self, written: Any, brought: Brought) -> dict[str, Segment]:
        """The segments that a rule names, and those that they name, by id and by key."""
        known: dict[str, Segment] = {}
        asked: set[str] = set()
        wanted = named(written) | set(brought.segments)
        while missing := wanted - asked:
            asked |= missing
            found = await self._segments.named(sorted(missing))
            known |= {name: segment for segment in found for name in (segment.id, segment.key)}
            wanted = {name for segment in found for name in named(segment.rule)}
        return known


def permit(rules: Sequence[Rule], catalog: Catalog, path: Path) -> None:
    """Raises Forbidden where one of the rules is about personal data."""
    if any(asks_about_personal(rule, catalog.personal) for rule in rules):
        raise Forbidden("a condition on personal data needs the scope pii:read", field=path)


class References:
    """Parses rules that name other rules."""

    def __init__(
        self, catalog: Catalog, known: Mapping[str, Segment], within: str, plugs: Plugs, zone: str
    ) -> None:
        self._catalog = catalog
        self._zone = zone
        self._plugs = plugs
        self._known = known
        self._open = [within]
        self._place: Path = ()
        self._brought_in = 0

    def parse(self, written: Mapping[str, Any], path: Path) -> Rule:
        return Parser(self._catalog, self._segment, self._plugs, self._zone).parse(written, path)

    def _segment(self, name: str, path: Path, *, hidden: bool = False) -> SegmentRule:
        segment = self._known.get(name)
        if len(self._open) == 1:
            # What is wrong further inside is still the fault of this place in what was written.
            self._place = path
        path = self._place
        if segment is None or (segment.hidden and not hidden):
            raise NotFound(f"there is no segment {name}", field=path)
        if segment.id in self._open:
            raise Cycle(f"{segment.name} would be a part of itself", field=path)
        self._brought_in += 1
        if self._brought_in > MAX_SEGMENTS:
            raise TooLarge(f"a rule brings in at most {MAX_SEGMENTS} segments", field=path)
        if segment.kind is not SegmentKind.DYNAMIC or segment.rule is None:
            return SegmentRule(segment.id, None)
        self._open.append(segment.id)
        rule = self.parse(segment.rule, path)
        self._open.pop()
        return SegmentRule(segment.id, rule)
