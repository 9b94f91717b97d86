"""The admin schema on real servers, with a consumer behind it."""

import asyncio
import itertools
from collections.abc import AsyncGenerator
from uuid import uuid4

import httpx
import pytest

from api.app import create_app
from graph.client import Graph
from graph.keys import ApiKeys
from oneid import bootstrap
from oneid.bootstrap import Stores, upkeep
from oneid.clock import SystemClock
from oneid.domain.keys import KeyKind
from oneid.services.keys import KeyService
from oneid.settings import Settings
from tests.graphql_api import Api, CallAs, Fresh
from tests.serving import serving
from workers.consumer import consume
from workers.loops import Loop, Loops

ADMIN_KEY = "sk_test_admin"


@pytest.fixture(scope="session")
async def url(settings: Settings) -> AsyncGenerator[str]:
    """Where the whole application is served."""
    async with serving(create_app(lambda: bootstrap.services(settings))) as address:
        yield address


@pytest.fixture(scope="module")
async def consumer(settings: Settings) -> AsyncGenerator[None]:
    """Resolves what is ingested."""
    stop = asyncio.Event()
    running = asyncio.create_task(consume(settings, stop))
    yield
    stop.set()
    await running


@pytest.fixture(scope="module")
async def worker(stores: Stores) -> AsyncGenerator[None]:
    """Carries operations out."""
    running = Loops([Loop("operations", upkeep(stores).operations.run_once, idle=0.1)])
    running.start()
    yield
    await running.close()


@pytest.fixture
def keys(graph: Graph) -> KeyService:
    """A key service as another process would have it."""
    return KeyService(ApiKeys(graph), SystemClock(), "sandbox")


@pytest.fixture
async def client(url: str) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url, timeout=30) as opened:
        yield opened


@pytest.fixture
def call_as(client: httpx.AsyncClient, keys: KeyService) -> CallAs:
    """Makes a caller whose key has these scopes."""

    async def make(*scopes: str) -> Api:
        return Api(client, await keys.create("test", KeyKind.SECRET, scopes))

    return make


@pytest.fixture
async def api(client: httpx.AsyncClient, keys: KeyService) -> Api:
    """A caller who may do everything."""
    await keys.ensure(ADMIN_KEY, "admin", KeyKind.SECRET, ["admin"])
    return Api(client, ADMIN_KEY)


_numbers = itertools.count(1)


@pytest.fixture
def fresh() -> Fresh:
    """Makes values that nobody has used."""
    run = uuid4().hex[:8]
    return lambda name: f"{name}-{run}-{next(_numbers)}"


@pytest.fixture
def phone() -> str:
    """A Chinese mobile number that nobody has used."""
    return f"139{uuid4().int % 10**8:08d}"


@pytest.fixture
def name(fresh: Fresh) -> str:
    """An event's name and an attribute that nobody else uses."""
    return fresh("n").replace("-", "_")
