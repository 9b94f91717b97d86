"""Upserts: a partner's system writes a customer directly, by any of its identifiers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import orjson
from neo4j import AsyncManagedTransaction

from graph import identity, tombstones
from graph.attribute_catalog import AttributeCatalog
from graph.client import Graph
from graph.rules import read_rules
from oneid.clock import Clock, sequence
from oneid.domain.attributes import Attributes
from oneid.domain.catalog import AttributeType, Catalog
from oneid.domain.customers import AttributeValue, DataParty
from oneid.domain.decisions import DecisionKind
from oneid.domain.evidence import Prepared
from oneid.domain.extraction import Named
from oneid.domain.identifiers import Identifier
from oneid.domain.ids import one_id
from oneid.domain.journal import DIRECT
from oneid.domain.messages import Message, format_time
from oneid.domain.normalisation import Dropped, normalise
from oneid.domain.resolution import Resolver
from oneid.domain.rules import IdentityRules
from oneid.domain.tombstones import Tombstones
from oneid.domain.workspace import Workspace
from oneid.errors import InvalidInput, Required, TooLarge, VersionConflict

#: As large as an event may be.
MAX_BYTES = 32 * 1024

#: Whoever writes identifiers side by side says that they are one person's.
CONSENTED = {"context": {"consent": {"stitching": True}}}


@dataclass(frozen=True, slots=True)
class Upsert:
    """What to write. `set_once` writes only what is missing, `unset` removes, `increment` adds to numbers."""

    identifiers: Sequence[tuple[str, str]]
    set: dict[str, Any] = field(default_factory=dict[str, Any])
    set_once: dict[str, Any] = field(default_factory=dict[str, Any])
    unset: Sequence[str] = ()
    increment: dict[str, Any] = field(default_factory=dict[str, Any])
    source: str = "upsert"
    party: DataParty = DataParty.FIRST
    expected_version: int | None = None


class UpsertService:
    """Writes customers with patch semantics, under the same rules as events."""

    def __init__(self, graph: Graph, clock: Clock, region: str) -> None:
        self._graph = graph
        self._catalog = AttributeCatalog(graph)
        self._clock = clock
        self._region = region
        self._tombstones = Tombstones()

    async def upsert(self, upsert: Upsert) -> tuple[str, bool]:
        """Finds, makes or merges the customer that the identifiers name; its ONE-ID, and whether it is new.

        Raises:
            InvalidInput: an identifier names nobody or is suppressed, a value is too large or not of its declared
                type, an increment is no number.
            VersionConflict: `expected_version` is not the current version (0: there is no customer).
        """
        check(upsert)
        message_id = f"upsert-{uuid4()}"

        async def work(tx: AsyncManagedTransaction) -> tuple[str, bool]:
            done = await identity.upserted(tx, message_id)
            return (done, False) if done else await self._apply(tx, upsert, message_id)

        return await self._graph.transact("customers.upsert", work)

    async def _apply(self, tx: AsyncManagedTransaction, upsert: Upsert, message_id: str) -> tuple[str, bool]:
        rules = await read_rules(tx)
        check_types(upsert, await self._catalog.within(tx))
        prepared = self._prepare(upsert, rules, message_id)
        space = Workspace(lambda: one_id(sequence()))
        await identity.load(tx, prepared.keys, space)
        await self._check_suppression(tx, upsert, rules)
        resolution = Resolver(space, rules).resolve(prepared)
        if resolution.one_id is None:
            raise InvalidInput("these identifiers name nobody any more: they are shared by too many")
        customer = space.customers[resolution.one_id]
        check_version(upsert, customer.version)
        # While this write waited for its lock another may have been stamped later: it still comes after.
        now = format_time(prepared.message.timestamp)
        for key, value in changes(upsert, customer.attributes).items():
            at = max(now, customer.attributes[key].updated_at) if key in customer.attributes else now
            stamped = AttributeValue(
                value, at, upsert.source, upsert.party, space.next_sequence(), resolution.by
            )
            customer.put(key, stamped)
        await identity.save(tx, space, resolution.decisions)
        await identity.note_upsert(tx, customer.one_id, message_id)
        return customer.one_id, any(d.kind is DecisionKind.CREATED for d in resolution.decisions)

    async def _check_suppression(
        self, tx: AsyncManagedTransaction, upsert: Upsert, rules: IdentityRules
    ) -> None:
        """Under the locks: an erasure that was under way is over by now."""
        await tombstones.load(tx, self._tombstones)
        for number, given in enumerate(upsert.identifiers):
            if self._tombstones.suppresses(self._identifier(number, *given, rules).key):
                message = "this identifier is suppressed: its owner was erased and is not to come back"
                raise InvalidInput(message, field=("identifiers", str(number)))

    def _prepare(self, upsert: Upsert, rules: IdentityRules, message_id: str) -> Prepared:
        now = self._clock.now()
        message = Message(message_id, DIRECT, DIRECT, now, now, None, upsert.source, CONSENTED)
        found = [self._identifier(n, *given, rules) for n, given in enumerate(upsert.identifiers)]
        strongest = sorted(dict.fromkeys(found), key=rules.weakness)
        return Prepared(message, Named(strongest))

    def _identifier(self, number: int, kind: str, value: str, rules: IdentityRules) -> Identifier:
        path = ("identifiers", str(number))
        try:
            identifier = normalise(kind, value, rules, self._region)
        except Dropped as why:
            raise InvalidInput(f"this identifier names nobody: {why.reason}", field=path) from why
        if not rules.by_type[kind].links:
            raise InvalidInput(f"{kind} doesn't name a person", field=(*path, "type"))
        return identifier


def check(upsert: Upsert) -> None:
    if not upsert.identifiers:
        raise Required("name the customer by an identifier", field=("identifiers",))
    written = {**upsert.set_once, **upsert.set, **upsert.increment}
    if len(orjson.dumps(written)) > MAX_BYTES:
        raise TooLarge(f"attributes take more than {MAX_BYTES} bytes", field=("set",))
    for key, amount in upsert.increment.items():
        if isinstance(amount, bool) or not isinstance(amount, int | float):
            raise InvalidInput("an increment is a number", field=("increment", key))


def check_types(upsert: Upsert, catalog: Catalog) -> None:
    """Raises InvalidInput where a value is not of its declared type."""
    for field_name, values in (("set", upsert.set), ("setOnce", upsert.set_once)):
        for key, reason in catalog.misfits(values).items():
            raise InvalidInput(f"{key} {reason}", field=(field_name, key))
    for key in upsert.increment:
        if key in catalog.by_key and catalog.by_key[key].type is not AttributeType.NUMBER:
            raise InvalidInput(f"{key} is declared as {catalog.by_key[key].type}", field=("increment", key))


def check_version(upsert: Upsert, version: int) -> None:
    if upsert.expected_version is not None and upsert.expected_version != version:
        message = f"the customer is at version {version}, not {upsert.expected_version}"
        raise VersionConflict(message, field=("expectedVersion",))


def changes(upsert: Upsert, current: Attributes) -> dict[str, Any]:
    """The values to write: key -> value, None to unset."""
    written = {key: v for key, v in upsert.set_once.items() if missing(current, key)}
    written.update(upsert.set)
    written.update(dict.fromkeys(upsert.unset))
    for key, amount in upsert.increment.items():
        written[key] = added(written.get(key, value_of(current, key)), amount, key)
    return written


def missing(current: Attributes, key: str) -> bool:
    return value_of(current, key) is None


def value_of(current: Attributes, key: str) -> Any:
    return current[key].value if key in current else None


def added(value: Any, amount: int | float, key: str) -> int | float:
    if value is None:
        return amount
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInput("the attribute is no number", field=("increment", key))
    result = value + amount
    if not abs(result) < 2**63:
        raise InvalidInput("the result is too large", field=("increment", key))
    return result
