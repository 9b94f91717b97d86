"""API keys: `<sk|wk|pk>_<live|sandbox>_<id>_<secret>`, stored as a sha256 and shown once.

The secret has 256 random bits, so a plain sha256 is enough: there is nothing to guess that a slow hash would
protect, and a slow hash would cost every request.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Mode = Literal["live", "sandbox"]

SCOPES: frozenset[str] = frozenset(
    {
        "ingest:write",
        "customers:read",
        "customers:write",
        "pii:read",
        "segments:read",
        "segments:write",
        "journeys:read",
        "journeys:write",
        "analytics:read",
        "admin",
    }
)
WRITE_SCOPES: frozenset[str] = frozenset({"ingest:write"})


class KeyKind(StrEnum):
    """What a key opens: the admin API, the tracking API, the storefront API."""

    SECRET = "secret"
    WRITE = "write"
    PUBLISHABLE = "publishable"


PREFIXES: dict[KeyKind, str] = {KeyKind.SECRET: "sk", KeyKind.WRITE: "wk", KeyKind.PUBLISHABLE: "pk"}
_FORM = re.compile(r"(?:sk|wk|pk)_(live|sandbox)_([0-9a-f]{16})_[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is calling: the key's id and name, and what it may do."""

    id: str
    name: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A stored key. Times are RFC 3339 UTC; `hash` is the sha256 of the whole text, in hex."""

    id: str
    kind: KeyKind
    name: str
    hash: str
    scopes: frozenset[str]
    created_at: str
    expires_at: str | None = None
    revoked_at: str | None = None
    last_used_at: str | None = None


def generate(kind: KeyKind, mode: Mode) -> str:
    """A new key as text. It exists nowhere else."""
    return f"{PREFIXES[kind]}_{mode}_{secrets.token_hex(8)}_{secrets.token_hex(32)}"


def key_id(text: str) -> str:
    """The public part that finds the stored key. Text that is no generated key, which a sandbox may use
    as a fixed key, is found by a part of its hash."""
    form = _FORM.fullmatch(text)
    return form.group(2) if form else f"fixed-{hash_key(text)[:16]}"


def is_generated(text: str, mode: Mode) -> bool:
    """Whether the text has the form of `generate` for this mode."""
    form = _FORM.fullmatch(text)
    return form is not None and form.group(1) == mode


def hash_key(text: str) -> str:
    """sha256 in hex. Lone surrogates, which no stored key holds, do not raise."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def matches(text_hash: str, stored_hash: str) -> bool:
    """Compares two hashes in a time that does not depend on where they differ."""
    return hmac.compare_digest(text_hash, stored_hash)
