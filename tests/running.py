"""A whole oneid in the test's own process: API, consumer and worker on the servers of the session."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx

from api.app import create_app
from oneid import bootstrap
from oneid.domain.keys import KeyKind
from oneid.settings import Settings
from tests.graphql_api import Api
from tests.serving import serving
from workers.consumer import consume
from workers.loops import Loops
from workers.settings import loops


@asynccontextmanager
async def running(settings: Settings) -> AsyncGenerator[str]:
    """Its URL."""
    stop = asyncio.Event()
    async with (
        bootstrap.open_stores(settings) as stores,
        serving(create_app(lambda: bootstrap.services(settings))) as url,
    ):
        work = Loops(loops(bootstrap.upkeep(stores), stores, settings))
        consumer = asyncio.create_task(consume(settings, stop))
        work.start()
        yield url
        stop.set()
        await consumer
        await work.close()


@asynccontextmanager
async def calling(url: str, settings: Settings) -> AsyncGenerator[Api]:
    """A caller who may do everything, once all is ready."""
    async with bootstrap.open_keys(settings) as keys:
        key = await keys.create("admin", KeyKind.SECRET, ["admin"])
    # A connection that the server is about to close for idleness must not be used again.
    limits = httpx.Limits(max_connections=100, keepalive_expiry=2)
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=limits) as client:
        while (await client.get("/readyz")).status_code != 200:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.2)
        yield Api(client, key)
