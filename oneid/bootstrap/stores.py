"""The three stores, connected by the settings."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

from redis.asyncio import Redis

from graph import client as graph_client
from graph.attribute_catalog import AttributeCatalog
from graph.client import Graph
from graph.clock import ClockStore
from graph.conditions import Conditions
from graph.lifecycles import Lifecycles
from graph.scores import ScoreModels
from graph.segments import Segments
from graph.tags import Tags
from oneid.background import background
from oneid.clock import SystemClock
from oneid.errors import InvalidInput, Retriable
from oneid.log import client as log_client
from oneid.log.clock import SharedOffset
from oneid.log.events import EventLog
from oneid.services.clock import ClockFollower
from oneid.services.lifecycles import StagePlugs
from oneid.services.scores import ScorePlugs
from oneid.services.tags import TagPlugs
from oneid.services.vocabulary import VocabularyService
from oneid.settings import Settings
from search import client as search_client
from search.buyers import Buyers
from search.client import Search
from search.erasure import EventErasure
from search.events import EventIndex
from search.indexes import IndexNames
from search.members import Members
from search.profile_rebuild import ProfileRebuild
from search.profiles import ProfileIndex
from search.replays import Replays
from search.segments.histories import Histories
from search.segments.limits import ClauseLimit
from search.segments.percolator import Percolator
from search.segments.tallies import Tallies

BULK_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Stores:
    """The three stores, connected, and what reads and writes them."""

    graph: Graph
    redis: Redis
    search: Search
    log: EventLog
    events: EventIndex
    replays: Replays
    event_erasure: EventErasure
    histories: Histories
    tallies: Tallies
    profiles: ProfileIndex
    rebuild: ProfileRebuild
    percolator: Percolator
    members: Members
    buyers: Buyers
    vocabulary: VocabularyService
    clause_limit: ClauseLimit
    clock: SystemClock
    region: str
    zone: str


@asynccontextmanager
async def open_stores(settings: Settings, *, patience: float = 8.0) -> AsyncGenerator[Stores]:
    """Connections to the three servers, closed at the end. Raises InvalidInput where a URL is missing.

    `patience`: seconds until a search request is given up. Whoever writes in bulk should have more of it than a
    caller who waits: given up too early and sent again, the same bulk burdens a slow cluster twice.
    """
    async with AsyncExitStack() as stack:
        graph, redis, search = await connected(stack, settings, patience)
        names = IndexNames(settings.index_prefix, settings.event_shards)
        clock = SystemClock()
        if settings.mode == "sandbox":
            await stack.enter_async_context(followed(clock, graph, redis))
        yield Stores(
            graph,
            redis,
            search,
            EventLog(redis, settings.partitions),
            EventIndex(search, names.events),
            Replays(search, names.events),
            EventErasure(search, names.events),
            Histories(search, names.events),
            Tallies(search, names.events),
            ProfileIndex(search, names.profiles),
            ProfileRebuild(search, names),
            Percolator(search, names.segments),
            Members(search, names.profiles),
            Buyers(search, names.events),
            vocabulary(graph),
            ClauseLimit(search),
            clock,
            settings.phone_region,
            settings.timezone,
        )


async def connected(
    stack: AsyncExitStack, settings: Settings, patience: float
) -> tuple[Graph, Redis, Search]:
    """The clients of the three servers, closed with `stack`."""
    password = settings.neo4j_password.get_secret_value() if settings.neo4j_password else None
    neo4j = required(settings.neo4j_url, "ONEID_NEO4J_URL")
    graph = await stack.enter_async_context(graph_client.connect(neo4j, settings.neo4j_user, password))
    valkey = required(settings.redis_url, "ONEID_REDIS_URL")
    redis = await stack.enter_async_context(log_client.connect(valkey))
    opensearch = required(settings.opensearch_url, "ONEID_OPENSEARCH_URL")
    search = await stack.enter_async_context(search_client.connect(opensearch, attempt_seconds=patience))
    return graph, redis, search


def vocabulary(graph: Graph) -> VocabularyService:
    sources = (ScorePlugs(ScoreModels(graph)), TagPlugs(Tags(graph)), StagePlugs(Lifecycles(graph)))
    return VocabularyService(graph, AttributeCatalog(graph), Segments(graph), Conditions(graph), sources)


@asynccontextmanager
async def followed(clock: SystemClock, graph: Graph, redis: Redis) -> AsyncGenerator[None]:
    """The clock goes with the sandbox's until the end of the block."""
    follower = ClockFollower(clock, ClockStore(graph), SharedOffset(redis))
    with suppress(Retriable):
        await follower.catch_up()
    async with background(follower.follow()):
        yield


def required(url: str | None, variable: str) -> str:
    if not url:
        raise InvalidInput(f"{variable} is not set: `oneid up` sets it, or name a server", field=(variable,))
    return url
