"""Sharing a customer out: which part an event and a value belong to."""

from collections.abc import Iterable, Iterator, Sequence

from oneid.domain import attributes
from oneid.domain.attributes import Attributes, Written
from oneid.domain.messages import StoredEvent, format_time

Groups = Sequence[frozenset[str]]
"""Identifier keys of each part; the first part is the one that keeps the ONE-ID."""


def part_of_event(keys: Iterable[str], groups: Groups) -> int:
    """The part whose identifiers alone an event names; an event that names those of several stays."""
    named = frozenset(keys)
    touched = [number for number, group in enumerate(groups) if named & group]
    return touched[0] if len(touched) == 1 else 0


def shares(held: Attributes, events: Iterable[StoredEvent], groups: Groups) -> list[Attributes]:
    """The attributes of each part: the newest value of its own events, and what was written directly."""

    def part_of(key: str | None) -> int:
        return part_of_event((key,), groups) if key else 0

    return attributes.share_out(held, _written(events, groups), len(groups), part_of)


def _written(events: Iterable[StoredEvent], groups: Groups) -> Iterator[tuple[str, Written]]:
    for event in events:
        message, part = event.message, part_of_event(event.identifiers, groups)
        by = next((key for key in event.identifiers if key in groups[part]), None)
        for key, value in message.traits.items() if message.type == "identify" else ():
            at = format_time(message.timestamp)
            yield key, (attributes.told_by(message, value, at, event.sequence, by), part)
