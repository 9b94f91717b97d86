"""A customer as the graph records it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from oneid.domain.consents import Consent
from oneid.domain.identifiers import Identifier
from oneid.domain.lifecycles import Position
from oneid.domain.tags.assignments import Assignment
from oneid.errors import InvalidInput


class DataParty(IntEnum):
    """Who collected a value: the brand, a partner, somebody else."""

    FIRST = 1
    SECOND = 2
    THIRD = 3


def party_named(name: str, field: tuple[str, ...]) -> DataParty:
    """A party by its name. Raises InvalidInput."""
    if name not in DataParty.__members__:
        raise InvalidInput(f"must be one of {', '.join(DataParty.__members__)}", field=field)
    return DataParty[name]


@dataclass(frozen=True, slots=True)
class LinkedIdentifier:
    """An identifier with its history. Times are RFC 3339 UTC event times (`messages.format_time`)."""

    identifier: Identifier
    first_seen_at: str
    last_seen_at: str
    verified: bool = False
    source: str | None = None


@dataclass(frozen=True, slots=True)
class AttributeValue:
    """A value with its provenance; None is a value that was unset at that time. `sequence` orders values of
    one time by when they were processed. `identifier`: the key that it was written by, whom it follows when
    the customer is split. `since`: when it became this value, if that was before `updated_at`."""

    value: Any
    updated_at: str
    source: str
    party: DataParty = DataParty.FIRST
    sequence: int = 0
    identifier: str | None = None
    since: str | None = field(default=None, compare=False)

    @property
    def unchanged_since(self) -> str:
        """Since when the value is what it is, as far as values came in the order of their times (RFC 3339)."""
        return self.since or self.updated_at


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """A customer, whole. `sequence` orders customers by creation; `merged_into` is set on a former
    customer, which then has neither identifiers nor attributes. `held`: by number of a timed condition the
    intervals in which it holds (`segments.conditions`); `lists`: the segments of fixed members that it is in;
    `tags`: those that it was given; `stages`: where it is in each lifecycle; `consents`: what it said last of each
    channel and purpose."""

    one_id: str
    version: int
    sequence: int
    created_at: str
    updated_at: str
    identifiers: tuple[LinkedIdentifier, ...] = ()
    attributes: dict[str, AttributeValue] = field(default_factory=dict[str, AttributeValue])
    former_one_ids: tuple[str, ...] = ()
    merged_into: str | None = None
    held: Mapping[int, tuple[tuple[int, int | None], ...]] = field(
        default_factory=dict[int, tuple[tuple[int, int | None], ...]]
    )
    lists: tuple[str, ...] = ()
    tags: tuple[Assignment, ...] = ()
    stages: tuple[Position, ...] = ()
    consents: tuple[Consent, ...] = ()
