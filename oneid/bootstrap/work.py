"""What works on the stores: each service, made from what it needs."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from graph.attribute_catalog import AttributeCatalog
from graph.consents import Consents
from graph.customers import Customers
from graph.decisions import DecisionLog
from graph.definitions import Definitions
from graph.divisions import Divisions
from graph.exports import AttachedData
from graph.lifecycles import Lifecycles
from graph.markings import Markings
from graph.memberships import Memberships
from graph.operation_files import OperationFiles
from graph.operations import OperationStore
from graph.projection import Projections
from graph.proposals import Proposals
from graph.receipts import Receipts
from graph.reindexing import Reindexing
from graph.rules import RulesStore
from graph.scores import ScoreModels
from graph.tags import Tags
from graph.transitions import Transitions
from oneid.bootstrap.stores import Stores
from oneid.log.dead_letters import DeadLetters
from oneid.log.erasure import LogErasure
from oneid.services import reindexing
from oneid.services.attributes import AttributeService
from oneid.services.audiences import AudienceService
from oneid.services.building import BuildingService
from oneid.services.consents import ConsentService
from oneid.services.counting import CountingService
from oneid.services.customers import CustomerService
from oneid.services.evaluation import EvaluationService, MaterialisationService
from oneid.services.exporting import CustomerExport
from oneid.services.ingestion import Searchable
from oneid.services.judging import JudgingService
from oneid.services.lifecycles import LifecycleService
from oneid.services.lost_events import LostEvents
from oneid.services.marking import MarkingService
from oneid.services.measuring import MeasuringService
from oneid.services.membership import MembershipService
from oneid.services.operation_expiry import OperationExpiry
from oneid.services.operation_run import Handler
from oneid.services.operation_runner import OperationRunner
from oneid.services.operations import OperationService
from oneid.services.previews import PreviewService
from oneid.services.profile_writer import ProfileWriter
from oneid.services.projection import ProjectionService
from oneid.services.proposals import ProposalSearch
from oneid.services.reassembling import Reassembler
from oneid.services.rebuilding import RebuildService
from oneid.services.reconciliation import ReconciliationService
from oneid.services.rehoming import RehomingService
from oneid.services.reindexing import ReindexService
from oneid.services.reprocessing import ReprocessService
from oneid.services.scores import ScoreService
from oneid.services.seeding import SeedService
from oneid.services.segment_deletion import SegmentDeletion
from oneid.services.segment_export import SegmentExport
from oneid.services.segments import SegmentService
from oneid.services.stewardship import StewardshipService
from oneid.services.tags import TagService


def attribute_catalog(stores: Stores) -> AttributeCatalog:
    return AttributeCatalog(stores.graph, stores.zone)


def reconciliation(stores: Stores, *, page: int = 500) -> ReconciliationService:
    return ReconciliationService(
        Projections(stores.graph),
        attribute_catalog(stores),
        stores.profiles,
        stores.events,
        lost_events(stores),
        stores.clock,
        page=page,
    )


def lost_events(stores: Stores) -> LostEvents:
    return LostEvents(
        Customers(stores.graph),
        Receipts(stores.graph),
        stores.vocabulary.conditions,
        stores.events,
        stores.replays,
        stores.event_erasure,
        LogErasure(stores.redis, stores.log.partitions),
    )


def rehoming(stores: Stores) -> RehomingService:
    return RehomingService(Projections(stores.graph), Divisions(stores.graph), stores.events)


def projection(stores: Stores) -> ProjectionService:
    marks, writer = Projections(stores.graph), profile_writer(stores)
    return ProjectionService(marks, writer, judging(stores), stores.profiles, stores.events)


def evaluation(stores: Stores) -> EvaluationService:
    catalog = attribute_catalog(stores)
    return EvaluationService(stores.vocabulary.conditions, stores.histories, catalog, stores.clock)


def attributes(stores: Stores) -> AttributeService:
    return AttributeService(
        definitions(stores),
        attribute_catalog(stores),
        stores.profiles,
        stores.rebuild,
        stores.percolator,
        marking(stores),
        building(stores),
    )


def marking(stores: Stores) -> MarkingService:
    catalog = attribute_catalog(stores)
    return MarkingService(Markings(stores.graph), catalog, materialisation(stores))


def customers(stores: Stores) -> CustomerService:
    found = Customers(stores.graph)
    return CustomerService(found, stores.profiles, RulesStore(stores.graph), stores.region)


def audiences(stores: Stores) -> AudienceService:
    return AudienceService(
        stores.vocabulary,
        materialisation(stores),
        customers(stores),
        stores.profiles,
        counting(stores),
        stores.clause_limit,
        stores.clock,
        stores.zone,
    )


def previews(stores: Stores) -> PreviewService:
    return PreviewService(counting(stores), Customers(stores.graph))


def counting(stores: Stores) -> CountingService:
    return CountingService(
        materialisation(stores),
        Customers(stores.graph),
        stores.profiles,
        stores.members,
        stores.tallies,
        stores.clock,
        stores.zone,
    )


def definitions(stores: Stores) -> Definitions:
    return Definitions(stores.graph, attribute_catalog(stores))


def tags(stores: Stores) -> TagService:
    graph = stores.graph
    return TagService(
        definitions(stores),
        Tags(graph),
        attribute_catalog(stores),
        segments(stores),
        audiences(stores),
        building(stores),
        judging(stores),
        projection(stores),
        Projections(graph),
        marking(stores),
        Transitions(graph),
        stores.clock,
    )


def lifecycles(stores: Stores) -> LifecycleService:
    graph = stores.graph
    return LifecycleService(
        definitions(stores),
        Lifecycles(graph),
        segments(stores),
        building(stores),
        audiences(stores),
        projection(stores),
        Projections(graph),
        stores.profiles,
        stores.clock,
        stores.zone,
    )


def consents(stores: Stores) -> ConsentService:
    return ConsentService(Consents(stores.graph), projection(stores), stores.clock)


def scores(stores: Stores) -> ScoreService:
    return ScoreService(
        ScoreModels(stores.graph),
        Customers(stores.graph),
        audiences(stores),
        building(stores),
        stores.profiles,
        stores.members,
        stores.histories,
        stores.buyers,
        stores.clock,
    )


def building(stores: Stores) -> BuildingService:
    return BuildingService(
        stores.vocabulary.segments,
        Memberships(stores.graph),
        Markings(stores.graph),
        audiences(stores),
        materialisation(stores),
        stores.percolator,
        stores.members,
    )


def segments(stores: Stores) -> SegmentService:
    return SegmentService(
        definitions(stores),
        stores.vocabulary.segments,
        Tags(stores.graph),
        audiences(stores),
        materialisation(stores),
        building(stores),
        stores.members,
        stores.clock,
    )


def segment_deletion(stores: Stores) -> SegmentDeletion:
    return SegmentDeletion(
        definitions(stores),
        stores.vocabulary.segments,
        segments(stores),
        building(stores),
        materialisation(stores),
        Transitions(stores.graph),
        stores.members,
    )


def judging(stores: Stores) -> JudgingService:
    memberships, catalog = Memberships(stores.graph), attribute_catalog(stores)
    return JudgingService(memberships, stores.percolator, catalog, stores.clock, stores.zone)


def membership(stores: Stores) -> MembershipService:
    return MembershipService(Projections(stores.graph), judging(stores), stores.vocabulary.segments)


def due(stores: Stores) -> Callable[[], Awaitable[None]]:
    """Does what the clock has made due, and returns when nothing is any more."""
    evaluator, judges, projector = evaluation(stores), judging(stores), projection(stores)

    async def catch_up() -> None:
        while await evaluator.wake() or await evaluator.run_once():
            pass
        while await judges.wake() or await projector.run_once():
            pass
        await stores.profiles.refresh()

    return catch_up


def materialisation(stores: Stores) -> MaterialisationService:
    return MaterialisationService(
        stores.vocabulary.conditions,
        stores.histories,
        evaluation(stores),
        projection(stores),
        stores.profiles,
    )


def searchable(stores: Stores) -> Searchable:
    evaluator, projector = evaluation(stores), projection(stores)

    async def make_searchable(one_ids: Sequence[str]) -> None:
        await evaluator.evaluate(one_ids)
        await projector.make_searchable(one_ids)

    return make_searchable


def profile_writer(stores: Stores) -> ProfileWriter:
    catalog = attribute_catalog(stores)
    return ProfileWriter(Reindexing(stores.graph), catalog, stores.profiles, stores.rebuild)


def segment_exports(stores: Stores) -> SegmentExport:
    graph = stores.graph
    return SegmentExport(audiences(stores), stores.members, Customers(graph), attribute_catalog(stores))


def operation_runner(stores: Stores, handlers: Mapping[str, Handler]) -> OperationRunner:
    """What carries out the operations of these kinds."""
    store, files = OperationStore(stores.graph), OperationFiles(stores.graph)
    give_ups = {reindexing.KIND: reindex(stores).give_up}
    return OperationRunner(store, files, handlers, stores.clock, give_ups=give_ups)


def operation_expiry(stores: Stores) -> OperationExpiry:
    store, files = OperationStore(stores.graph), OperationFiles(stores.graph)
    return OperationExpiry(store, files, stores.clock)


def operation_service(stores: Stores) -> OperationService:
    return OperationService(OperationStore(stores.graph), OperationFiles(stores.graph), stores.clock)


def reindex(stores: Stores) -> ReindexService:
    graph = stores.graph
    return ReindexService(Reindexing(graph), Projections(graph), attribute_catalog(stores), stores.rebuild)


def proposal_search(stores: Stores) -> ProposalSearch:
    return ProposalSearch(Proposals(stores.graph), stores.clock)


def stewardship(stores: Stores) -> StewardshipService:
    customers = Customers(stores.graph)
    return StewardshipService(stores.graph, customers, stores.replays, rehoming(stores), stores.clock)


def seeder(stores: Stores) -> SeedService:
    return SeedService(stores.graph, stores.events, profile_writer(stores), stores.clock)


def rebuilding(stores: Stores) -> RebuildService:
    return RebuildService(stores.graph, stores.replays, rehoming(stores), stores.clock, stores.region)


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
        stores.log,
        DeadLetters(stores.redis, stores.log.partitions),
        stores.vocabulary.conditions,
        Projections(graph),
        AttributeCatalog(graph),
        RulesStore(graph),
        stores.region,
    )


def measuring(stores: Stores) -> MeasuringService:
    return MeasuringService(stores.graph, stores.clock)
