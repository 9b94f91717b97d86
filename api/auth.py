"""Credentials of a request: where clients put their key, and who it is."""

import base64
from collections.abc import Iterator, Mapping

from oneid.domain.keys import Actor
from oneid.errors import Unauthenticated
from oneid.services.keys import KeyService


def header_keys(headers: Mapping[bytes, bytes]) -> Iterator[str]:
    """Keys in the headers: the user of Basic, the token of Bearer, X-Write-Key."""
    scheme, _, value = headers.get(b"authorization", b"").decode("latin-1").strip().partition(" ")
    if scheme.lower() == "basic":
        yield from _basic(value.strip())
    elif scheme.lower() == "bearer":
        yield from key_forms(value.strip())
    yield from key_forms(headers.get(b"x-write-key", b"").decode("latin-1").strip())


def key_forms(text: str) -> Iterator[str]:
    """The text itself; written as `keyId:secret`, as some clients demand, also the key that this stands for:
    the whole key cut at its last `_`, or any id before the whole key."""
    if not text:
        return
    yield text
    key_id, colon, secret = text.partition(":")
    if colon and secret:
        yield f"{key_id}_{secret}"
        yield secret


def _basic(value: str) -> Iterator[str]:
    """The user name, with or without the colon that should follow it."""
    try:
        text = base64.b64decode(value + "=" * (-len(value) % 4)).decode()
    except ValueError:  # no base64, no ASCII, no UTF-8
        return
    user, _, password = text.partition(":")
    if user:
        yield user
    if password:
        yield f"{user}_{password}"


async def write_actor(keys: KeyService, texts: Iterator[str]) -> Actor:
    """The actor of the first text that is a valid write key.

    Raises:
        Unauthenticated: none is. Throttled, Retriable: it could not be checked.
    """
    for text in texts:
        try:
            return await keys.authenticate_write(text)
        except Unauthenticated:
            continue
    raise Unauthenticated(
        "no valid write key: use it as Basic user name, X-Write-Key or writeKey in the body"
    )
