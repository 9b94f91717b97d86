"""Who a rule is true for, at the instant of the injected clock: the one way from a written rule to people."""

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from oneid.clock import Clock
from oneid.domain.catalog import Catalog
from oneid.domain.customers import CustomerRecord
from oneid.domain.messages import format_time
from oneid.domain.segments.conditions import timed
from oneid.domain.segments.definitions import Segment
from oneid.domain.segments.parsing import Path
from oneid.domain.segments.personal import asks_about_personal
from oneid.domain.segments.rules import AnyOf, Rule, nodes
from oneid.errors import Forbidden, OneIdError, TooLarge
from oneid.logs import place
from oneid.services.counting import CountingService
from oneid.services.customers import CustomerService
from oneid.services.evaluation import MaterialisationService
from oneid.services.vocabulary import Vocabulary, VocabularyService
from search.pages import Page
from search.profiles import ProfileIndex
from search.segments.compiler import Compiler, Query
from search.segments.limits import ClauseLimit, clauses
from search.segments.present import Instant

MAX_EXPANDED: Final = 20_000
"""Nodes of a rule with those of the segments that it names."""

logger = logging.getLogger(__name__)


class AudienceService:
    """Reads rules, materialises what they need, and asks the index."""

    def __init__(
        self,
        vocabulary: VocabularyService,
        materialisation: MaterialisationService,
        customers: CustomerService,
        profiles: ProfileIndex,
        counting: CountingService,
        limit: ClauseLimit,
        clock: Clock,
        zone: str,
    ) -> None:
        self._vocabulary = vocabulary
        self._materialisation = materialisation
        self._customers = customers
        self._profiles = profiles
        self._counting = counting
        self._limit = limit
        self._clock = clock
        self._zone = zone

    async def read(
        self, written: Mapping[str, Any], path: Path = ("rule",), *, within: str = "", personal: bool
    ) -> Rule:
        """The tree of a rule with those of the segments that it names. `within`: the segment whose rule it
        becomes; `personal`: whether the caller may see personal data, and ask about them.

        Raises:
            InvalidInput, TooLarge, NotFound, Cycle (a segment within itself), Forbidden: with the path.
        """
        known = await self._vocabulary.current()
        more = await self._vocabulary.named(known.missing(written))
        rule = known.rule(written, self._zone, path, within=within, more=more)
        await self._check_size(rule, path)
        if not personal:
            permit([rule], known.catalog, path)
        return rule

    async def read_each(self, written: Mapping[str, Mapping[str, Any]]) -> dict[str, Rule]:
        """The trees of several rules of ours, by name, all of one moment. Raises what `read` raises."""
        known = await self._vocabulary.current()
        return {name: known.rule(one, self._zone) for name, one in written.items()}

    async def permit(self, rules: Sequence[Rule], path: Path) -> None:
        """Raises Forbidden where one of the rules is about personal data."""
        permit(rules, (await self._vocabulary.current()).catalog, path)

    async def rule_of(self, segment: Segment) -> Rule:
        """The tree of a segment. Raises what `read` raises."""
        return (await self._vocabulary.current()).rule_of(segment, self._zone)

    async def read_all(self, segments: Sequence[Segment]) -> dict[str, Rule]:
        """The trees of segments that are rules, by id, without those that can't be read any more."""
        known = await self._vocabulary.current()
        found: dict[str, Rule] = {}
        for segment in segments:
            try:
                found[segment.id] = known.rule_of(segment, self._zone)
            except OneIdError as error:
                logger.warning("the rule of segment %s can't be read: %s", segment.id, place(error))
        return found

    async def query(self, rule: Rule) -> Query:
        """The index's query for who the rule is true for now, once its conditions are materialised."""
        return (await self._compiler(rule)).compile(rule)

    async def queries(self, rules: Mapping[str, Rule]) -> dict[str, Query]:
        """The queries of several rules, by name."""
        compiler = await self._compiler(AnyOf(tuple(rules.values())))
        return {name: compiler.compile(rule) for name, rule in rules.items()}

    async def members(self, rule: Rule, **page: Any) -> Page[CustomerRecord]:
        """A page of customers for whom a rule is true, the newest first (`CustomerService.search`)."""
        return await self._customers.search(only=await self.query(rule), **page)

    async def count(self, rule: Rule) -> tuple[int, str]:
        """How many a rule is true for, and when that was asked (RFC 3339)."""
        at = format_time(self._clock.now())
        return (await self.counts({"all": rule}))["all"], at

    async def counts(self, rules: Mapping[str, Rule]) -> dict[str, int]:
        """How many each rule is true for, by name, all of one moment."""
        return await self._counts(rules, await self._vocabulary.current()) if rules else {}

    async def counts_of(self, segments: Sequence[Segment]) -> list[int]:
        """How many are in each segment now. Raises what `read` raises where a rule can't be read any more."""
        return await self._vocabulary.through(partial(self._counts_of, segments))

    async def _counts_of(self, segments: Sequence[Segment], known: Vocabulary) -> list[int]:
        rules = {segment.id: known.rule_of(segment, self._zone) for segment in segments}
        counts = await self._counts(rules, known)
        return [counts[segment.id] for segment in segments]

    async def _counts(self, rules: Mapping[str, Rule], known: Vocabulary) -> dict[str, int]:
        asked = {id_: one for rule in rules.values() for id_, one in timed(rule).items()}
        numbers = await self._materialisation.ready(asked, known.conditions)
        if numbers.keys() < asked.keys():
            return await (await self._counting.of(AnyOf(tuple(rules.values())))).counts(rules)
        compiler = Compiler(Instant(self._clock.now(), self._zone), numbers)
        return await self._profiles.counts({name: compiler.compile(rule) for name, rule in rules.items()})

    async def _compiler(self, rule: Rule) -> Compiler:
        numbers = await self._materialisation.numbers(timed(rule))
        return Compiler(Instant(self._clock.now(), self._zone), numbers)

    async def _check_size(self, rule: Rule, path: Path) -> None:
        told = nodes(rule)
        if len(told) > MAX_EXPANDED:
            raise TooLarge(f"with its segments a rule has at most {MAX_EXPANDED:,} nodes", field=path)
        asked = clauses(
            Compiler(Instant(self._clock.now(), self._zone), dict.fromkeys(timed(rule), 0)).compile(rule)
        )
        most = await self._limit.most()
        if asked > most:
            raise TooLarge(f"the rule asks {asked:,} things of the index, which takes {most:,}", field=path)


def permit(rules: Sequence[Rule], catalog: Catalog, path: Path) -> None:
    """Raises Forbidden where one of the rules is about personal data."""
    if any(asks_about_personal(rule, catalog.personal) for rule in rules):
        raise Forbidden("a condition on personal data needs the scope pii:read", field=path)
