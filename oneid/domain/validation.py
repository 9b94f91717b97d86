"""Which messages are accepted: one item in, its canonical JSON out, or the reason against it.

Runs for every event before it is acknowledged, so it touches each item once: the JSON that goes to the log is
also what sizes, depth and forbidden characters are read from. Field names and limits are those of Segment's
HTTP tracking API.
"""

import zlib
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, cast
from uuid import uuid4

import orjson

from oneid.domain.fields import CHECKS, COMMON, check_each
from oneid.domain.messages import MESSAGE_TYPES, Item
from oneid.domain.normalisation import as_text
from oneid.errors import InvalidInput, NobodyNamed, Required, TooLarge

EVENT_BYTES: Final = 32 * 1024
BATCH_BYTES: Final = 500 * 1024
BATCH_ITEMS: Final = 2_500
MERGED_BYTES: Final = 4 * 1024 * 1024
"""What a batch may grow to when its context is copied into each item."""

DEPTH: Final = 32
MESSAGE_ID_CHARACTERS: Final = 100

_REQUIRED: Final = {"track": ("event",), "group": ("groupId",), "alias": ("previousId", "userId")}
_ESCAPED_NUL: Final = b"\\u0000"


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the request says for all its items: the type from the path, and batch-level objects, of which
    each item's own entries win."""

    type: str | None = None
    context: dict[str, Any] | None = None
    integrations: dict[str, Any] | None = None


class ValidItem(NamedTuple):
    """An accepted item and its JSON."""

    message_id: str
    item: Item
    data: bytes


NO_DEFAULTS: Final = Defaults()


def validate(given: object, defaults: Defaults = NO_DEFAULTS) -> ValidItem:
    """Checks one item, fills in `type` and `messageId` and merges the defaults in.

    Raises:
        InvalidInput: with the path to the field; `Required`, `NobodyNamed` and `TooLarge` where they say more.
    """
    if not isinstance(given, dict):
        raise InvalidInput("an event is a JSON object")
    item: Item = {**given}
    item.pop("writeKey", None)
    kind = item["type"] = _type(defaults.type or item.get("type"))
    message_id = item["messageId"] = _message_id(item.get("messageId"))
    check_each(item, CHECKS[kind])
    _check_required(item, kind)
    _merge(item, "context", defaults.context)
    _merge(item, "integrations", defaults.integrations)
    _check_named(item, kind)
    return ValidItem(message_id, item, _encode(item))


def check_defaults(context: object, integrations: object, sent_at: object) -> None:
    """Checks the batch-level objects and time as an item's. Raises InvalidInput."""
    given = {"context": context, "integrations": integrations, "sentAt": sent_at}
    check_each(given, COMMON)


def strongest_identifier(item: Item) -> str:
    """The text that decides an item's partition, so that messages of one person mostly share one."""
    context: dict[str, Any] = item.get("context") or {}
    traits: dict[str, Any] = item.get("traits") or context.get("traits") or {}
    external: list[dict[str, Any]] = context.get("externalIds") or [{}]
    device: dict[str, Any] = context.get("device") or {}
    candidates = (item.get("userId"), external[0].get("id"), traits.get("email"), traits.get("phone"))
    for value in (*candidates, item.get("anonymousId"), device.get("id"), device.get("advertisingId")):
        if value is not None:
            return as_text(value)
    return ""


def partition_of(item: Item, partitions: int) -> int:
    """The partition of the log that an item belongs to."""
    return zlib.crc32(strongest_identifier(item).encode()) % partitions


def _type(value: object) -> str:
    if value is None:
        raise Required("type is missing", field=("type",))
    if not isinstance(value, str) or value not in MESSAGE_TYPES:
        raise InvalidInput(f"type must be one of {', '.join(sorted(MESSAGE_TYPES))}", field=("type",))
    return value


def _message_id(value: object) -> str:
    if value is None:
        return str(uuid4())
    if not isinstance(value, str):
        raise InvalidInput("messageId must be a string", field=("messageId",))
    trimmed = value.strip()
    if len(trimmed) > MESSAGE_ID_CHARACTERS:
        message = f"messageId is longer than {MESSAGE_ID_CHARACTERS} characters"
        raise InvalidInput(message, field=("messageId",))
    return trimmed or str(uuid4())


def _check_required(item: Item, kind: str) -> None:
    for name in _REQUIRED.get(kind, ()):
        value = item.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            raise Required(f"{kind} needs {name}", field=(name,))


def _merge(item: Item, field: str, defaults: dict[str, Any] | None) -> None:
    """Fills in what the item does not say; null says nothing."""
    if defaults:
        own: Item = item.get(field) or {}
        merged = item[field] = {**defaults, **own}
        if None in own.values():
            merged |= {name: value for name, value in defaults.items() if own.get(name) is None}


def _check_named(item: Item, kind: str) -> None:
    """A value that is blocked later still names somebody: the message is stored, for nobody."""
    if item.get("userId") is not None or item.get("anonymousId") is not None:
        return
    context: dict[str, Any] = item.get("context") or {}
    names = (
        (kind != "group" and _holds(item.get("traits"), "email", "phone"))
        or _holds(context.get("traits"), "email", "phone")
        or _holds(context.get("device"), "id", "advertisingId")
        or any(_holds(entry, "id") for entry in context.get("externalIds") or () if _is_of_user(entry))
    )
    if not names:
        raise NobodyNamed("the event names nobody: no userId, anonymousId, external id, email or phone")


def _holds(container: Item | None, *fields: str) -> bool:
    return any((container or {}).get(field) is not None for field in fields)


def _is_of_user(external_id: Item) -> bool:
    return external_id.get("collection") != "accounts"


def _encode(item: Item) -> bytes:
    """The item's JSON, once it is known to be small, shallow and free of what a store could choke on."""
    try:
        data = orjson.dumps(item)
    except TypeError:
        # Lone surrogates, numbers beyond 64 bits, nesting beyond what the encoder follows.
        raise InvalidInput("the event holds text or numbers that no store can keep") from None
    if len(data) > EVENT_BYTES:
        raise TooLarge(f"the event has {len(data)} bytes, more than {EVENT_BYTES}")
    # Both walk the item only when its JSON shows that there may be something to find.
    if data.count(b"{") + data.count(b"[") > DEPTH and _is_deeper(item, DEPTH):
        raise InvalidInput(f"the event is nested deeper than {DEPTH} levels")
    if b"\\" in data and _ESCAPED_NUL in data and _holds_nul(item):
        raise InvalidInput("the event holds a NUL character")
    return data


def _is_deeper(item: Item, depth: int) -> bool:
    level: list[object] = [item]
    for _ in range(depth):
        level = [child for container in level for child in _children(container)]
        if not level:
            return False
    return True


def _children(container: object) -> list[object]:
    """The containers inside a container."""
    values = container.values() if isinstance(container, dict) else cast("list[object]", container)
    return [value for value in cast("list[object]", values) if isinstance(value, dict | list)]


def _holds_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        entries = cast("dict[str, object]", value).items()
        return any("\0" in key or _holds_nul(inner) for key, inner in entries)
    return isinstance(value, list) and any(_holds_nul(inner) for inner in cast("list[object]", value))
