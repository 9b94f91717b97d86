"""The composition root: settings in, connected stores and services out. Nothing else constructs them."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis

from graph import client as graph_client
from graph.client import Graph
from graph.keys import ApiKeys
from graph.projection import Projections
from oneid.clock import SystemClock
from oneid.errors import InvalidInput
from oneid.log import client as log_client
from oneid.log.events import EventLog
from oneid.services.keys import KeyService
from oneid.services.projection import ProjectionService
from oneid.services.reconciliation import ReconciliationService
from oneid.services.rehoming import RehomingService
from oneid.settings import Settings
from search import client as search_client
from search.client import Search
from search.events import EventIndex
from search.indexes import IndexNames
from search.profiles import ProfileIndex


@dataclass(frozen=True, slots=True)
class Stores:
    """The three stores, connected, and what reads and writes them."""

    graph: Graph
    redis: Redis
    search: Search
    log: EventLog
    events: EventIndex
    profiles: ProfileIndex
    clock: SystemClock


@asynccontextmanager
async def open_stores(settings: Settings) -> AsyncGenerator[Stores]:
    """Connections to the three servers, closed at the end. Raises InvalidInput where a URL is missing."""
    async with AsyncExitStack() as stack:
        password = settings.neo4j_password.get_secret_value() if settings.neo4j_password else None
        neo4j_url = required(settings.neo4j_url, "ONEID_NEO4J_URL")
        graph = await stack.enter_async_context(
            graph_client.connect(neo4j_url, settings.neo4j_user, password)
        )
        redis = await stack.enter_async_context(
            log_client.connect(required(settings.redis_url, "ONEID_REDIS_URL"))
        )
        search = await stack.enter_async_context(
            search_client.connect(required(settings.opensearch_url, "ONEID_OPENSEARCH_URL"))
        )
        names = IndexNames(settings.index_prefix, settings.event_shards)
        yield Stores(
            graph,
            redis,
            search,
            EventLog(redis, settings.partitions),
            EventIndex(search, names.events),
            ProfileIndex(search, names.profiles),
            SystemClock(),
        )


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What keeps the index equal to the graph."""

    projection: ProjectionService
    rehoming: RehomingService
    reconciliation: ReconciliationService


def upkeep(stores: Stores) -> Upkeep:
    marks = Projections(stores.graph)
    return Upkeep(
        ProjectionService(marks, stores.profiles, stores.events),
        RehomingService(marks, stores.events),
        ReconciliationService(marks, stores.profiles, stores.events, stores.clock),
    )


@asynccontextmanager
async def open_keys(settings: Settings) -> AsyncGenerator[KeyService]:
    """The API keys alone, which need nothing but the graph."""
    password = settings.neo4j_password.get_secret_value() if settings.neo4j_password else None
    url = required(settings.neo4j_url, "ONEID_NEO4J_URL")
    async with graph_client.connect(url, settings.neo4j_user, password) as graph:
        service = KeyService(ApiKeys(graph), SystemClock(), settings.mode)
        yield service
        await service.close()


def required(url: str | None, variable: str) -> str:
    if not url:
        raise InvalidInput(f"{variable} is not set: `oneid up` sets it, or name a server", field=(variable,))
    return url
