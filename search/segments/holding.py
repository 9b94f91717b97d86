"""Intervals of timed conditions in a profile document.

All conditions share one `long_range` field: the number of a condition is above, the instant in milliseconds below.
So a condition needs no field of its own, a customer no nested documents, and "holds at this instant" is one term.
"""

from typing import Any, Final

from oneid.domain.segments.conditions import Held

TIME_BITS: Final = 43
"""Enough until the year 2248; 20 bits are left for the number."""

MAX_NUMBER: Final = 2**20 - 1
END: Final = 2**TIME_BITS - 1


def point(number: int, at: int) -> int:
    """A condition at an instant."""
    return number << TIME_BITS | min(max(at, 0), END - 1)


def ranges(held: Held) -> list[dict[str, int]]:
    """The intervals as the field takes them."""
    return [
        {
            "gte": point(number, start),
            "lt": point(number, end) if end is not None else number << TIME_BITS | END,
        }
        for number, kept in sorted(held.items())
        for start, end in kept
        if end is None or end > 0
    ]


def holds(number: int, at: int) -> dict[str, Any]:
    """The query for who has a condition's intervals at an instant."""
    return {"term": {"holds": point(number, at)}}
