"""Households: what several people share, such as a landline. A household stands above its members and joins nobody."""

from dataclasses import dataclass

from oneid.domain.identifiers import Identifier


@dataclass(frozen=True, slots=True)
class Sighting:
    """An event that names a household and belongs to a customer. `via` is the key of the event's strongest
    identifier: whoever has that identifier belongs to the household. Times are RFC 3339: `at` the event's,
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
