"""Keyset pages: a cursor holds the sort values of its row, so inserts never shift a page."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson

from oneid.errors import InvalidInput

T = TypeVar("T")
SortKey = tuple[int, str]
INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class Edge(Generic[T]):
    """A row and the cursor that continues after (or before) it."""

    cursor: str
    node: T


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows in order, whether there are more on either side, and how many there are in all."""

    edges: tuple[Edge[T], ...]
    has_next: bool
    has_previous: bool
    total: int

    @property
    def nodes(self) -> list[T]:
        return [edge.node for edge in self.edges]


def encode(kind: str, key: SortKey) -> str:
    """An opaque cursor of this kind of list."""
    return base64.urlsafe_b64encode(orjson.dumps([kind, *key])).decode().rstrip("=")


def decode(kind: str, cursor: str | None, argument: str) -> SortKey | None:
    """The sort values of a cursor; None for none. Raises InvalidInput on one that this list has not given."""
    if cursor is None:
        return None
    try:
        values: Any = orjson.loads(
            base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        )
    except (binascii.Error, ValueError):
        values = None
    match values:
        case [str(given), int(number), str(text)] if (
            given == kind and type(number) is int and number in INT64
        ):
            return number, text
        case _:
            raise InvalidInput("not a cursor of this list", field=(argument,))
