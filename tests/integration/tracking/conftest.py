"""The tracking API on real servers, and a view into the event log behind it."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import orjson
import pytest
from redis.asyncio import Redis

from api.app import create_app
from graph.client import Graph
from graph.keys import ApiKeys
from oneid import bootstrap
from oneid.clock import SystemClock
from oneid.domain.keys import KeyKind
from oneid.domain.messages import Envelope
from oneid.log.events import stream_key
from oneid.services.keys import KeyService
from oneid.settings import Settings
from tests.serving import serving

WRITE_KEY = "WK"


class Log:
    """What is in the event log, as a consumer would read it."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def envelopes(self) -> list[Envelope]:
        rows = await self._redis.xrange(stream_key(0))
        return [orjson.loads(fields[b"b"]) for _, fields in rows]

    async def items(self) -> list[dict[str, Any]]:
        return [item for envelope in await self.envelopes() for item in envelope["items"]]

    async def clear(self) -> None:
        await self._redis.delete(stream_key(0))


@pytest.fixture(scope="session")
async def url(settings: Settings) -> AsyncGenerator[str]:
    """Where the whole application is served."""
    async with serving(create_app(lambda: bootstrap.services(settings))) as address:
        yield address


@pytest.fixture
def keys(graph: Graph) -> KeyService:
    """A key service as another process would have it."""
    return KeyService(ApiKeys(graph), SystemClock(), "sandbox")


@pytest.fixture
async def log(redis: Redis) -> Log:
    """The event log, empty at first."""
    opened = Log(redis)
    await opened.clear()
    return opened


@pytest.fixture
async def anonymous(url: str, keys: KeyService, log: Log) -> AsyncGenerator[httpx.AsyncClient]:
    """A client that shows no key; WRITE_KEY is a valid one."""
    await keys.ensure(WRITE_KEY, "web", KeyKind.WRITE)
    async with httpx.AsyncClient(base_url=url) as opened:
        yield opened


@pytest.fixture
def client(anonymous: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client with a valid write key as Basic user name."""
    anonymous.auth = httpx.BasicAuth(WRITE_KEY, "")
    return anonymous
