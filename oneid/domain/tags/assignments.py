"""Tags that customers were given: by whom, when, and until when."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import orjson


class AssignmentMethod(StrEnum):
    """Who gave a tag: a person, a file, or a journey."""

    MANUAL = "MANUAL"
    IMPORT = "IMPORT"
    JOURNEY = "JOURNEY"


@dataclass(frozen=True, slots=True, order=True)
class Assignment:
    """A tag, by its number, from an instant on and before another one, None: for ever (milliseconds since 1970).
    `source`: the name of who or what gave it."""

    number: int
    method: AssignmentMethod
    at: int
    until: int | None
    source: str


def from_stored(rows: Iterable[str] | None) -> tuple[Assignment, ...]:
    """Of a tag by one method there may be two after a merge: the first beginning and the last end count."""
    found: dict[tuple[int, AssignmentMethod], Assignment] = {}
    for row in rows or ():
        number, method, at, until, source = orjson.loads(row)
        one = Assignment(number, AssignmentMethod(method), at, until, source)
        key = (number, one.method)
        found[key] = joined(found[key], one) if key in found else one
    return tuple(sorted(found.values(), key=lambda one: (one.number, one.method)))


def joined(one: Assignment, other: Assignment) -> Assignment:
    first = min(one, other, key=lambda assignment: assignment.at)
    ends = (one.until, other.until)
    until = None if None in ends else max(end for end in ends if end is not None)
    return Assignment(one.number, one.method, first.at, until, first.source)


def to_stored(assignments: Iterable[Assignment]) -> list[str]:
    """A JSON text each, so that lists can be joined without being read."""
    return [
        orjson.dumps([one.number, one.method, one.at, one.until, one.source]).decode() for one in assignments
    ]


def assigned(held: Sequence[Assignment], new: Sequence[Assignment]) -> tuple[Assignment, ...]:
    """With new ones, each in place of the one of its tag and method; the beginning stays."""
    known = {(one.number, one.method): one for one in held}
    for one in new:
        old = known.get((one.number, one.method))
        kept = old.at if old and (old.until is None or old.until > one.at) else one.at
        known[one.number, one.method] = Assignment(one.number, one.method, kept, one.until, one.source)
    return tuple(known.values())


def unassigned(held: Sequence[Assignment], numbers: frozenset[int]) -> tuple[Assignment, ...]:
    """Without these tags, by whatever method they were given."""
    return tuple(one for one in held if one.number not in numbers)


def tag_intervals(assignments: Iterable[Assignment]) -> Mapping[int, tuple[tuple[int, int | None], ...]]:
    """When each tag is there, by its number."""
    found: dict[int, tuple[tuple[int, int | None], ...]] = {}
    for one in assignments:
        found[one.number] = (*found.get(one.number, ()), (one.at, one.until))
    return found
