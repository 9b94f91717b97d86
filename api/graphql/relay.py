"""Relay: global ids, page arguments, opaque cursors, connections."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Generic, Self, TypeVar
from zlib import crc32

import orjson
import strawberry

from api.graphql.fields import field
from oneid.errors import InvalidInput

T = TypeVar("T")

DEFAULT_PAGE: Final = 50
MAX_PAGE: Final = 100
SEQUENCES: Final = range(2**63)
"""What the stores take for a whole number."""

First = Annotated[
    int | None, strawberry.argument(description="How many from the start: 1 to 100, default 50.")
]
After = Annotated[str | None, strawberry.argument(description="Start after this cursor.")]
Last = Annotated[int | None, strawberry.argument(description="How many from the end: 1 to 100.")]
Before = Annotated[str | None, strawberry.argument(description="End before this cursor.")]


@strawberry.interface(description="An object with a global id.")
class Node:
    id: strawberry.ID = strawberry.field(description="The global id: opaque, stable, good for `node(id:)`.")


@strawberry.type(description="Where a page stands within the whole list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether more follow after this page.")
    has_previous_page: bool = strawberry.field(description="Whether some come before this page.")
    start_cursor: str | None = strawberry.field(description="The first edge's cursor; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="The last edge's cursor; null on an empty page.")


@strawberry.type(name="Edge", description="One entry of a page.")
class Edge(Generic[T]):
    cursor: str = strawberry.field(description="Good for `after` and `before`.")
    node: T = strawberry.field(description="The object.")


@strawberry.type(name="Connection", description="One page of a list.")
class Connection(Generic[T]):
    edges: list[Edge[T]] = strawberry.field(description="The entries with their cursors.")
    page_info: PageInfo = strawberry.field(description="Where this page stands.")
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @field("The entries without their cursors.")
    def nodes(self) -> list[T]:
        return [edge.node for edge in self.edges]

    @field("How many there are on all pages.")
    async def total_count(self) -> int:
        return await self.count()

    @classmethod
    def of(
        cls,
        items: Sequence[tuple[str, T]],
        *,
        has_next: bool,
        has_previous: bool,
        count: Callable[[], Awaitable[int]],
    ) -> Self:
        """A page of (cursor, object)."""
        info = PageInfo(
            has_next_page=has_next,
            has_previous_page=has_previous,
            start_cursor=items[0][0] if items else None,
            end_cursor=items[-1][0] if items else None,
        )
        edges = [Edge(cursor=cursor, node=node) for cursor, node in items]
        return cls(edges=edges, page_info=info, count=count)


@dataclass(frozen=True, slots=True)
class Page:
    """Checked page arguments: `size` entries forwards from `after`, or backwards from `before`."""

    size: int
    backwards: bool = False
    after: str | None = None
    before: str | None = None

    @property
    def arguments(self) -> dict[str, Any]:
        """As services take them: first with after, or last with before."""
        if self.backwards:
            return {"last": self.size, "after": self.after, "before": self.before}
        return {"first": self.size, "after": self.after, "before": self.before}


def page(
    first: int | None, after: str | None = None, last: int | None = None, before: str | None = None
) -> Page:
    """Page arguments, 50 entries by default. Raises InvalidInput."""
    if first is not None and last is not None:
        raise InvalidInput("give first or last, not both", field=("last",))
    backwards = last is not None
    size = next((n for n in (first, last) if n is not None), DEFAULT_PAGE)
    if not 1 <= size <= MAX_PAGE:
        name = "last" if backwards else "first"
        raise InvalidInput(f"{name} must be between 1 and {MAX_PAGE}", field=(name,))
    return Page(size, backwards, after, before)


def encode_id(kind: str, key: str) -> strawberry.ID:
    """The global id of the object of this type and key."""
    return strawberry.ID(_encode(f"{kind}:{key}".encode()))


def decode_id(text: str) -> tuple[str, str] | None:
    """Type and key of a global id; None for anything else."""
    raw = _decode(text)
    try:
        kind, separator, key = (raw or b"").decode().partition(":")
    except UnicodeDecodeError:
        return None
    return (kind, key) if separator and key else None


def encode_cursor(kind: str, *values: Any) -> str:
    """A cursor of this kind of list, with a check sum, so that a foreign or damaged one is refused."""
    body = orjson.dumps([kind, *values])
    return _encode(crc32(body).to_bytes(4, "big") + body)


def decode_cursor(kind: str, text: str | None, *shape: type, argument: str = "after") -> list[Any] | None:
    """The values of `encode_cursor`, None for None. `shape`: their types; whole numbers are from 0 to 2**63 - 1.
    Raises InvalidInput on whatever else, made on purpose or by mistake."""
    if text is None:
        return None
    raw = _decode(text) or b""
    body = raw[4:]
    values: list[Any] | None = _json(body) if crc32(body).to_bytes(4, "big") == raw[:4] else None
    if values is not None and _fits(values, [kind, *shape]):
        return values[1:]
    raise InvalidInput("not a cursor of this list", field=(argument,))


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _fits(values: Any, shape: list[Any]) -> bool:
    """Whether these are values of a cursor of this kind, the first of `shape`, and of these types, the others."""
    match values:
        case [given, *rest] if given == shape[0] and [type(value) for value in rest] == shape[1:]:
            return all(value in SEQUENCES for value in rest if type(value) is int)
        case _:
            return False


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes | None:
    try:
        return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None
