"""What fields cost that ask a store by themselves, and how long lists are that nobody pages through."""

from typing import Any, Final

WEIGHT: Final = "weight"
SIZE: Final = "size"

QUERY: Final = 10
"""A query of a store for each object; what loaders read for all of them together costs 1."""

AGGREGATION: Final = 50
"""What looks at much of an index, or reads it several times."""

PREVIEW: Final = 100
"""What may count from all events."""


def charged(weight: int | None = None, size: int | None = None) -> dict[Any, Any]:
    """Metadata of a field. `weight`: what it costs itself, however long it is; `size`: how many entries its list is
    taken to have."""
    given = {WEIGHT: weight, SIZE: size}
    return {name: value for name, value in given.items() if value is not None}
