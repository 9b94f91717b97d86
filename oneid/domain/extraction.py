"""Which identifiers a message names, in order of appearance."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from oneid.domain.identifiers import Identifier
from oneid.domain.messages import Message
from oneid.domain.normalisation import Dropped, normalise
from oneid.domain.rules import IdentityRules


@dataclass(slots=True)
class Named:
    """The linking identifiers of a message, strongest type first and within a type in order of appearance;
    what was dropped, with reasons; the types that the message proves; the households it names."""

    identifiers: list[Identifier] = field(default_factory=list[Identifier])
    dropped: list[tuple[Identifier, str]] = field(default_factory=list[tuple[Identifier, str]])
    verified: frozenset[str] = frozenset()
    households: tuple[Identifier, ...] = ()


def named(message: Message, rules: IdentityRules, region: str) -> Named:
    """Normalises, filters and orders the identifiers of a message. Aliases are told apart by the caller:
    of an alias message only userId (else anonymousId) counts here."""
    result = Named(verified=verified_types(message))
    seen: set[Identifier] = set()
    for kind, raw in raw_identifiers(message):
        try:
            identifier = normalise(kind, raw, rules, region)
        except Dropped as why:
            result.dropped.append((Identifier(kind, str(raw)[:200]), why.reason))
            continue
        if identifier in seen:
            continue
        seen.add(identifier)
        if rules.by_type[kind].links:
            result.identifiers.append(identifier)
        elif rules.by_type[kind].household:
            result.households += (identifier,)
    result.identifiers.sort(key=rules.weakness)
    return result


def raw_identifiers(message: Message) -> Iterator[tuple[str, Any]]:
    """(type, raw value) pairs: userId or anonymousId, externalIds, traits, context.traits, device."""
    payload, context = message.payload, message.context
    names = list(present(("user_id", payload.get("userId")), ("anonymous_id", payload.get("anonymousId"))))
    if message.type == "alias":
        yield from names[:1]
        return
    yield from names
    yield from external_ids(context.get("externalIds"))
    if message.type != "group":
        yield from contact_traits(payload.get("traits"))
    yield from contact_traits(context.get("traits"))
    yield from device_ids(context.get("device"))


def present(*pairs: tuple[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((kind, raw) for kind, raw in pairs if raw is not None)


def external_ids(given: Any) -> Iterator[tuple[str, Any]]:
    for entry in given if isinstance(given, list) else ():
        if isinstance(entry, dict) and entry.get("collection") != "accounts":
            yield from present((str(entry.get("type")), entry.get("id")))


def contact_traits(traits: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(traits, dict):
        yield from present(("email", traits.get("email")), ("phone", traits.get("phone")))


def device_ids(device: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(device, dict):
        yield from present(("device_id", device.get("id")))
        if device.get("adTrackingEnabled") is not False:
            yield from present(("device_id", device.get("advertisingId")))


def verified_types(message: Message) -> frozenset[str]:
    given = message.context.get("verified")
    return (
        frozenset(kind for kind in given if isinstance(kind, str)) if isinstance(given, list) else frozenset()
    )
