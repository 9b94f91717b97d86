"""Attributes: the newest value wins, whatever order the values arrive in."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

import orjson

from oneid.domain.customers import AttributeValue, DataParty
from oneid.domain.messages import Message, format_time
from oneid.domain.redaction import Redactor

Attributes = dict[str, AttributeValue]


def put(attributes: Attributes, key: str, value: AttributeValue) -> bool:
    """Sets a value unless a newer one is there; of equal times the later processed wins. True if it changed."""
    old = attributes.get(key)
    if old and (old.updated_at, old.sequence) > (value.updated_at, value.sequence):
        return False
    attributes[key] = confirmed(old, value) if old and old.value == value.value else value
    return old is None or old.value != value.value or old.updated_at != value.updated_at


def confirmed(old: AttributeValue, value: AttributeValue) -> AttributeValue:
    """A value that was there already."""
    return replace(value, since=min(old.unchanged_since, value.unchanged_since))


def merge(into: Attributes, other: Attributes) -> None:
    """What two customers have together; what both have is so since the first of them had it."""
    for key, value in other.items():
        old = into.get(key)
        put(into, key, value)
        if old and old.value == value.value:
            into[key] = confirmed(value, confirmed(old, into[key]))


def told_by(message: Message, value: Any, at: str, number: int, identifier: str | None) -> AttributeValue:
    """What a message says: `at` is its time as it is stored, `number` its place in the order of processing. It was
    the brand that collected it, unless the message says who did."""
    party = DataParty.__members__.get(str(message.context.get("party")), DataParty.FIRST)
    return AttributeValue(value, at, message.source, party, number, identifier)


def to_stored(attributes: Attributes) -> str:
    """The JSON kept in the graph: key -> {v: value, t: time, s: source, p: party, n: sequence, i: identifier,
    c: unchanged since}."""
    return orjson.dumps({key: _row(value) for key, value in attributes.items()}).decode()


def _row(value: AttributeValue) -> dict[str, Any]:
    return {
        "v": value.value,
        "t": value.updated_at,
        "s": value.source,
        "p": int(value.party),
        "n": value.sequence,
        "i": value.identifier,
        **({"c": value.since} if value.since else {}),
    }


def from_stored(stored: str | None) -> Attributes:
    return {
        key: AttributeValue(
            row["v"], row["t"], row["s"], DataParty(row["p"]), row["n"], row.get("i"), row.get("c")
        )
        for key, row in orjson.loads(stored or "{}").items()
    }


Written = tuple[AttributeValue, int]
"""A value that an event wrote, and the number of the part that the event belongs to."""


Computed: TypeAlias = dict[str, list[Any]]
"""Values of computed attributes by key, each as [value, time of its last change]; where time has changed it since the
customer was judged, then also what it was: [[from, value], ...], in milliseconds."""

Past: TypeAlias = Mapping[str, Sequence[tuple[int, Any]]]
"""What computed attributes were, each from an instant on, by key."""


def computed_of(stored: str | None) -> Computed:
    found: Computed = orjson.loads(stored or "{}")
    return found


def past_of(computed: Computed) -> Past:
    """What computed attributes were since the customer was judged, in order of time."""
    return {key: [(at, value) for at, value in told[2]] for key, told in computed.items() if len(told) > 2}


def with_computed(held: Attributes, computed: Computed) -> Attributes:
    """What a customer has of both kinds; `source` says which were computed."""
    if not computed:
        return held
    found = {key: AttributeValue(value, at, "computed") for key, (value, at, *_) in computed.items()}
    return {**held, **{key: value for key, value in found.items() if value.value is not None}}


def as_of(held: Attributes, past: Past, at: int) -> Attributes:
    """What a customer had at an instant (milliseconds): computed attributes are what they were."""
    if not past:
        return held
    found = dict(held)
    for key, told in past.items():
        since, value = max((one for one in told if one[0] <= at), default=told[0], key=lambda one: one[0])
        moment = format_time(datetime.fromtimestamp(since / 1000, UTC))
        found[key] = AttributeValue(value, moment, "computed")
    return found


def forgotten(held: Attributes, keys: Collection[str], redactor: Redactor, until: int) -> Attributes:
    """The attributes without what values say of somebody else, who had these keys and was erased at the moment
    `until`. What was written later is about whoever uses the identifier now."""
    return {
        key: value if value.sequence > until else _forgotten(key, value, keys, redactor)
        for key, value in held.items()
    }


def _forgotten(key: str, value: AttributeValue, keys: Collection[str], redactor: Redactor) -> AttributeValue:
    left = redactor.redact({key: value.value})[key]
    if isinstance(left, list):
        entries: list[Any] = left
        left = [entry for entry in entries if entry is not None]  # a list of texts stays one
    by = None if value.identifier in keys else value.identifier
    return replace(value, value=left, identifier=by)


def share_out(
    held: Attributes, written: Iterable[tuple[str, Written]], parts: int, part_of: Callable[[str | None], int]
) -> list[Attributes]:
    """The attributes of each part of a customer who is shared out.

    `written`: by attribute, what the customer's events wrote. What none of them explains was written directly,
    and goes to the part that `part_of` gives for its identifier's key.
    """
    shares = [Attributes() for _ in range(parts)]
    explained = set[tuple[str, str, str]]()
    for key, (value, part) in written:
        put(shares[part], key, value)
        explained.add((key, value.updated_at, value.source))
    for key, value in held.items():
        if (key, value.updated_at, value.source) not in explained:
            put(shares[part_of(value.identifier)], key, value)
    return shares
