"""A request as the tracking API understands it, whatever its client says about content types."""

from typing import Any, cast

import orjson
from starlette.types import Receive, Scope

from api.guard import inflate, read_body
from oneid.domain.validation import BATCH_BYTES
from oneid.errors import InvalidInput

_GZIP_MAGIC = b"\x1f\x8b"
_DIRECT = b'"direct"'
_PACKED = (b"gzip", b"deflate")


async def read_json(scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> dict[str, Any]:
    """The JSON object of the body, unpacked if need be. The content type is ignored: clients send JSON as
    text/plain, as a form, and without any. Where a context says `direct: true` the caller's address is its ip.

    Raises:
        TooLarge: the body, packed or unpacked, is over the limit. InvalidInput: it is no JSON object.
    """
    body = await read_body(receive, headers.get(b"content-length"), BATCH_BYTES)
    encoding = headers.get(b"content-encoding", b"identity").lower()
    if encoding in _PACKED or body.startswith(_GZIP_MAGIC):
        body = inflate(body, BATCH_BYTES)
    elif encoding != b"identity":
        raise InvalidInput("the body's encoding is unknown: use gzip or none")
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise InvalidInput("the body is not valid JSON") from None
    if not isinstance(content, dict):
        raise InvalidInput("the body is not a JSON object")
    if _DIRECT in body:
        _place_ip(content, scope)
    return cast("dict[str, Any]", content)


def _place_ip(content: dict[str, Any], scope: Scope) -> None:
    batch = content.get("batch")
    items: list[object] = [content, *(batch if isinstance(batch, list) else ())]
    client = scope.get("client")
    for item in items:
        context = cast("dict[str, Any]", item).get("context") if isinstance(item, dict) else None
        if client and isinstance(context, dict) and context.get("direct") is True:
            cast("dict[str, Any]", context).setdefault("ip", client[0])
