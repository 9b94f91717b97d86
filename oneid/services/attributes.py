"""Declaring attributes: at once writable, checked, indexed and good for conditions, without a developer."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Final

from graph.attribute_catalog import AttributeCatalog
from graph.definitions import Definitions, Known, Written
from oneid.clock import monotonic
from oneid.domain.catalog import MAX_DEFINITIONS, AttributeDefinition, AttributeType, Catalog
from oneid.domain.computations import Computation
from oneid.domain.segments.followers import followers, names_attribute
from oneid.domain.segments.references import Rules
from oneid.errors import Conflict, LimitExceeded, Retriable
from oneid.services.building import BuildingService
from oneid.services.marking import MarkingService
from search.profile_rebuild import ProfileRebuild
from search.profiles import ProfileIndex
from search.segments.percolator import Percolator
from search.typed import field_of

FRESH_SECONDS: Final = 1.0
MAX_COMPUTED: Final = 100
MAX_TOLD: Final = 10
"""Rules that a refusal names."""


@dataclass(frozen=True, slots=True)
class DefinitionChange:
    """A declaration; of an attribute that is declared already, what is None stays."""

    key: str
    type: AttributeType
    enum_values: tuple[str, ...] | None = None
    pii: bool | None = None
    storefront_visible: bool | None = None
    description: str | None = None
    computed: Computation | None = None

    def applied_to(self, catalog: Catalog) -> AttributeDefinition:
        """The definition that results. Raises Conflict, LimitExceeded, InvalidInput."""
        old = catalog.by_key.get(self.key)
        if old and old.type is not self.type:
            message = f"{self.key} is declared as {old.type}, and a type stays: declare another attribute"
            raise Conflict(message, field=("type",))
        if not old and len(catalog.definitions) >= MAX_DEFINITIONS:
            raise LimitExceeded(f"at most {MAX_DEFINITIONS} attributes are declared", field=("key",))
        new = replace(old or AttributeDefinition(self.key, self.type), **self._given())
        new.check()
        return new

    def _given(self) -> dict[str, Any]:
        names = ("enum_values", "pii", "storefront_visible", "description")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


class AttributeService:
    """Declares attributes and knows what is declared."""

    def __init__(
        self,
        definitions: Definitions,
        catalog: AttributeCatalog,
        profiles: ProfileIndex,
        rebuild: ProfileRebuild,
        percolator: Percolator,
        marking: MarkingService,
        building: BuildingService,
    ) -> None:
        self._definitions = definitions
        self._store = catalog
        self._marking = marking
        self._building = building
        self._percolator = percolator
        self._profiles = profiles
        self._rebuild = rebuild
        self._known = Catalog()
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def define(self, change: DefinitionChange) -> AttributeDefinition:
        """Declares an attribute or changes its definition.

        Raises:
            Conflict: it is declared with another type.
            LimitExceeded: there are as many as there may be.
            InvalidInput: the definition makes no sense.
            Conflict: a rule compares it with a value that it would not have any more, or a customer has one.
        """
        before = await self._store.current()
        definition = change.applied_to(before)
        check_computed(change, before)
        await self._check_unused(before.by_key.get(change.key, definition), definition)
        # The field first: a value must never come before the place where it belongs.
        await self._profiles.declare(definition)
        await self._rebuild.declare(definition)
        await self._percolator.declare(definition)
        computed = change.computed if change.computed != before.computed.get(change.key) else None
        if change.key in before.by_key and (change.enum_values is not None or computed):
            await self._definitions.change(lambda known, _: redefined(known, change, anew=bool(computed)))
        else:
            await self._store.change(lambda current: added(current, change), change.key)
        catalog = await self._store.current()
        self._remember(catalog)
        await self._marking.soon()
        if computed:
            await self._building.build_soon()
        return catalog.by_key[change.key]

    async def catalog(self) -> Catalog:
        """What is declared, at most a second old."""
        if monotonic() - self._read_at > FRESH_SECONDS:
            self._remember(await self._store.current())
        return self._known

    def known(self) -> Catalog:
        """What was declared when the graph last answered: for callers who must not wait for it."""
        idle = self._reading is None or self._reading.done()
        if idle and monotonic() - self._read_at > FRESH_SECONDS:
            self._reading = asyncio.create_task(self._read())
        return self._known

    async def _read(self) -> None:
        try:
            await self.catalog()
        except Retriable:
            # The next caller tries again; meanwhile the consumer of the log checks what gets through.
            return

    async def _check_unused(self, old: AttributeDefinition, new: AttributeDefinition) -> None:
        """Raises Conflict where customers have values that would go."""
        gone = sorted(set(old.enum_values) - set(new.enum_values))
        if not gone:
            return
        await self._marking.settle()
        asked = {value: {"term": {field_of(old): value}} for value in gone}
        used = {value: count for value, count in (await self._profiles.counts(asked)).items() if count}
        if used:
            named = ", ".join(f"{value} ({count})" for value, count in [*used.items()][:MAX_TOLD])
            raise Conflict(f"customers have values that would go: {named}", field=("enumValues",))

    def _remember(self, catalog: Catalog) -> None:
        if catalog.version >= self._known.version:
            self._known, self._read_at = catalog, monotonic()


def redefined(known: Known, change: DefinitionChange, *, anew: bool) -> Written:
    """Another declaration of an attribute; `anew`: it is computed in another way, by which nobody enters or leaves a
    segment. Raises Conflict where a rule needs a value that it would not have any more."""
    rules = known.rules

    def catalog(current: Catalog) -> Catalog:
        if change.enum_values is not None:
            check_compared(
                rules, change.key, set(current.by_key[change.key].enum_values) - set(change.enum_values)
            )
        return added(current, change)

    named = names_attribute(known.tree, change.key)
    again = followers(rules, known.lifecycles.values(), named) if anew else ()
    return Written(catalog=catalog, key=change.key, followers=again)


def check_compared(rules: Rules, key: str, gone: Collection[str]) -> None:
    if users := rules.comparing(key, gone):
        named = ", ".join(users[:MAX_TOLD])
        raise Conflict(f"rules need values that would go: {named}", field=("enumValues",))


def check_computed(change: DefinitionChange, catalog: Catalog) -> None:
    """Raises InvalidInput where a computation makes no sense, Conflict where an attribute that people write would
    be computed."""
    if change.computed is None:
        return
    change.computed.check(change.type)
    if change.key in catalog.by_key and change.key not in catalog.computed:
        raise Conflict(f"{change.key} is written, and can't be computed, too", field=("computed",))
    if len(catalog.computed) >= MAX_COMPUTED and change.key not in catalog.computed:
        raise LimitExceeded(f"at most {MAX_COMPUTED} attributes are computed", field=("key",))


def added(catalog: Catalog, change: DefinitionChange) -> Catalog:
    """The catalog with a declaration, one version on if that changes it."""
    definition = change.applied_to(catalog)
    computed = {**catalog.computed, **({change.key: change.computed} if change.computed else {})}
    if catalog.by_key.get(change.key) == definition and computed == catalog.computed:
        return catalog
    others = [known for known in catalog.definitions if known.key != change.key]
    definitions = tuple(sorted([*others, definition], key=lambda one: one.key))
    return replace(
        catalog, version=catalog.version + 1, definitions=definitions, computations=tuple(computed.items())
    )
