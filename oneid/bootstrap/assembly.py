"""The services that the API calls, assembled."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields

from graph import client as graph_client
from graph.attribute_catalog import AttributeCatalog
from graph.change_pages import ChangePages
from graph.clock import ClockStore
from graph.customers import Customers
from graph.decision_pages import DecisionPages
from graph.decisions import DecisionLog
from graph.health import HealthReader
from graph.household_pages import HouseholdPages
from graph.keys import ApiKeys
from graph.proposals import Proposals
from graph.rules import RulesStore
from graph.transitions import Transitions
from oneid.background import background, end
from oneid.backoff import Backoff
from oneid.bootstrap.erasing import erasure
from oneid.bootstrap.keeping import retention
from oneid.bootstrap.stores import Stores, open_stores, required
from oneid.bootstrap.work import (
    attributes,
    audiences,
    consents,
    customers,
    due,
    lifecycles,
    membership,
    operation_service,
    previews,
    scores,
    searchable,
    segment_deletion,
    segments,
    stewardship,
    tags,
)
from oneid.clock import SystemClock
from oneid.domain.keys import SCOPES, WRITE_SCOPES, KeyKind
from oneid.errors import Retriable
from oneid.log.buckets import SharedBuckets
from oneid.log.clock import SharedOffset
from oneid.log.dead_letters import DeadLetters
from oneid.log.replies import Replies
from oneid.services.attributes import AttributeService
from oneid.services.audiences import AudienceService
from oneid.services.audits import AuditService
from oneid.services.change_feed import ChangeFeed
from oneid.services.changes import DecisionSource, TransitionSource
from oneid.services.clock import ClockService
from oneid.services.consents import ConsentService
from oneid.services.customers import CustomerService
from oneid.services.erasure import ErasureService
from oneid.services.identity import IdentityService
from oneid.services.ingestion import IngestionService
from oneid.services.keys import KeyService
from oneid.services.lifecycles import LifecycleService
from oneid.services.list_import import ListImport
from oneid.services.membership import MembershipService
from oneid.services.moments import MomentService
from oneid.services.operations import OperationService
from oneid.services.previews import PreviewService
from oneid.services.proposals import ProposalReview
from oneid.services.rates import RateService
from oneid.services.retention import RetentionService
from oneid.services.scores import ScoreService
from oneid.services.segment_deletion import SegmentDeletion
from oneid.services.segments import SegmentService
from oneid.services.stewardship import StewardshipService
from oneid.services.tags import TagService
from oneid.services.totals import EventTotals
from oneid.services.upserts import UpsertService
from oneid.settings import Settings
from search.audits import Audits
from search.event_pages import EventPages
from search.events import EventIndex
from search.indexes import IndexNames

FIXED_KEYS_SECONDS = 5.0

logger = logging.getLogger(__name__)

Check = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Segmentation:
    """What the API calls about groups of customers, and what puts them there."""

    audits: AuditService
    audiences: AudienceService
    previews: PreviewService
    segments: SegmentService
    segment_deletion: SegmentDeletion
    memberships: MembershipService
    transitions: Transitions
    scores: ScoreService
    lifecycles: LifecycleService
    moments: MomentService
    retention: RetentionService
    tags: TagService
    consents: ConsentService
    list_import: ListImport


@dataclass(frozen=True, slots=True)
class Services(Segmentation):
    """What the API calls. `checks` by server name: each returns if the server answers and raises if not."""

    settings: Settings
    checks: Mapping[str, Check]
    keys: KeyService
    rates: RateService
    ingestion: IngestionService
    attributes: AttributeService
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
    """Makes a sandbox's keys from the settings the only ones of their names, and a live deployment free of them.
    Without a graph the block begins before that."""
    task = asyncio.create_task(ensure_fixed_keys(settings, keys))
    await asyncio.wait({task}, timeout=FIXED_KEYS_SECONDS)
    try:
        yield
    finally:
        await end(task)


async def ensure_fixed_keys(settings: Settings, keys: KeyService) -> None:
    backoff = Backoff(0.5)
    while True:
        try:
            return await _fix_keys(settings, keys)
        except Retriable as error:
            logger.warning("the sandbox's keys are not known yet: %s", error.message)
            await asyncio.sleep(backoff.next())


async def _fix_keys(settings: Settings, keys: KeyService) -> None:
    fixed = (
        (settings.admin_key, "sandbox admin", KeyKind.SECRET, SCOPES),
        (settings.write_key, "sandbox write", KeyKind.WRITE, WRITE_SCOPES),
    )
    if settings.mode == "live":
        await keys.replace([name for _, name, _, _ in fixed], [])
        return
    for secret, name, kind, scopes in fixed:
        if secret:
            text = secret.get_secret_value()
            await keys.ensure(text, name, kind, scopes)
            await keys.replace([name], [text])


def assemble(settings: Settings, stores: Stores, replies: Replies) -> Services:
    graph, clock, region = stores.graph, stores.clock, settings.phone_region
    people, rules = Customers(graph), RulesStore(graph)
    declared = attributes(stores)
    decisions, pages, grouping = DecisionLog(graph), DecisionPages(graph), segmentation(settings, stores)
    names = IndexNames(settings.index_prefix, settings.event_shards)
    return Services(
        **{part.name: getattr(grouping, part.name) for part in fields(Segmentation)},
        settings=settings,
        checks=checks(stores),
        keys=KeyService(ApiKeys(graph), clock, settings.mode),
        rates=rates(settings, stores),
        ingestion=IngestionService(stores.log, replies, clock, searchable(stores), declared.known),
        attributes=declared,
        customers=customers(stores),
        identity=IdentityService(rules, decisions),
        stewardship=stewardship(stores),
        erasure=erasure(stores, region),
        upserts=UpsertService(graph, clock, region),
        decisions=decisions,
        decision_pages=pages,
        events=stores.events,
        event_pages=EventPages(stores.search, names.events, stores.events),
        totals=EventTotals(stores.events, people, settings.timezone),
        dead_letters=DeadLetters(stores.redis, stores.log.partitions),
        clock=clock_service(settings, stores),
        changes=ChangeFeed(DecisionSource(ChangePages(graph)), TransitionSource(grouping.transitions)),
        operations=operation_service(stores),
        proposals=ProposalReview(Proposals(graph), stewardship(stores), clock),
        households=HouseholdPages(graph),
        health=HealthReader(graph, people),
    )


def segmentation(settings: Settings, stores: Stores) -> Segmentation:
    graph, names = stores.graph, IndexNames(settings.index_prefix, settings.event_shards)
    return Segmentation(
        audits=AuditService(
            Audits(stores.search, names.profiles, names.events),
            stores.profiles,
            AttributeCatalog(graph),
            Proposals(graph),
            RulesStore(graph),
            stores.clock,
        ),
        audiences=audiences(stores),
        previews=previews(stores),
        segments=segments(stores),
        segment_deletion=segment_deletion(stores),
        memberships=membership(stores),
        transitions=Transitions(graph),
        scores=scores(stores),
        lifecycles=lifecycles(stores),
        moments=MomentService(segments(stores)),
        retention=retention(stores),
        tags=tags(stores),
        consents=consents(stores),
        list_import=ListImport(tags(stores), segments(stores), customers(stores)),
    )


def clock_service(settings: Settings, stores: Stores) -> ClockService:
    offset, sandbox = SharedOffset(stores.redis), settings.mode == "sandbox"
    return ClockService(stores.clock, ClockStore(stores.graph), offset, due(stores), sandbox=sandbox)


def rates(settings: Settings, stores: Stores) -> RateService:
    rate, burst = settings.rate_points, settings.rate_burst
    return RateService(SharedBuckets(stores.redis, rate=rate, burst=burst), rate=rate, burst=burst)


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
