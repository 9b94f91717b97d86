"""Request bodies: read with a limit while they arrive, and unpacked with a limit on what comes out."""

import asyncio
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.answers import Answer
from oneid.errors import InvalidInput, TooLarge

READ_SECONDS: Final = 30.0
SLOW: Final = "the body took too long to arrive"
RATIO: Final = 100
RATIO_FREE_BYTES: Final = 64 * 1024
"""Small bodies may be as repetitive as they like: they cost nothing."""

GZIP_MAGIC: Final = b"\x1f\x8b"
MEMBERS: Final = 100
"""Gzip files may be put one behind the other; each costs a copy of the rest."""


Refusal = Callable[[int, str], Answer]


class ClientGone(Exception):
    """The client closed the connection before its request was complete: there is nobody to answer."""


class SlowBody(Exception):
    """The body did not arrive within READ_SECONDS."""


async def read_body(receive: Receive, declared: bytes | None, limit: int) -> bytes:
    """The whole body. What is over the limit is read and dropped, up to twice the limit, so that a client
    that is still writing gets to see the answer instead of a reset connection.

    Raises:
        TooLarge: more than `limit` bytes were declared in Content-Length, or came.
        ClientGone, SlowBody: it never came as a whole.
    """
    if declared is not None and declared.isdigit() and int(declared) > limit:
        await _drain(receive, 2 * limit)
        raise TooLarge(f"the body is larger than {limit} bytes")
    try:
        async with asyncio.timeout(READ_SECONDS):
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body", False):
                return _within(message.get("body", b""), limit)
            return await _read_chunks(message, receive, limit)
    except TimeoutError:
        raise SlowBody from None


async def _read_chunks(message: Message, receive: Receive, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            await _drain(receive, limit)
            raise TooLarge(f"the body is larger than {limit} bytes")
        if not message.get("more_body", False):
            return b"".join(chunks)
        message = await receive()


async def _drain(receive: Receive, limit: int) -> None:
    """Reads on until the body ends, the client goes, or `limit` more bytes came."""
    try:
        async with asyncio.timeout(READ_SECONDS):
            while limit > 0:
                message = await receive()
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return
                limit -= len(message.get("body", b""))
    except TimeoutError:
        return


def inflate(data: bytes, limit: int) -> bytes:
    """Unpacks gzip, in one member or a few, zlib or bare deflate data, never more than `limit` bytes of it.

    Raises:
        TooLarge: more comes out than `limit`, or suspiciously much for what went in.
        InvalidInput: it is damaged, cut off, or followed by something else.
    """
    unpacked, rest = b"", data
    for _ in range(MEMBERS):
        piece, rest = _unpack(rest, limit + 1 - len(unpacked))
        unpacked = _within(unpacked + piece, limit)
        if len(unpacked) > max(RATIO_FREE_BYTES, RATIO * len(data)):
            raise TooLarge(f"the body unpacks to more than {RATIO} times its size")
        if not rest.startswith(GZIP_MAGIC):
            break
    if rest:
        raise InvalidInput("the body is not valid gzip")
    return unpacked


def _unpack(data: bytes, limit: int) -> tuple[bytes, bytes]:
    """The first stream of the data, up to `limit` bytes of it, and what follows. Raises InvalidInput."""
    for wbits in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):
        unpacker = zlib.decompressobj(wbits=wbits)
        with suppress(zlib.error):
            piece = unpacker.decompress(data, limit)
            if unpacker.eof or len(piece) == limit:
                return piece, unpacker.unused_data
    raise InvalidInput("the body is not valid gzip")


def _within(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise TooLarge(f"the body is larger than {limit} bytes")
    return body


class BodyGuard:
    """An ASGI wrapper that hands only bodies within `limit` on, whole. Packed bodies are refused with 415.
    `refusal`: the answer of a status and a sentence."""

    def __init__(self, app: ASGIApp, limit: int, refusal: Refusal) -> None:
        self._app = app
        self._limit = limit
        self._refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        try:
            if headers.get(b"content-encoding", b"identity").lower() != b"identity":
                await _drain(receive, 2 * self._limit)
                await self._refusal(415, "the body may not be compressed").send(send)
                return
            body = await read_body(receive, headers.get(b"content-length"), self._limit)
        except TooLarge as error:
            await self._refusal(413, error.message).send(send)
        except SlowBody:
            await self._refusal(408, SLOW).send(send)
        except ClientGone:
            return
        else:
            await self._app(scope, _replay(body, receive), send)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body once and then what really happens, such as a disconnect."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return pending.pop() if pending else await receive()

    return replay
