"""Finding customers: by ONE-ID old or new, by identifier as anybody writes it, by words."""

from collections.abc import Sequence
from typing import Any, Final

from graph.customers import Customers
from graph.rules import RulesStore
from oneid.domain.customers import CustomerRecord
from oneid.domain.identifiers import Identifier
from oneid.domain.normalisation import Dropped, plain
from oneid.domain.rules import IdentityRules, Normalizer
from search.pages import Edge, Page
from search.profiles import ProfileIndex

RULES_SECONDS: Final = 1.0
"""How old the rules may be that say how a value is normalised: reading them each time would double the cost
of a lookup."""


class CustomerService:
    """Reads customers. `region` is where phone numbers without a country code belong."""

    def __init__(self, customers: Customers, profiles: ProfileIndex, rules: RulesStore, region: str) -> None:
        self._customers = customers
        self._profiles = profiles
        self._rules = rules
        self._region = region

    async def by_one_id(self, one_id: str) -> CustomerRecord | None:
        """The customer that this ONE-ID stands for today; a former ONE-ID finds the survivor."""
        return (await self._customers.by_one_ids([one_id])).get(one_id)

    async def by_one_ids(self, one_ids: Sequence[str]) -> list[CustomerRecord | None]:
        """`by_one_id` of many, in order, in one query."""
        found = await self._customers.by_one_ids(list(dict.fromkeys(one_ids)))
        return [found.get(one_id) for one_id in one_ids]

    async def by_identifier(self, kind: str, value: str) -> CustomerRecord | None:
        """The owner of an identifier, written in any form that normalises to it."""
        (found,) = await self.by_identifiers([(kind, value)])
        return found

    async def by_identifiers(self, named: Sequence[tuple[str, str]]) -> list[CustomerRecord | None]:
        """`by_identifier` of many (type, value), in order, in one query."""
        identifiers = [await self.normalised(kind, value) for kind, value in named]
        known = list(dict.fromkeys(identifier for identifier in identifiers if identifier))
        found = await self._customers.by_identifiers(known) if known else {}
        return [found.get(identifier) if identifier else None for identifier in identifiers]

    async def search(
        self,
        text: str | None = None,
        *,
        only: dict[str, Any] | None = None,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Page[CustomerRecord]:
        """Customers found by what somebody typed, the newest first: the index says who, the graph says what.
        `only`: a query of the index that they must match, too.
        Raises InvalidInput on a foreign cursor."""
        keys = [identifier.key for identifier in await self._readings(text)]
        page = await self._profiles.search(
            text, keys=keys, only=only, first=first, after=after, last=last, before=before
        )
        found = await self._customers.by_one_ids(page.nodes)
        edges = [
            Edge(edge.cursor, record)
            for edge in page.edges
            if (record := found.get(edge.node)) and record.one_id == edge.node
        ]
        if not edges and page.edges:
            # All of a page is gone from the graph already: without a row there is no cursor to go on from.
            if first is not None and page.has_next:
                return await self.search(text, only=only, first=first, after=page.edges[-1].cursor)
            if last is not None and page.has_previous:
                return await self.search(text, only=only, last=last, before=page.edges[0].cursor)
        return Page(tuple(edges), page.has_next, page.has_previous, page.total)

    async def _readings(self, text: str | None) -> list[Identifier]:
        """The identifiers that a text may stand for, of the types whose values are rewritten: 138 0013 8000
        is the phone +8613800138000, and Anna@X.cn the email anna@x.cn."""
        if not text or not text.strip():
            return []
        rules = await self._rules.recent(RULES_SECONDS)
        rewritten = [rule.type for rule in rules.types if rule.normalizer is not Normalizer.NONE]
        readings = [self._reading(kind, text, rules) for kind in rewritten]
        return [identifier for identifier in readings if identifier]

    async def normalised(self, kind: str, value: str) -> Identifier | None:
        """The identifier that this names, also one that is blocked by now; None for what is no value of the type."""
        rules = await self._rules.recent(RULES_SECONDS)
        if kind not in rules.by_type:  # another process may have declared it a moment ago
            rules = await self._rules.current()
        return self._reading(kind, value, rules)

    def _reading(self, kind: str, value: str, rules: IdentityRules) -> Identifier | None:
        try:
            return plain(kind, value, rules, self._region)
        except Dropped:
            return None
