"""Bodies: limits while they arrive and while they are unpacked."""

import asyncio
import gzip
import zlib
from collections.abc import Callable, Iterator

import pytest
from starlette.types import Message, Receive, Scope, Send

from api.answers import Answer
from api.guard import BodyGuard, ClientGone, SlowBody, inflate, read_body
from oneid.errors import InvalidInput, TooLarge


class Chunks:
    """What a server would deliver; counts what was read."""

    def __init__(self, *chunks: bytes, ends: bool = True) -> None:
        self._messages: Iterator[Message] = iter(
            [
                *({"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks[:-1]),
                {"type": "http.request", "body": chunks[-1], "more_body": not ends},
                {"type": "http.disconnect"},
            ]
        )
        self.read = 0

    async def __call__(self) -> Message:
        self.read += 1
        return next(self._messages)


async def test_a_body_is_put_together_from_its_chunks() -> None:
    assert await read_body(Chunks(b"ab", b"", b"cd"), None, 4) == b"abcd"


async def test_a_body_at_the_limit_passes_and_one_byte_more_does_not() -> None:
    assert await read_body(Chunks(b"abcd"), b"4", 4) == b"abcd"
    with pytest.raises(TooLarge):
        await read_body(Chunks(b"abcde"), None, 4)
    with pytest.raises(TooLarge):
        await read_body(Chunks(b"abc", b"de"), None, 4)


async def test_a_declared_length_over_the_limit_is_refused_after_draining() -> None:
    chunks = Chunks(b"abc", b"de")
    with pytest.raises(TooLarge):
        await read_body(chunks, b"5", 4)
    assert chunks.read == 2


async def test_draining_stops_at_twice_the_limit() -> None:
    chunks = Chunks(*[b"abcd"] * 100)
    with pytest.raises(TooLarge):
        await read_body(chunks, None, 4)
    assert chunks.read == 3


@pytest.mark.parametrize("declared", [b"", b"x", b"-1", b"99999999999999999999x"])
async def test_a_length_that_is_no_number_is_ignored(declared: bytes) -> None:
    assert await read_body(Chunks(b"abcd"), declared, 4) == b"abcd"


async def test_a_client_that_leaves_half_way_is_told_apart() -> None:
    with pytest.raises(ClientGone):
        await read_body(Chunks(b"ab", b"cd", ends=False), None, 10)


def bare(data: bytes) -> bytes:
    """Deflate without zlib's head and sum, as some clients understand `Content-Encoding: deflate`."""
    return zlib.compress(data, wbits=-zlib.MAX_WBITS)


def two_members(data: bytes) -> bytes:
    return gzip.compress(data[:7]) + gzip.compress(data[7:])


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, bare, two_members])
def test_gzip_zlib_and_bare_deflate_are_unpacked(pack: Callable[[bytes], bytes]) -> None:
    assert inflate(pack(b"x" * 1000), 1000) == b"x" * 1000


def test_members_share_one_limit_and_are_not_without_number() -> None:
    with pytest.raises(TooLarge):
        inflate(gzip.compress(b"x" * 600) + gzip.compress(b"x" * 401), 1000)
    assert inflate(gzip.compress(b"x") * 100, 1000) == b"x" * 100
    with pytest.raises(InvalidInput):
        inflate(gzip.compress(b"x") * 101, 1000)


def test_what_unpacks_beyond_the_limit_is_refused() -> None:
    with pytest.raises(TooLarge):
        inflate(gzip.compress(b"x" * 1001), 1000)


def test_what_unpacks_to_a_hundred_times_its_size_is_refused_when_it_is_large() -> None:
    assert len(inflate(gzip.compress(b"x" * 65_536), 512_000)) == 65_536
    with pytest.raises(TooLarge):
        inflate(gzip.compress(b"x" * 65_537), 512_000)


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b"\x1f\x8b",
        gzip.compress(b"x" * 100)[:-1],
        gzip.compress(b"x") + b"y",
        gzip.compress(b"x") * 2 + b"y",
        gzip.compress(b"x") + gzip.compress(b"y")[:-1],
        b"",
    ],
    ids=["not packed", "only a head", "cut off", "a tail", "a tail behind two", "second cut off", "empty"],
)
def test_damaged_gzip_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        inflate(data, 1000)


async def test_the_guard_refuses_packed_bodies_and_hands_whole_ones_on() -> None:
    assert await guarded(Chunks(b"abc", b"d")) == (200, b"abcd")
    status, _ = await guarded(Chunks(b"abc", b"de"))
    assert status == 413
    status, _ = await guarded(Chunks(b"abcd"), (b"content-encoding", b"gzip"))
    assert status == 415


async def guarded(receive: Chunks, *headers: tuple[bytes, bytes]) -> tuple[int, bytes]:
    """Status and body when the guarded application answers with what it was given."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    def refusal(status: int, message: str) -> Answer:
        return Answer.json(status, message)

    await BodyGuard(echo, 4, refusal)({"type": "http", "headers": list(headers)}, receive, send)
    return sent[0]["status"], sent[1]["body"]


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message["body"]})


@pytest.mark.parametrize("after", [0, 1])
async def test_a_body_that_never_comes_or_never_ends_is_given_up(
    monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    monkeypatch.setattr("api.guard.READ_SECONDS", 0.05)
    with pytest.raises(SlowBody):
        await read_body(Stalled(after=after), None, 10)
    with pytest.raises(TooLarge):
        await read_body(Stalled(after=after), b"11", 10)


class Stalled:
    """Delivers `after` bytes, one by one, and then nothing."""

    def __init__(self, after: int) -> None:
        self._left = after

    async def __call__(self) -> Message:
        if not self._left:
            await asyncio.Event().wait()
        self._left -= 1
        return {"type": "http.request", "body": b"a", "more_body": True}
