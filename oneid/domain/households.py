"""Households: what several people share, such as a landline. A household stands above its members and joins nobody."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

from oneid.domain.identifiers import Identifier
from oneid.domain.rules import IdentityRules


@dataclass(frozen=True, slots=True)
class Sighting:
    """An event that names a household and belongs to a customer. `via` is the key of the strongest identifier that
    counted: whoever has that identifier belongs to the household. Times are RFC 3339: `at` the event's,
    `received_at` when it was accepted."""

    household: Identifier
    one_id: str
    via: str
    at: str
    received_at: str


@dataclass(frozen=True, slots=True)
class Household:
    """A household as the graph records it. `id` is a UUID that grows with time."""

    id: str
    identifier: Identifier
    created_at: str


Place: TypeAlias = tuple[str, str, str]
"""The keys of a household and of an identifier, and the ONE-ID of the member that has it."""


@dataclass(frozen=True, slots=True)
class Membership:
    """A customer in a household, by an identifier. Times are RFC 3339: of its first and last event, and when the
    first one was accepted."""

    place: Place
    since: str
    last_seen_at: str
    received_at: str = ""


def memberships(sightings: Iterable[Sighting]) -> dict[Place, Membership]:
    """What sightings, in the order in which they were accepted, make."""
    found = dict[Place, Membership]()
    for seen in sightings:
        place = (seen.household.key, seen.via, seen.one_id)
        old = found.get(place, Membership(place, seen.at, seen.at, seen.received_at))
        found[place] = replace(
            old, since=min(old.since, seen.at), last_seen_at=max(old.last_seen_at, seen.at)
        )
    return found


def differences(
    told: dict[Place, Membership],
    held: Iterable[Membership],
    rules: IdentityRules,
    named: Callable[[str], bool],
) -> tuple[list[Membership], list[Membership]]:
    """Memberships to be made or seen longer, and those to be ended: of what is no household under these rules, or
    by an identifier of which the log tells otherwise. `named`: whether the log knows an identifier's key."""
    complete, surplus = set[Place](), list[Membership]()
    for has in held:
        tells, (household, via, _) = told.get(has.place), has.place
        if tells and has.since <= tells.since and has.last_seen_at >= tells.last_seen_at:
            complete.add(has.place)
        elif tells is None and (named(via) or not rules.houses(Identifier.from_key(household))):
            surplus.append(has)
    return [membership for place, membership in told.items() if place not in complete], surplus
