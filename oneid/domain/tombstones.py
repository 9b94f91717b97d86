"""Tombstones: which identifiers were erased, when, and whether they may come back. They hold keyed hashes only."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from oneid.domain.extraction import present, raw_identifiers
from oneid.domain.messages import Message, format_time
from oneid.domain.normalisation import Dropped, plain
from oneid.domain.rules import IdentityRules


@dataclass(frozen=True, slots=True)
class Tombstone:
    """An identifier that was erased at this time (RFC 3339). `suppressed`: it may not come back."""

    erased_at: str
    suppressed: bool


class Tombstones:
    """All tombstones at one version. `secret`: the key of the hashes; empty where nobody was ever erased."""

    def __init__(self) -> None:
        self.version = 0
        self.secret = b""
        self.by_hash: dict[str, Tombstone] = {}

    def hash(self, key: str) -> str:
        """What stands for an identifier key or a ONE-ID."""
        return keyed_hash(self.secret, key)

    def suppresses(self, key: str) -> bool:
        """Whether this identifier may not come back."""
        found = self.by_hash.get(self.hash(key)) if self.by_hash else None
        return found is not None and found.suppressed

    def bar(self, keys: Iterable[str], received_at: str) -> bool:
        """Whether a message of that time (RFC 3339) that names these keys must be dropped: one of them is
        suppressed, or was erased after the message came."""
        if not self.by_hash:
            return False
        found = (self.by_hash.get(self.hash(key)) for key in keys)
        return any(stone and (stone.suppressed or received_at <= stone.erased_at) for stone in found)

    def bar_message(self, message: Message, rules: IdentityRules, region: str) -> bool:
        """`bar` for all that a message names, blocked values and types that join nobody included."""
        if not self.by_hash:
            return False
        keys = keys_named(message, rules, region)
        return self.bar(keys, format_time(message.received_at))


def keyed_hash(secret: bytes, key: str) -> str:
    return blake2b(key.encode(errors="surrogatepass"), key=secret, digest_size=16).hexdigest()


def keys_named(message: Message, rules: IdentityRules, region: str) -> set[str]:
    """The keys of everything in a message that is or once was an identifier."""
    keys = {plain_key(kind, raw, rules, region) for kind, raw in every_identifier(message)}
    return {key for key in keys if key is not None}


def every_identifier(message: Message) -> Iterator[tuple[str, Any]]:
    """(type, raw value) pairs: what resolution reads, and what an alias names besides."""
    yield from raw_identifiers(message)
    if message.type == "alias":
        payload = message.payload
        previous = payload.get("previousId")
        yield from present(("anonymous_id", payload.get("anonymousId")))
        yield from present(("anonymous_id", previous), ("user_id", previous))


def plain_key(kind: str, raw: Any, rules: IdentityRules, region: str) -> str | None:
    """The key of a raw value, blocked or not, of a declared type or not; None for what is no value."""
    try:
        return plain(kind, raw, rules, region).key
    except Dropped:
        return None
