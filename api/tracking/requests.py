"""A request as the tracking API understands it, whatever its client says about content types."""

import codecs
import json
from typing import Any, Final, cast

import orjson
from starlette.types import Receive, Scope

from api.guard import GZIP_MAGIC, inflate, read_body
from oneid.domain.validation import BATCH_BYTES
from oneid.errors import InvalidInput

_DIRECT: Final = b'"direct"'
_PACKED: Final = (b"gzip", b"x-gzip", b"deflate")
_PLAIN: Final = (b"", b"identity", b"utf-8")
_DIGITS: Final = bytes(48 if 48 <= byte <= 57 else 32 for byte in range(256))
_LONG_NUMBER: Final = b"0" * 20
"""What a number beyond 64 bits looks like when each digit is written as 0."""

_BEYOND: Final = 10**30
"""Stands for longer numbers: Python takes long over thousands of digits, and all of them are refused."""


async def read_json(scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> Any:
    """The JSON of the body, unpacked if need be. The content type is ignored: clients send JSON as
    text/plain, as a form, and without any. Where a context says `direct: true` the caller's address is its ip.

    Raises:
        TooLarge: the body, packed or unpacked, is over the limit. InvalidInput: it is no JSON.
    """
    body = await read_body(receive, headers.get(b"content-length"), BATCH_BYTES)
    encoding = headers.get(b"content-encoding", b"").strip().lower()
    if encoding in _PACKED or body.startswith(GZIP_MAGIC):
        body = inflate(body, BATCH_BYTES)
    elif encoding not in _PLAIN:
        raise InvalidInput("the body's encoding is unknown: use gzip or none")
    content = _parse(body.removeprefix(codecs.BOM_UTF8))
    if isinstance(content, dict) and _DIRECT in body:
        _place_ip(cast("dict[str, Any]", content), scope)
    return content


def _parse(body: bytes) -> Any:
    """The JSON of a body. Whole numbers beyond 64 bits stay whole, for each event to be refused for its own:
    orjson would round them to fractions without a word."""
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise InvalidInput("the body is not valid JSON") from None
    if _LONG_NUMBER not in body.translate(_DIGITS):
        return content
    try:
        return json.loads(body, parse_int=_whole)
    except RecursionError:
        raise InvalidInput("the body is nested too deep") from None


def _whole(digits: str) -> int:
    return int(digits) if len(digits) < 30 else _BEYOND


def _place_ip(content: dict[str, Any], scope: Scope) -> None:
    batch = content.get("batch")
    items: list[object] = [content, *(batch if isinstance(batch, list) else ())]
    client = scope.get("client")
    for item in items:
        context = cast("dict[str, Any]", item).get("context") if isinstance(item, dict) else None
        if client and isinstance(context, dict) and _wants_ip(cast("dict[str, Any]", context)):
            context["ip"] = client[0]


def _wants_ip(context: dict[str, Any]) -> bool:
    return context.get("direct") is True and context.get("ip") is None
