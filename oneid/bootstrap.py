"""The composition root: settings in, connected stores and services out. Nothing else constructs them."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

from redis.asyncio import Redis

from graph import client as graph_client
from graph.attribute_catalog import AttributeCatalog
from graph.client import Graph
from graph.clock import ClockStore
from graph.conditions import Conditions
from graph.customers import Customers
from graph.decision_pages import DecisionPages
from graph.decisions import DecisionLog
from graph.divisions import Divisions
from graph.erasure_work import ErasureWork
from graph.exports import AttachedData
from graph.health import HealthReader
from graph.household_pages import HouseholdPages
from graph.keys import ApiKeys
from graph.operation_files import OperationFiles
from graph.operations import OperationStore
from graph.projection import Projections
from graph.proposals import Proposals
from graph.receipts import Receipts
from graph.reindexing import Reindexing
from graph.rules import RulesStore
from graph.segments import Segments
from oneid.clock import SystemClock
from oneid.domain.keys import SCOPES, WRITE_SCOPES, KeyKind
from oneid.errors import InvalidInput, Retriable
from oneid.log import client as log_client
from oneid.log.clock import SharedOffset
from oneid.log.dead_letters import DeadLetters
from oneid.log.erasure import LogErasure
from oneid.log.events import EventLog
from oneid.log.replies import Replies
from oneid.services import exporting, proposals, reindexing, reprocessing
from oneid.services.attributes import AttributeService
from oneid.services.audiences import AudienceService
from oneid.services.changes import ChangeFeed
from oneid.services.clock import ClockFollower, ClockService
from oneid.services.customers import CustomerService
from oneid.services.erasure import ErasureService
from oneid.services.erasure_cleanup import ErasureCleanup
from oneid.services.evaluation import EvaluationService, MaterialisationService
from oneid.services.exporting import CustomerExport
from oneid.services.identity import IdentityService
from oneid.services.ingestion import IngestionService, Searchable
from oneid.services.keys import KeyService
from oneid.services.operation_run import Handler
from oneid.services.operation_runner import OperationRunner
from oneid.services.operations import OperationService
from oneid.services.profile_writer import ProfileWriter
from oneid.services.projection import ProjectionService
from oneid.services.proposals import ProposalReview, ProposalSearch
from oneid.services.reassembling import Reassembler
from oneid.services.rebuilding import RebuildService
from oneid.services.reconciliation import ReconciliationService
from oneid.services.rehoming import RehomingService
from oneid.services.reindexing import ReindexService
from oneid.services.reprocessing import ReprocessService
from oneid.services.seeding import SeedService
from oneid.services.segments import SegmentService
from oneid.services.stewardship import StewardshipService
from oneid.services.totals import EventTotals
from oneid.services.upserts import UpsertService
from oneid.settings import Settings
from search import client as search_client
from search.client import Search
from search.erasure import EventErasure
from search.event_pages import EventPages
from search.events import EventIndex
from search.indexes import IndexNames
from search.members import Members
from search.profile_rebuild import ProfileRebuild
from search.profiles import ProfileIndex
from search.replays import Replays
from search.segments.histories import Histories

FIXED_KEYS_SECONDS = 5.0


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
    profiles: ProfileIndex
    rebuild: ProfileRebuild
    clock: SystemClock
    region: str


@asynccontextmanager
async def open_stores(settings: Settings, *, patience: float = 10.0) -> AsyncGenerator[Stores]:
    """Connections to the three servers, closed at the end. Raises InvalidInput where a URL is missing.

    `patience`: seconds until a search request is given up. Whoever writes in bulk should have more of it than a
    caller who waits: given up too early and sent again, the same bulk burdens a slow cluster twice.
    """
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
            search_client.connect(
                required(settings.opensearch_url, "ONEID_OPENSEARCH_URL"), attempt_seconds=patience
            )
        )
        names = IndexNames(settings.index_prefix, settings.event_shards)
        clock = SystemClock()
        if settings.mode == "sandbox":
            follower = ClockFollower(clock, ClockStore(graph), SharedOffset(redis))
            with suppress(Retriable):
                await follower.catch_up()
            await stack.enter_async_context(background(follower.follow()))
        yield Stores(
            graph,
            redis,
            search,
            EventLog(redis, settings.partitions),
            EventIndex(search, names.events),
            Replays(search, names.events),
            EventErasure(search, names.events),
            Histories(search, names.events),
            ProfileIndex(search, names.profiles),
            ProfileRebuild(search, names),
            clock,
            settings.phone_region,
        )


@asynccontextmanager
async def background(work: Coroutine[None, None, None]) -> AsyncGenerator[None]:
    """Runs endless work until the end of the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        await end(task)


async def end(task: asyncio.Task[None]) -> None:
    """Cancels a task until it ends and raises what it failed with. Once is not enough: Python 3.11's
    `asyncio.wait_for`, which clients of the stores use, swallows a cancellation that comes just as its work is
    done, and the process would never stop."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=1)
    if not task.cancelled():
        task.result()


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What keeps the index equal to the graph, and what carries operations out."""

    projection: ProjectionService
    evaluation: EvaluationService
    rehoming: RehomingService
    reconciliation: ReconciliationService
    operations: OperationRunner


def upkeep(stores: Stores) -> Upkeep:
    marks, catalog = Projections(stores.graph), AttributeCatalog(stores.graph)
    return Upkeep(
        ProjectionService(marks, profile_writer(stores), stores.profiles, stores.events),
        EvaluationService(Conditions(stores.graph), stores.histories),
        RehomingService(marks, Divisions(stores.graph), stores.events),
        ReconciliationService(marks, catalog, stores.profiles, stores.events, stores.clock),
        operation_runner(stores, handlers(stores)),
    )


def materialisation(stores: Stores) -> MaterialisationService:
    work = upkeep(stores)
    return MaterialisationService(
        Conditions(stores.graph),
        stores.histories,
        work.evaluation,
        work.projection,
        stores.profiles,
    )


def searchable(stores: Stores) -> Searchable:
    work = upkeep(stores)

    async def make_searchable(one_ids: Sequence[str]) -> None:
        await work.evaluation.evaluate(one_ids)
        await work.projection.make_searchable(one_ids)

    return make_searchable


def profile_writer(stores: Stores) -> ProfileWriter:
    catalog = AttributeCatalog(stores.graph)
    return ProfileWriter(Reindexing(stores.graph), catalog, stores.profiles, stores.rebuild)


def handlers(stores: Stores) -> dict[str, Handler]:
    """What carries out each kind of operation."""
    return {
        exporting.KIND: customer_export(stores).handle,
        proposals.KIND: proposal_search(stores).handle,
        reindexing.KIND: reindex(stores).run,
        reprocessing.KIND: reprocessing_of(stores).handle,
    }


def operation_runner(stores: Stores, handlers: Mapping[str, Handler]) -> OperationRunner:
    """What carries out the operations of these kinds."""
    store, files = OperationStore(stores.graph), OperationFiles(stores.graph)
    return OperationRunner(store, files, handlers, stores.clock)


def operation_service(stores: Stores) -> OperationService:
    return OperationService(OperationStore(stores.graph), OperationFiles(stores.graph), stores.clock)


def reindex(stores: Stores) -> ReindexService:
    graph = stores.graph
    return ReindexService(Reindexing(graph), Projections(graph), AttributeCatalog(graph), stores.rebuild)


def proposal_search(stores: Stores) -> ProposalSearch:
    return ProposalSearch(Proposals(stores.graph), stores.clock)


def stewardship(stores: Stores) -> StewardshipService:
    customers, rehoming = Customers(stores.graph), upkeep(stores).rehoming
    return StewardshipService(stores.graph, customers, stores.replays, rehoming, stores.clock)


def seeder(stores: Stores) -> SeedService:
    return SeedService(stores.graph, stores.events, stores.clock)


def rebuilding(stores: Stores) -> RebuildService:
    rehoming = upkeep(stores).rehoming
    return RebuildService(stores.graph, stores.replays, rehoming, stores.clock, stores.region)


def reprocessing_of(stores: Stores) -> ReprocessService:
    graph, replays = stores.graph, stores.replays
    reassembler = Reassembler(graph, replays, stores.clock)
    return ReprocessService(graph, stores.log, replays, stores.events, reassembler, stores.region)


def customer_export(stores: Stores) -> CustomerExport:
    graph = stores.graph
    return CustomerExport(
        Customers(graph),
        DecisionLog(graph),
        AttachedData(graph),
        stores.replays,
        DeadLetters(stores.redis),
        RulesStore(graph),
        stores.region,
    )


def erasure_cleanup(stores: Stores, region: str) -> ErasureCleanup:
    return ErasureCleanup(
        stores.graph,
        ErasureWork(stores.graph),
        RulesStore(stores.graph),
        LogErasure(stores.redis, stores.log.partitions),
        DeadLetters(stores.redis),
        stores.event_erasure,
        profile_writer(stores),
        stores.clock,
        region,
    )


def erasure(stores: Stores, region: str) -> ErasureService:
    cleanup, rehoming = erasure_cleanup(stores, region), upkeep(stores).rehoming
    return ErasureService(stores.graph, Receipts(stores.graph), cleanup, rehoming, stores.clock, region)


Check = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Services:
    """What the API calls. `checks` by server name: each returns if the server answers and raises if not."""

    settings: Settings
    checks: Mapping[str, Check]
    keys: KeyService
    ingestion: IngestionService
    attributes: AttributeService
    audiences: AudienceService
    segments: SegmentService
    customers: CustomerService
    identity: IdentityService
    stewardship: StewardshipService
    erasure: ErasureService
    upserts: UpsertService
    decisions: DecisionLog
    decision_pages: DecisionPages
    events: EventIndex
    event_pages: EventPages
    totals: EventTotals
    dead_letters: DeadLetters
    clock: ClockService
    changes: ChangeFeed
    operations: OperationService
    proposals: ProposalReview
    households: HouseholdPages
    health: HealthReader


@asynccontextmanager
async def services(settings: Settings) -> AsyncGenerator[Services]:
    """The API's services on stores of their own; what they do in the background ends with the block."""
    async with open_stores(settings) as stores:
        replies = Replies(stores.redis)
        opened = assemble(settings, stores, replies)
        async with background(replies.listen()), fixed_keys(settings, opened.keys):
            yield opened
            await opened.keys.close()


@asynccontextmanager
async def fixed_keys(settings: Settings, keys: KeyService) -> AsyncGenerator[None]:
    """Makes a sandbox's keys from the settings known. Without a graph the block begins without them."""
    task = asyncio.create_task(ensure_fixed_keys(settings, keys))
    await asyncio.wait({task}, timeout=FIXED_KEYS_SECONDS)
    try:
        yield
    finally:
        await end(task)


async def ensure_fixed_keys(settings: Settings, keys: KeyService) -> None:
    fixed = (
        (settings.admin_key, "sandbox admin", KeyKind.SECRET, SCOPES),
        (settings.write_key, "sandbox write", KeyKind.WRITE, WRITE_SCOPES),
    )
    for text, name, kind, scopes in fixed:
        while text and settings.mode == "sandbox":
            try:
                await keys.ensure(text.get_secret_value(), name, kind, scopes)
                break
            except Retriable:
                await asyncio.sleep(1)


def assemble(settings: Settings, stores: Stores, replies: Replies) -> Services:
    graph, clock, region = stores.graph, stores.clock, settings.phone_region
    customers, rules = Customers(graph), RulesStore(graph)
    attributes = AttributeService(AttributeCatalog(graph), stores.profiles, stores.rebuild)
    decisions, pages = DecisionLog(graph), DecisionPages(graph)
    found = CustomerService(customers, stores.profiles, rules, region)
    audiences = AudienceService(
        attributes, Segments(graph), materialisation(stores), found, stores.profiles, clock, settings.timezone
    )
    names = IndexNames(settings.index_prefix, settings.event_shards)
    sandbox = settings.mode == "sandbox"
    return Services(
        settings=settings,
        checks=checks(stores),
        keys=KeyService(ApiKeys(graph), clock, settings.mode),
        ingestion=IngestionService(stores.log, replies, clock, searchable(stores), attributes.known),
        attributes=attributes,
        audiences=audiences,
        segments=SegmentService(
            Segments(graph),
            audiences,
            materialisation(stores),
            Members(stores.search, names.profiles),
            clock,
        ),
        customers=found,
        identity=IdentityService(rules, decisions),
        stewardship=stewardship(stores),
        erasure=erasure(stores, region),
        upserts=UpsertService(graph, clock, region),
        decisions=decisions,
        decision_pages=pages,
        events=stores.events,
        event_pages=EventPages(stores.search, names.events, stores.events),
        totals=EventTotals(stores.events, customers, settings.timezone),
        dead_letters=DeadLetters(stores.redis),
        clock=ClockService(clock, ClockStore(graph), SharedOffset(stores.redis), sandbox=sandbox),
        changes=ChangeFeed(decisions, pages),
        operations=operation_service(stores),
        proposals=ProposalReview(Proposals(graph), stewardship(stores), clock),
        households=HouseholdPages(graph),
        health=HealthReader(graph, customers),
    )


def checks(stores: Stores) -> dict[str, Check]:
    async def redis() -> None:
        await stores.redis.exists("oneid:ready")

    return {
        "neo4j": lambda: stores.graph.read("ready", "RETURN 1 AS one"),
        "redis": redis,
        "opensearch": lambda: stores.search.once("GET", "/"),
    }


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
